"""Somebody cancels or deletes, and something of ours is killed: one credit note, applied once, told once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo import acts
from demo.sale import Sale
from pipeline.lanes import Entity
from tests.processes.cancel_stories import BILL, INTENT, OUTCOME, SALES, Cancellations, void
from tests.processes.city import Cities

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
READ_NOTES = r"GET /api.xro/2.0/CreditNotes"
CREATE = r"PUT /api.xro/2.0/CreditNotes\?"
APPROVE = r"POST /api.xro/2.0/CreditNotes"
APPLY = r"PUT /api.xro/2.0/CreditNotes/.*/Allocations"
READ, WRITE = r"GET /api.xro/2.0/Invoices\?.*IDs=", r"POST /api.xro/2.0/Invoices"
BEFORE, AFTER = "delay-before", "delay-after"
only_sales = pytest.mark.parametrize("kind", [SALES], ids=["sales"])
both_kinds = pytest.mark.parametrize("kind", [SALES, BILL], ids=["sales", "bill"])
before_and_after = pytest.mark.parametrize("when", [BEFORE, AFTER])


@pytest.fixture
def stories(cities: Cities) -> Cancellations:
    return Cancellations(cities.sound_city())


@pytest.fixture
def sale(stories: Cancellations, kind: int) -> Sale:
    """A sale, or a bill, whose document stands approved in Xero."""
    return stories.sell(kind)


# -- create the note, approve it, apply it, write back -----------------------------------------------------------


@only_sales
def test_a_worker_killed_after_it_looked_for_notes(stories: Cancellations, sale: Sale) -> None:
    """It has read both sides, and done nothing yet."""
    stories.hold("xero", READ_NOTES, AFTER)
    stories.act_on(sale, acts.cancel())

    with stories.dead_worker():
        stories.city.release("xero")
        assert stories.details(sale)["stl3_cancelling"] is None

    stories.comes_to(sale)


@both_kinds
@before_and_after
def test_a_worker_killed_while_it_writes_down_what_it_begins(stories: Cancellations, sale: Sale, when: str) -> None:
    """Rule E0: what is about to be done stands on the details row, or will; Xero was not asked to change anything."""
    stories.hold("xero", READ_NOTES, AFTER)
    stories.act_on(sale, acts.cancel())
    stories.hold_write(INTENT, when)

    with stories.dead_worker("dynamics"):
        stories.city.release("dynamics")
        stories.city.until(lambda: stories.is_begun(sale, "credit"), "the intent to stand on the row")
        assert sale.facts["notes"] == []

    if sale.facts["document"]["Type"] == "ACCPAY":  # nobody knows that it was not asked for yet
        stories.let_seven_minutes_pass(sale)
    stories.comes_to(sale)


@both_kinds
@pytest.mark.parametrize("what", [CREATE, APPROVE, APPLY], ids=["create", "approve", "apply"])
@before_and_after
def test_a_worker_killed_at_a_call_to_xero(stories: Cancellations, sale: Sale, what: str, when: str) -> None:
    """Rules E0 and E10: the next worker finds how far it came, and completes it; a late call arrives before that."""
    stories.hold("xero", what, when)
    stories.act_on(sale, acts.cancel())

    with stories.dead_worker():
        stories.city.release("xero")

    stories.comes_to(sale)


@only_sales
@pytest.mark.parametrize("what", [CREATE, APPROVE, APPLY], ids=["create", "approve", "apply"])
def test_a_call_that_arrives_when_the_next_worker_is_done(stories: Cancellations, sale: Sale, what: str) -> None:
    """Rule E0: Xero refuses it, or it changes nothing."""
    stories.hold("xero", what, BEFORE)
    stories.act_on(sale, acts.cancel())

    with stories.dead_worker():
        pass
    stories.comes_to(sale)
    answered = len(stories.city.calls("xero"))
    stories.city.release("xero")
    stories.city.until(lambda: len(stories.city.calls("xero")) > answered, "the late call to be answered")

    stories.comes_to(sale)


@pytest.mark.parametrize("kind", [BILL], ids=["bill"])
def test_a_note_of_a_bill_that_may_be_on_its_way_is_not_begun_again(stories: Cancellations, sale: Sale) -> None:
    """Rule E10: Xero would take a second one of the same number, so it is waited for."""
    stories.hold("xero", CREATE, BEFORE)
    stories.act_on(sale, acts.cancel())

    with stories.dead_worker():
        pass
    stories.city.until(lambda: stories.due_in_s(sale) > 60, "it to be put off")
    assert stories.details(sale)["stl3_cancelling"]
    stories.city.release("xero")
    stories.city.until(lambda: bool(stories.details(sale) and sale.facts["notes"]), "the late draft")
    stories.gather_now(Entity("dynamics", "invoice", sale.invoice_id))

    stories.comes_to(sale)


@only_sales
@before_and_after
def test_a_worker_killed_while_it_records_the_note(stories: Cancellations, sale: Sale, when: str) -> None:
    """The note is applied; Dynamics says so already, or will, or is told again."""
    stories.hold("xero", APPLY, AFTER)
    stories.act_on(sale, acts.cancel())
    stories.hold_write(OUTCOME, when)

    with stories.dead_worker("dynamics"):
        stories.city.release("dynamics")

    stories.comes_to(sale)


# -- delete and void -----------------------------------------------------------------------------------------------


@pytest.fixture
def draft(stories: Cancellations, kind: int) -> Iterator[Sale]:
    """A sale, or a bill, whose document is a draft."""
    stories.city.company.choose(defaultstatus="Draft")
    yield stories.sell(kind)
    stories.city.company.choose(defaultstatus="Authorised")


@only_sales
@before_and_after
def test_a_worker_killed_while_a_draft_is_deleted(stories: Cancellations, draft: Sale, when: str) -> None:
    """Rule E1: the next worker finds it deleted, and that we have done it."""
    stories.hold("xero", WRITE, when)
    stories.act_on(draft, acts.cancel_draft())

    with stories.dead_worker():
        stories.city.release("xero")

    stories.comes_to(draft)


@only_sales
@before_and_after
def test_a_worker_killed_while_it_records_that_a_draft_is_deleted(
    stories: Cancellations, draft: Sale, when: str
) -> None:
    stories.hold("xero", WRITE, AFTER)
    stories.act_on(draft, acts.cancel_draft())
    stories.hold_write(OUTCOME, when)

    with stories.dead_worker("dynamics"):
        stories.city.release("dynamics")

    stories.comes_to(draft)


@pytest.fixture
def voids(stories: Cancellations) -> Iterator[None]:
    stories.city.company.choose(cancelby="Void")
    yield
    stories.city.company.choose(cancelby="Credit note")


@only_sales
@before_and_after
@pytest.mark.usefixtures("voids")
def test_a_worker_killed_while_a_document_is_voided(stories: Cancellations, sale: Sale, when: str) -> None:
    """Rule E4."""
    stories.hold("xero", WRITE, when)
    stories.act_on(sale, void())

    with stories.dead_worker():
        stories.city.release("xero")

    stories.comes_to(sale)


@only_sales
@before_and_after
@pytest.mark.usefixtures("voids")
def test_a_worker_killed_while_it_records_that_a_document_is_voided(
    stories: Cancellations, sale: Sale, when: str
) -> None:
    stories.hold("xero", WRITE, AFTER)
    stories.act_on(sale, void())
    stories.hold_write(OUTCOME, when)

    with stories.dead_worker("dynamics"):
        stories.city.release("dynamics")

    stories.comes_to(sale)


# -- deleted in Dynamics, and what else may be killed ----------------------------------------------------------------


@only_sales
@pytest.mark.parametrize("what", [CREATE, APPLY], ids=["create", "apply"])
def test_a_worker_killed_for_an_invoice_that_was_deleted(stories: Cancellations, sale: Sale, what: str) -> None:
    """All that Dynamics still has of it are its Xero details, which are enough."""
    stories.hold("xero", what, AFTER)
    stories.act_on(sale, acts.delete())

    with stories.dead_worker():
        stories.city.release("xero")

    stories.comes_to(sale)


@only_sales
def test_a_killed_dispatcher(stories: Cancellations, sale: Sale) -> None:
    """The event of the cancellation waits in the inbox."""
    stories.city.stack.kill("dispatch")
    heard = len(stories.logged("web", "webhook.answered"))
    stories.act_on(sale, acts.cancel())
    stories.city.until(lambda: len(stories.logged("web", "webhook.answered")) > heard, "the event to be in the inbox")
    assert stories.due_in_s(sale) == -1

    stories.city.stack.start("dispatch")

    stories.comes_to(sale)


@only_sales
def test_a_killed_redis_while_the_note_is_made(stories: Cancellations, sale: Sale) -> None:
    """The worker cannot go on without it; whoever is there when it is back finds the note."""
    stories.hold("xero", CREATE, AFTER)
    stories.act_on(sale, acts.cancel())
    stories.city.until(lambda: stories.city.held("xero") == 1, "the answer of Xero to be held")

    stories.city.stack.kill("redis")
    stories.city.release("xero")
    stories.city.stack.start("redis")
    stories.city.until(stories.city.stack.is_ready, "web to reach Redis again")

    stories.comes_to(sale)


@only_sales
def test_everything_killed_at_once_while_the_note_is_applied(stories: Cancellations, sale: Sale) -> None:
    """Worker, dispatcher and Redis."""
    stories.hold("xero", APPLY, AFTER)
    stories.act_on(sale, acts.cancel())
    stories.city.until(lambda: stories.city.held("xero") == 1, "the answer of Xero to be held")

    for name in ("work-1", "dispatch", "redis"):
        stories.city.stack.kill(name)
    stories.city.release("xero")
    stories.city.stack.start("redis")
    stories.city.until(stories.city.stack.is_ready, "web to reach Redis again")
    for name in ("dispatch", "work-1"):
        stories.city.stack.start(name)
    stories.take_over()

    stories.comes_to(sale)
