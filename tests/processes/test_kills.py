"""What is killed comes back, and nothing is lost or doubled: real processes, real Redis, SIGKILL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import redis

from core import columns
from core.event import Event
from core.inbox import Inbox
from core.redis import inbox_url, open_redis
from demo.sale import Sale
from pipeline.lanes import Entity, Lanes
from tests.processes.city import Cities, City

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]


@pytest.fixture
def city(cities: Cities) -> City:
    return cities.sound_city()


def test_a_worker_killed_before_the_write_back_leaves_one_of_each(city: City) -> None:
    """R5, F20, F61: Xero has made the document, Dynamics does not know yet, the worker dies: the next one finishes
    the work.
    """
    city.until_true(city.sale())
    city.inject("xero", match="PUT /api.xro/2.0/Invoices", kind="delay-after", delay_s=60)
    sale = city.sale()
    city.until(lambda: city.held("xero") == 1, "the answer of Xero to be held")
    assert any(sale.invoice_id in row["Url"] for row in city.invoices_in_xero())

    city.stack.kill("work-1")
    city.release("xero")
    city.stack.start("work-1")

    city.until_true(sale)
    assert sale.facts["documents"] == 1
    assert len(sale.facts["history"]) == 1
    details = [row for row in city.rows(columns.DETAILS.set_name) if row["stl3_dynamicsinvoiceid"] == sale.invoice_id]
    assert len(details) == 1


@pytest.mark.parametrize("kind", ["delay-before", "delay-after"])
def test_a_worker_killed_while_it_writes_back_leaves_one_of_each(city: City, kind: str) -> None:
    """The write-back is done, or will be done later: nobody knows, and repeating it changes nothing."""
    city.inject("xero", match="PUT /api.xro/2.0/Invoices", kind="delay-after", delay_s=60)
    sale = city.sale(1)
    city.until(lambda: city.held("xero") == 1, "the answer of Xero to be held")
    city.inject("dynamics", match=r"POST /api/data/v9.2/\$batch", kind=kind, delay_s=60)
    city.release("xero")
    city.until(lambda: city.held("dynamics") == 1, "the write-back to be held")

    city.stack.kill("work-1")
    city.release("dynamics")
    city.stack.start("work-1")

    city.until_true(sale)
    assert (sale.facts["documents"], len(sale.facts["history"])) == (1, 1)


@pytest.fixture
def draft(city: City) -> Iterator[Sale]:
    """A sale whose document is in Xero, a draft, its echoes settled."""
    city.company.choose(defaultstatus="Draft")
    sale = city.sale(1)
    city.until_true(sale)
    assert sale.facts["document"]["Status"] == "DRAFT"
    city.until(lambda: _due(city) == 0, "the lane to be empty")
    yield sale
    city.company.choose(defaultstatus="Authorised")


def _change(city: City, sale: Sale) -> None:
    """A sales user orders more of the first line."""
    line = next(row for row in city.rows("invoicedetails") if row["_invoiceid_value"] == sale.invoice_id)
    city.company.sales.update("invoicedetails", line["invoicedetailid"], {"quantity": 7})


def _assert_updated_once(city: City, sale: Sale) -> None:
    """Both systems say the same, and the history has the creation and one update."""
    sale.rows = 2
    city.until_true(sale)
    city.until(lambda: _due(city) == 0, "the lane to be empty")
    city.until_true(sale)
    assert {line["Quantity"] for line in sale.facts["document"]["LineItems"]} >= {7}
    told = [(row["stl3_action"], row["stl3_syncstatus"]) for row in sale.facts["history"]]
    worked = columns.SYNC_STATUS["Successful"]
    assert sorted(told) == [(columns.ACTION["Create"], worked), (columns.ACTION["Update"], worked)]
    assert sale.facts["details"]["stl3_fingerprint"]
    assert Decimal(str(sale.facts["details"]["stl3_taxinxero"])) == Decimal(str(sale.facts["invoice"]["totaltax"]))


def test_a_worker_killed_after_xero_changed_a_document_leaves_one_update(city: City, draft: Sale) -> None:
    """Xero has done it, Dynamics does not know yet: the next worker finds it as it was sent, and writes that back."""
    city.inject("xero", match="POST /api.xro/2.0/Invoices", kind="delay-after", delay_s=60)
    _change(city, draft)
    city.until(lambda: city.held("xero") == 1, "the answer of Xero to be held")

    city.stack.kill("work-1")
    city.release("xero")
    city.stack.start("work-1")

    _assert_updated_once(city, draft)


@pytest.mark.parametrize("kind", ["delay-before", "delay-after"])
def test_a_worker_killed_while_it_clears_the_fingerprint_leaves_one_update(
    city: City, draft: Sale, kind: str
) -> None:
    """Xero was read, the update is noted in Dynamics, or will be later; it was not sent yet."""
    city.inject("xero", match="GET /api.xro/2.0/Invoices", kind="delay-after", delay_s=60)
    _change(city, draft)
    city.until(lambda: city.held("xero") == 1, "the answer of Xero to be held")
    city.inject("dynamics", match=r"POST /api/data/v9.2/\$batch", kind=kind, delay_s=60)
    city.release("xero")
    city.until(lambda: city.held("dynamics") == 1, "Dynamics to be held")

    city.stack.kill("work-1")
    city.release("dynamics")
    city.stack.start("work-1")

    _assert_updated_once(city, draft)


def test_a_killed_dispatcher_loses_no_event(city: City) -> None:
    """F06, F20: Events wait in the inbox until a dispatcher is there again."""
    city.stack.kill("dispatch")
    sales = [city.sale(kind) for kind in (0, 2, 3)]

    city.stack.start("dispatch")

    city.until_true(*sales)


def test_redis_killed_and_started_again_loses_nothing(city: City) -> None:
    """F26: What was accepted is on disk; every process goes on as soon as Redis is back."""
    city.stack.kill("work-1")
    sales = [city.sale(kind) for kind in (0, 1, 4)]
    city.until(lambda: all(_is_due(city, sale) for sale in sales), "the dispatcher to mark them")

    city.stack.kill("redis")
    city.stack.start("redis")
    city.until(city.stack.is_ready, "web to reach Redis again")
    city.stack.start("work-1")

    city.until_true(*sales, city.sale(7))


def test_an_event_refused_while_redis_was_away_is_caught_by_the_poll(city: City) -> None:
    """F01, F08: Dynamics never repeats a refused webhook: the poll finds the invoice."""
    city.stack.kill("redis")
    sale = city.sale(2)
    city.until(
        lambda: any(job["statuscode"] == 31 for job in city.rows("asyncoperations")), "the webhook job to fail"
    )
    city.stack.start("redis")
    city.until(city.stack.is_ready, "web to reach Redis again")

    city.stack.run("sync", "--all")

    city.until_true(sale)


def test_every_event_twice_and_in_reverse_changes_nothing(city: City) -> None:
    """R7, F02, F03: Events are hints: the same ones again, in another order, find everything as it should be."""
    city.switch_webhooks(duplicate=1.0, reorder=1.0)
    sales = [city.sale(kind) for kind in (0, 1, 2, 3)]
    city.until_true(*sales)
    city.switch_webhooks(duplicate=0.0, reorder=0.0)
    documents, histories = len(city.invoices_in_xero()), len(city.rows(columns.HISTORY.set_name))
    written = [call["number"] for call in city.calls("xero") if call["method"] == "PUT"]

    events = _replay_all_events_in_reverse(city)

    client = _redis(city)
    city.until(lambda: client.exists(*(f"event:{event.key}" for event in events)) == len(events), "the dispatcher")
    client.close()
    city.until(lambda: _due(city) == 0, "the lane to be empty")
    assert (len(city.invoices_in_xero()), len(city.rows(columns.HISTORY.set_name))) == (documents, histories)
    assert [call["number"] for call in city.calls("xero") if call["method"] == "PUT"] == written


def _redis(city: City) -> redis.Redis:
    return open_redis(_url(city))


def _url(city: City) -> str:
    return f"unix://{city.stack.folder / 'redis' / 'redis.sock'}?db=0"


def _due(city: City) -> int:
    """How many records are due by now: contacts gather for minutes, so that they are refreshed together."""
    client = _redis(city)
    count = Lanes(client).count_ready(city.company.connection_id)
    client.close()
    return count


def _is_due(city: City, sale: Sale) -> bool:
    client = _redis(city)
    due_at = Lanes(client).due_at(city.company.connection_id, Entity("dynamics", "invoice", sale.invoice_id))
    client.close()
    return due_at is not None


def _replay_all_events_in_reverse(city: City) -> list[Event]:
    """Publish an event for every invoice again, each twice, the newest first."""
    events = [
        Event(
            side="dynamics",
            organisation=city.stack.addresses["organization"],
            entity="invoice",
            record_id=row["invoiceid"],
            message="Create",
            version=f"replayed {number}",
        )
        for number, row in enumerate(reversed(city.rows("invoices")))
    ]
    inbox = Inbox(inbox_url(_url(city)))
    for event in events:
        inbox.publish([event, event])
    return events
