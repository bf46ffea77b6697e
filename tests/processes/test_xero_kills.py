"""Somebody pays in Xero, and something of ours is killed: the invoice is Paid once, one row of history says so."""

from __future__ import annotations

import pytest

from core import columns
from core.invoice import ACTIVE, PAID
from demo.sale import Sale
from pipeline.lanes import Entity
from tests.processes.city import Cities
from tests.processes.xero_stories import Stories

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
READ, BATCH = r"GET /api.xro/2.0/Invoices\?.*IDs=", r"POST /api/data/v9.2/\$batch"
RETRY_S = 15 * 60


@pytest.fixture
def stories(cities: Cities) -> Stories:
    return Stories(cities.sound_city())


@pytest.fixture
def sale(stories: Stories) -> Sale:
    return stories.sell()


def pay(stories: Stories, sale: Sale) -> Entity:
    xero_id = stories.document_id(sale)
    stories.act("pay", invoice_id=xero_id)
    return Entity("xero", "invoice", xero_id)


def assert_paid_once(stories: Stories, sale: Sale) -> None:
    """Now, and when all that was due is done."""
    for _ in range(2):
        stories.follows(sale, "Invoice has been paid in Xero", status="PAID", state=PAID, due=0)
        stories.city.until(lambda: stories.ready() == 0, "the lane to be empty")
    rows = stories.city.rows(columns.DETAILS.set_name)
    assert sum(row["stl3_dynamicsinvoiceid"] == sale.invoice_id for row in rows) == 1
    assert sale.facts["details"]["stl3_closedbyconnector"] is True


def test_a_worker_killed_after_xero_was_read(stories: Stories, sale: Sale) -> None:
    """It knows of the payment and has written nothing yet."""
    stories.city.inject("xero", match=READ, kind="delay-after", delay_s=60)
    pay(stories, sale)
    stories.city.until(lambda: stories.city.held("xero") == 1, "the answer of Xero to be held")

    stories.city.stack.kill("work-1")
    stories.city.release("xero")
    assert stories.look(sale)["state"] == ACTIVE
    stories.city.stack.start("work-1")

    assert_paid_once(stories, sale)


def test_a_write_back_that_arrives_after_the_worker_was_killed_and_replaced(stories: Stories, sale: Sale) -> None:
    """The next worker has written it meanwhile: what the dead one sent comes too late, and changes nothing."""
    stories.city.inject("xero", match=READ, kind="delay-after", delay_s=60)
    pay(stories, sale)
    stories.city.until(lambda: stories.city.held("xero") == 1, "the answer of Xero to be held")
    stories.city.inject("dynamics", match=BATCH, kind="delay-before", delay_s=60)
    stories.city.release("xero")
    stories.city.until(lambda: stories.city.held("dynamics") == 1, "the write-back to be held")

    stories.city.stack.kill("work-1")
    stories.city.stack.start("work-1")
    assert_paid_once(stories, sale)
    before, answered = sale.facts, len(stories.city.calls("dynamics"))
    stories.city.release("dynamics")
    stories.city.until(lambda: len(stories.city.calls("dynamics")) > answered, "the late write-back to be answered")

    assert_paid_once(stories, sale)
    assert sale.facts == before


def test_a_killed_dispatcher(stories: Stories, sale: Sale) -> None:
    """The event waits in the inbox."""
    stories.city.stack.kill("dispatch")
    heard = len(heard_of_xero(stories))
    entity = pay(stories, sale)
    stories.city.until(lambda: len(heard_of_xero(stories)) > heard, "the event to be in the inbox")
    assert not stories.is_due(entity)

    stories.city.stack.start("dispatch")

    assert_paid_once(stories, sale)


def test_a_killed_redis(stories: Stories, sale: Sale) -> None:
    """What was marked is on disk; every process goes on as soon as Redis is back."""
    stories.city.stack.kill("work-1")
    entity = pay(stories, sale)
    stories.city.until(lambda: stories.is_due(entity), "the dispatcher to mark it")

    stories.city.stack.kill("redis")
    stories.city.stack.start("redis")
    stories.city.until(stories.city.stack.is_ready, "web to reach Redis again")
    stories.city.stack.start("work-1")

    assert_paid_once(stories, sale)


@pytest.mark.parametrize("killed", ["web", "redis"])
def test_an_event_that_nobody_took(stories: Stories, sale: Sale, killed: str) -> None:
    """The next poll finds the payment. A quarter of an hour later Xero tells it again, which changes nothing."""
    stories.city.stack.kill(killed)
    # What the web server has forked outlives it by a moment, and serves until it sees that it is alone.
    stories.city.until(lambda: not stories.city.stack.is_ready(), "nobody to receive")
    pay(stories, sale)
    stories.city.until(lambda: subscription(stories) == "RETRY", "Xero to give up for now")
    stories.city.stack.start(killed)
    stories.city.until(stories.city.stack.is_ready, "web to receive")
    assert stories.look(sale)["state"] == ACTIVE

    stories.poll_now()

    assert_paid_once(stories, sale)
    heard = len(heard_of_xero(stories))
    stories.city._control("POST", "xero", "clock", {"advance_s": RETRY_S})
    stories.city.until(lambda: subscription(stories) == "OK", "Xero to tell it again")
    stories.city.until(lambda: len(heard_of_xero(stories)) > heard, "it to be heard")
    assert_paid_once(stories, sale)


def subscription(stories: Stories) -> str:
    return str(stories.city._control("POST", "xero", "webhooks", {})["status"])


def heard_of_xero(stories: Stories) -> list[object]:
    """The deliveries of Xero that the inbox has taken."""
    answered = stories.logged("web", "webhook.answered")
    return [line for line in answered if line["source"] == "xero" and line["status"] == 200]
