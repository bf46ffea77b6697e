"""What a person's act in Xero raises, and which of our nets catches it: the event, the poll's list, the night.

A test per act. First it is said which events the simulated Xero really sends; then Dynamics must not have it before
the net is cast, and must have it afterwards. Only one net is cast at a time: who hears events does not poll.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.invoice import ACTIVE, PAID
from tests.simulation.nets import Net, Scene, caught_by, events, missed_by, nights, polls, without_round
from tests.simulation.owing import contact_of, foreign, owes
from tests.simulation.updating import document, person
from tests.world import Line, World

INVOICE, CREDIT_NOTE, CONTACT = ("invoice", "UPDATE"), ("creditnote", "UPDATE"), ("contact", "UPDATE")
ADVANCES = {"overpayment": "OverpaymentID", "prepayment": "PrepaymentID"}


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


either = pytest.mark.parametrize("net", [events, polls])
UNPAID = ("AUTHORISED", Decimal(18), 0, ACTIVE, Decimal(18))
ALL_PAID = ("PAID", 0, Decimal(18), PAID, 0)


# -- money on the document -------------------------------------------------------------------------------------


@either
def test_a_payment(scene: Scene, net: Net) -> None:
    """Rule D2: the invoice is told of."""
    assert scene.act(lambda: person(scene.world).pay(scene.xero_id)) == [INVOICE]

    caught_by(net, scene, scene.standing, UNPAID, ALL_PAID)


@either
def test_a_part_payment(scene: Scene, net: Net) -> None:
    """Rule D3: the same event."""
    assert scene.act(lambda: person(scene.world).pay(scene.xero_id, "8.00")) == [INVOICE]

    after = ("AUTHORISED", Decimal(10), Decimal(8), ACTIVE, Decimal(10))
    caught_by(net, scene, scene.standing, UNPAID, after)


@either
def test_a_payment_that_is_deleted(scene: Scene, net: Net) -> None:
    """Rule D4: the invoice is told of again."""
    world = scene.world
    scene.act(lambda: person(world).pay(scene.xero_id))
    net(scene)
    (payment,) = world.org.payments_on(scene.xero_id)

    assert scene.act(lambda: person(world).remove_payment(payment["PaymentID"])) == [INVOICE]

    caught_by(net, scene, scene.standing, ALL_PAID, UNPAID)


@either
def test_a_credit_note_that_is_applied_and_taken_back(scene: Scene, net: Net) -> None:
    """Rule D2: invoice and note are told of, each time."""
    world = scene.world
    line = {"Description": "Back", "Quantity": 1, "UnitAmount": "18.00", "AccountCode": "200", "TaxType": "NONE"}
    contact = {"ContactID": contact_of(document(world, scene.invoice_id))}
    note = person(world).create_credit_note(Contact=contact, LineItems=[line], Status="AUTHORISED")
    assert [event.entity for event in scene.hearing.hear()] == ["creditnote"]

    applied = scene.act(lambda: person(world).allocate_credit_note(note["CreditNoteID"], scene.xero_id))
    assert applied == [INVOICE, CREDIT_NOTE]
    caught_by(net, scene, scene.standing, UNPAID, ("Credited", 0, 0, ACTIVE, 0))

    (allocation_id,) = world.org.allocations
    assert scene.act(lambda: person(world).remove_allocation(allocation_id)) == [INVOICE, CREDIT_NOTE]
    caught_by(net, scene, scene.standing, ("Credited", 0, 0, ACTIVE, 0), UNPAID)


@either
@pytest.mark.parametrize("kind", ADVANCES)
def test_money_paid_in_advance_that_is_applied_and_taken_back(scene: Scene, net: Net, kind: str) -> None:
    """Rule D7: invoice and advance are told of, each time."""
    world = scene.world
    contact_id = contact_of(document(world, scene.invoice_id))
    advance = getattr(person(world), f"receive_{kind}")(contact_id, "100.00")[ADVANCES[kind]]
    assert [(event.entity, event.message) for event in scene.hearing.hear()] == [(kind, "CREATE")]

    applied = scene.act(lambda: getattr(person(world), f"allocate_{kind}")(advance, scene.xero_id))
    assert applied == [INVOICE, (kind, "UPDATE")]
    caught_by(net, scene, scene.standing, UNPAID, ALL_PAID)

    (allocation_id,) = world.org.allocations
    assert scene.act(lambda: person(world).remove_allocation(allocation_id)) == [INVOICE, (kind, "UPDATE")]
    caught_by(net, scene, scene.standing, ALL_PAID, UNPAID)


# -- the document itself -----------------------------------------------------------------------------------------


@either
def test_a_void(scene: Scene, net: Net) -> None:
    """Rule D6: an update like any other."""
    xero_id = scene.xero_id

    assert scene.act(lambda: person(scene.world).void_invoice(xero_id)) == [INVOICE]

    caught_by(net, scene, scene.standing, UNPAID, ("VOIDED", 0, 0, ACTIVE, 0))


@either
def test_a_draft_that_is_deleted(scene: Scene, net: Net) -> None:
    """Rule D6: an update as well; Xero has no event of deletions."""
    scene.world.choose(status="Draft")
    scene.world.pass_time(minutes=2)
    scene.invoice_id = scene.export()
    xero_id = scene.xero_id

    assert scene.act(lambda: person(scene.world).delete_invoice(xero_id)) == [INVOICE]

    before = ("DRAFT", Decimal(18), 0, ACTIVE, Decimal(18))
    caught_by(net, scene, scene.standing, before, ("DELETED", 0, 0, ACTIVE, 0))


@either
def test_an_approval_and_an_edit(scene: Scene, net: Net) -> None:
    """Rules D1 and D5 by their events; the edit first, as an approved document keeps its totals."""
    world = scene.world
    world.choose(status="Draft")
    world.pass_time(minutes=2)
    scene.invoice_id = scene.export(duedate="2026-12-24")

    assert scene.act(lambda: person(world).edit_line(scene.xero_id, UnitAmount="20.00")) == [INVOICE]
    before = ("DRAFT", Decimal(18), 0, ACTIVE, Decimal(18))
    edited = ("DRAFT", Decimal(30), 0, ACTIVE, Decimal(30))
    caught_by(net, scene, scene.standing, before, edited)

    assert scene.act(lambda: person(world).approve_invoice(scene.xero_id)) == [INVOICE]
    caught_by(net, scene, scene.standing, edited, ("AUTHORISED", *edited[1:]))


# -- contacts and what they owe --------------------------------------------------------------------------------


@either
def test_a_contact_that_is_merged(scene: Scene, net: Net) -> None:
    """Rule C22: its documents move and are told of before it is itself; the details row names the heir."""
    world = scene.world
    heir = person(world).create_contact(Name="Group")["ContactID"]
    scene.hearing.hear()
    before = contact_of(document(world, scene.invoice_id))

    assert scene.act(lambda: person(world).merge_contact(before, into=heir)) == [INVOICE, CONTACT]

    caught_by(net, scene, lambda: world.details(scene.invoice_id)["stl3_xerocontactid"], before, heir)


@pytest.mark.parametrize("act", ["edit", "archive"])
def test_a_contact_that_is_edited_or_archived(scene: Scene, act: str) -> None:
    """Rule B2: nothing of a contact is copied. Its event has its balances read, which is all that may follow."""
    world = scene.world
    contact_id = contact_of(document(world, scene.invoice_id))
    scene.rest(days=31)
    rows = world.rows_of_ours()

    def edit_or_archive() -> None:
        if act == "edit":
            person(world).edit_contact(contact_id, FirstName="Ann")
        else:
            person(world).archive_contact(contact_id)

    assert scene.act(edit_or_archive) == [CONTACT]

    missed_by(without_round(polls), scene, lambda: owes(world))
    caught_by(events, scene, lambda: owes(world)[1], 0, Decimal(18))
    assert world.rows_of_ours() == rows


@pytest.mark.parametrize("amount", ["8.00", "18.00"])
def test_what_a_contact_owes_after_a_payment(scene: Scene, amount: str) -> None:
    """Rule D8: the invoice is told of and followed at once; its contact is read by the next poll, which lists it."""
    world = scene.world
    scene.rest()

    assert scene.act(lambda: person(world).pay(scene.xero_id, amount)) == [INVOICE]

    missed_by(events, scene, lambda: owes(world))
    assert scene.standing()[2] == Decimal(amount)
    caught_by(polls, scene, lambda: owes(world)[0], Decimal(18), Decimal(18) - Decimal(amount))


def test_what_a_contact_owes_by_a_document_of_others(scene: Scene) -> None:
    """Rules D8, D9: the document is told of, its contact is not. The event says nothing to us; the list does."""
    world = scene.world
    scene.rest()
    contact_id = contact_of(document(world, scene.invoice_id))
    raised = scene.act(lambda: foreign(world, contact_id, "7.00"))
    assert raised == [("invoice", "CREATE")]
    assert owes(world)[0] == Decimal(18)

    missed_by(events, scene, lambda: owes(world))
    caught_by(polls, scene, lambda: owes(world)[0], Decimal(18), Decimal(25))


@pytest.mark.parametrize("kind", ["creditnote", *ADVANCES])
def test_what_a_contact_owes_by_credit_that_is_not_applied(scene: Scene, kind: str) -> None:
    """Rule D8: no invoice moves, so the poll's list has nothing; the event of the credit, or the night."""
    world = scene.world
    scene.rest()
    contact_id = contact_of(document(world, scene.invoice_id))
    line = {"Description": "Back", "Quantity": 1, "UnitAmount": "5.00", "AccountCode": "200", "TaxType": "NONE"}

    def give() -> None:
        if kind == "creditnote":
            contact = {"ContactID": contact_id}
            person(world).create_credit_note(Contact=contact, LineItems=[line], Status="AUTHORISED")
        else:
            getattr(person(world), f"receive_{kind}")(contact_id, "5.00")

    assert scene.act(give) == [(kind, "CREATE")]
    missed_by(without_round(polls), scene, lambda: owes(world))
    caught_by(events, scene, lambda: owes(world)[0], Decimal(18), Decimal(13))

    assert scene.act(give) == [(kind, "CREATE")]
    missed_by(without_round(polls), scene, lambda: owes(world))
    caught_by(nights, scene, lambda: owes(world)[0], Decimal(13), Decimal(8))


def test_what_becomes_overdue_by_the_calendar(scene: Scene) -> None:
    """Rule D8: Xero tells nothing and lists nothing; the round of the night reads it."""
    world = scene.world
    scene.rest()

    assert scene.act(lambda: world.pass_time(days=31)) == []

    missed_by(without_round(polls), scene, lambda: owes(world))
    caught_by(nights, scene, lambda: owes(world)[1], 0, Decimal(18))


# -- what Xero keeps to itself ---------------------------------------------------------------------------------


def test_the_due_date_of_a_part_paid_invoice(scene: Scene) -> None:
    """Xero neither tells nor lists it. What follows is that the customer is overdue (rule D8): by the night."""
    world = scene.world
    scene.act(lambda: person(world).pay(scene.xero_id, "8.00"))
    scene.rest()
    changed_at = world.org.invoices[scene.xero_id]["UpdatedDateUTC"]

    assert scene.act(lambda: person(world).edit_invoice(scene.xero_id, DueDate="2026-11-02")) == []
    assert world.org.invoices[scene.xero_id]["UpdatedDateUTC"] == changed_at

    missed_by(without_round(polls), scene, lambda: owes(world))
    caught_by(nights, scene, lambda: owes(world)[1], 0, Decimal(10))


def test_the_sent_flag_of_a_part_paid_invoice(scene: Scene) -> None:
    """Xero neither tells nor lists it, and nothing in Dynamics says it: no net finds anything to write."""
    world = scene.world
    scene.act(lambda: person(world).pay(scene.xero_id, "8.00"))
    scene.rest()

    assert scene.act(lambda: person(world).edit_invoice(scene.xero_id, SentToContact=True)) == []

    missed_by(polls, scene, world.rows_of_ours)
    missed_by(nights, scene, world.rows_of_ours)


def test_our_own_writes(scene: Scene) -> None:
    """Xero tells the app of its own creation and update; that costs no call to Xero and writes nothing (I5)."""
    world = scene.world
    world.choose(status="Draft")
    world.pass_time(minutes=2)
    draft = world.save_invoice(Line("Ours", "10.00"))

    def create() -> None:
        world.mark(draft)
        world.work()

    def update() -> None:
        world.edit(draft, description="PO 8")
        world.mark(draft)
        world.work()

    for act, raised in ((create, ("invoice", "CREATE")), (update, INVOICE)):
        assert scene.act(act) == [raised]
        world.xero.wire.forget_calls()
        missed_by(events, scene, world.rows_of_ours)
        assert world.xero_calls() == []
    assert document(world, draft)["Reference"] == "PO 8"
