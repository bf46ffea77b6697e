"""Invoices that are cancelled or deleted: how their documents stood, what people do, what there is afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core import columns
from tests.simulation.test_events import Hooks
from tests.simulation.updating import export, person
from tests.world import Line, World

SALES = {"stl3_invoicetype": columns.INVOICE_TYPE["Sales Invoice"]}
BILL = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}
SIDES = {"sales": SALES, "bill": BILL}
LINES = (Line("Work", "10.00", quantity="3", discount="1.00"), Line("Travel", "5.00"))  # 34.00 and 6.80 of tax
TOTAL, TAX = Decimal("40.80"), Decimal("6.80")
APART = ("VOIDED", "DELETED")
POST_INVOICES = "POST /api.xro/2.0/Invoices"
PUT_NOTES, POST_NOTES = "PUT /api.xro/2.0/CreditNotes", "POST /api.xro/2.0/CreditNotes"
# Ways to name an outside call for `Tap.when`.
MAKING, APPROVING = "PUT api.xero.com/api.xro/2.0/CreditNotes$", "POST api.xero.com/api.xro/2.0/CreditNotes"
APPLYING, ENDING = "PUT api.xero.com/.*/Allocations", "POST api.xero.com/api.xro/2.0/Invoices"

Stand = Callable[[World, str], None]
Act = Callable[[World, str], None]


# -- how a document stands before ------------------------------------------------------------------------------


def draft(world: World, xero_id: str) -> None:
    """It is as it was made, by setting B5 = Draft."""


def submitted(world: World, xero_id: str) -> None:
    """By setting B5 = Submitted."""


def approved(world: World, xero_id: str) -> None:
    """By setting B5 = Authorised, as those below."""


def part_paid(world: World, xero_id: str) -> None:
    person(world).pay(xero_id, "10.00")


def part_credited(world: World, xero_id: str) -> None:
    person(world).credit(xero_id, "10.00")


def part_overpaid(world: World, xero_id: str) -> None:
    """Money that had come in, or gone out, beyond what was owed is applied to it."""
    _in_advance(world, xero_id, "overpayment")


def part_prepaid(world: World, xero_id: str) -> None:
    _in_advance(world, xero_id, "prepayment")


def paid(world: World, xero_id: str) -> None:
    person(world).pay(xero_id)


def prepaid(world: World, xero_id: str) -> None:
    """All of it, by money that was there before."""
    _in_advance(world, xero_id, "prepayment", "40.80")


def credited_by_others(world: World, xero_id: str) -> None:
    person(world).credit(xero_id)


def free_of_charge(world: World, xero_id: str) -> None:
    """Its total is 0, and so Xero shows it as paid."""
    assert world.org.invoices[xero_id]["Status"] == "PAID"


def voided(world: World, xero_id: str) -> None:
    person(world).void_invoice(xero_id)


def deleted_draft(world: World, xero_id: str) -> None:
    person(world).delete_invoice(xero_id)


def _in_advance(world: World, xero_id: str, kind: str, amount: str = "10.00") -> None:
    document = world.org.invoices[xero_id]
    verb = "receive" if document["Type"] == "ACCREC" else "spend"
    made = getattr(person(world), f"{verb}_{kind}")(document["Contact"]["ContactID"], amount)
    getattr(person(world), f"allocate_{kind}")(made[f"{kind.capitalize()}ID"], xero_id, amount)


STATUS = {draft: "Draft", deleted_draft: "Draft", submitted: "Submitted"}
OTHER_LINES = {free_of_charge: (Line("A present", "0.00"),)}


# -- what people do in Dynamics --------------------------------------------------------------------------------


def cancel(world: World, invoice_id: str) -> None:
    world.sales.cancel_invoice(invoice_id)


def delete(world: World, invoice_id: str) -> None:
    world.sales.delete("invoice", invoice_id)


def activate(world: World, invoice_id: str) -> None:
    world.sales.activate_invoice(invoice_id)


# -- an invoice with its document ------------------------------------------------------------------------------


@dataclass
class Ended:
    """An exported invoice and its document; `before` is what the history told before its end."""

    world: World
    invoice_id: str
    xero_id: str
    details_id: str
    before: set[str] = field(default_factory=set)

    @property
    def number(self) -> str:
        return str(self.document["InvoiceNumber"])

    @property
    def document(self) -> dict[str, Any]:
        (found,) = [one for one in self.world.all_documents() if one["InvoiceID"] == self.xero_id]
        return found

    @property
    def total(self) -> Decimal:
        return Decimal(self.document["Total"])

    @property
    def details(self) -> dict[str, Any]:
        return self.world.details(self.invoice_id)

    def mark(self) -> None:
        """What an event of the invoice does."""
        self.world.mark(self.invoice_id)

    def rows(self) -> list[dict[str, Any]]:
        """All rows of history that belong to it; those of one that is deleted do not name the invoice any more."""
        rows = self.world.dynamics.rows(columns.HISTORY.set_name)
        return [row for row in rows if row["_stl3_xerodetails_value"] == self.details_id]

    def told(self) -> list[tuple[str, str, str]]:
        """Return action, status and words of each row of history since `remember`."""
        rows = [row for row in self.rows() if row["stl3_synchistoryid"] not in self.before]
        return [
            (
                str(columns.ACTION.label(row["stl3_action"])),
                str(columns.SYNC_STATUS.label(row["stl3_syncstatus"])),
                row["stl3_details"],
            )
            for row in sorted(rows, key=lambda row: row["versionnumber"])
        ]

    def remember(self) -> None:
        """From here on it counts what the history tells."""
        self.before = {row["stl3_synchistoryid"] for row in self.rows()}

    def notes(self) -> list[dict[str, Any]]:
        """Return the notes that have one of our numbers for it, dead ones too."""
        ours = {f"CN-{self.number}", f"CN-{self.xero_id}"}
        return [note for note in self.world.org.credit_notes.values() if note.get("CreditNoteNumber") in ours]

    def live_notes(self) -> list[dict[str, Any]]:
        return [note for note in self.notes() if note["Status"] not in APART]

    def note(self) -> dict[str, Any]:
        (found,) = self.live_notes()
        return found

    def applied(self, note: dict[str, Any]) -> list[tuple[str, Decimal]]:
        found = self.world.org.allocations_of(note["CreditNoteID"])
        return [(each["Invoice"]["InvoiceID"], each["Amount"]) for each in found]

    # -- what must be true ---------------------------------------------------------------------------------

    def assert_credited_once(self, *, kind: str = "Cancel", told: int = 1) -> dict[str, Any]:
        """One note, also counting dead ones and drafts, approved and applied once; told once. Return it."""
        assert len(self.notes()) == 1
        note = self.note()
        assert (note["Status"], note["Total"], note["TotalTax"]) == ("PAID", TOTAL, TAX)
        assert self.applied(note) == [(self.xero_id, TOTAL)]
        assert (self.document["Status"], self.document["AmountDue"]) == ("PAID", 0)
        details = self.details
        assert (details["stl3_xerostatus"], details["stl3_amountdue"]) == ("Credited", 0)
        assert details["stl3_amountcredited"] == TOTAL
        assert (details["stl3_creditnoteid"], details["stl3_creditnotenumber"]) == (
            note["CreditNoteID"],
            note["CreditNoteNumber"],
        )
        words = (
            f"Invoice has been credited in Xero - {self.xero_id}\n"
            f"Credit note {note['CreditNoteNumber']} over 40.80 GBP was made and applied to {self.number}."
        )
        assert self.told() == [(kind, "Successful", words)] * told
        self.assert_dealt_with("Yes", kind=kind)
        return note

    def assert_ended_once(self, status: str, *, kind: str = "Cancel") -> None:
        """The document is deleted or voided, no note was made; told once."""
        assert self.notes() == []
        assert self.document["Status"] == status
        details = self.details
        assert (details["stl3_xerostatus"], details["stl3_amountdue"]) == (status, 0)
        verb = status.lower()
        assert self.told() == [(kind, "Successful", f"Invoice has been {verb} in Xero - {self.xero_id}")]
        self.assert_dealt_with("Yes", kind=kind)

    def assert_failed(self, *words: str, kind: str = "Cancel") -> str:
        """One Failed row with these words; it waits for its person. Return what it says."""
        (row,) = [each for each in self.told() if each[1] == "Failed"]
        assert row[0] == kind
        for each in words:
            assert each in row[2]
        assert row[2].endswith("Then set Export status to No, and it is tried again.")
        assert self.world.status(self.invoice_id) == "Failed"
        assert self.details["stl3_handledstate"] == HANDLED[kind]
        return row[2]

    def assert_dealt_with(self, export_status: str, *, kind: str = "Cancel") -> None:
        details = self.details
        assert self.world.status(self.invoice_id) == export_status
        assert details["stl3_handledstate"] == HANDLED[kind]
        assert (details["stl3_cancelling"], details["stl3_waitingfor"]) == (None, None)


HANDLED = {"Cancel": "3", "Delete": "deleted", "Update": "0"}


def exported(world: World, stand: Stand = approved, side: str = "sales", **row: Any) -> Ended:
    """Return an invoice whose document stands so, which Dynamics knows; its date is two days ago."""
    world.choose(status=STATUS.get(stand, "Authorised"), create_credit_notes=True)
    dated = {"datedelivered": f"{world.clock.now() - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"}
    invoice_id = export(world, *OTHER_LINES.get(stand, LINES), **SIDES[side], **dated | row)
    details = world.details(invoice_id)
    ended = Ended(world, invoice_id, details["stl3_xeroinvoiceid"], details[columns.DETAILS.id_column])
    stand(world, ended.xero_id)
    settle_down(world)
    ended.remember()
    return ended


def just_exported(world: World, stand: Stand = approved, side: str = "sales") -> Ended:
    """Return an invoice that was exported a moment ago: quicker than `exported`, where many worlds are needed."""
    world.choose(status=STATUS.get(stand, "Authorised"), create_credit_notes=True)
    invoice_id = world.save_invoice(*LINES, **SIDES[side])
    world.mark(invoice_id)
    world.work()
    details = world.details(invoice_id)
    ended = Ended(world, invoice_id, details["stl3_xeroinvoiceid"], details[columns.DETAILS.id_column])
    stand(world, ended.xero_id)
    ended.remember()
    return ended


def cancelled(world: World, side: str = "sales", *, by: str = "Credit note", **row: Any) -> Ended:
    """Return an invoice with an approved document that was cancelled a moment ago; its event is there."""
    ended = exported(world, approved, side, **row)
    world.choose(cancel_by=by)
    world.pass_time(minutes=2)
    cancel(world, ended.invoice_id)
    ended.mark()
    return ended


def cancelled_draft(world: World) -> Ended:
    ended = exported(world, draft)
    cancel(world, ended.invoice_id)
    ended.mark()
    return ended


def run(world: World) -> None:
    world.work()
    world.settle()


def try_again(ended: Ended) -> None:
    """A person has mended what was wrong, and sets Export status to No."""
    ended.remember()
    ended.world.try_again(ended.invoice_id)
    ended.mark()
    run(ended.world)


def settle_down(world: World) -> None:
    """Let everything be known on both sides, and grow old enough not to be listed by the polls."""
    world.settle()
    world.pass_time(minutes=12)
    world.settle()
    world.pass_time(minutes=12)
    world.xero.wire.forget_calls()
    world.dynamics.wire.forget_calls()
    world.polled.clear()


def owed(world: World, side: str = "sales") -> Decimal:
    """Return what is owed to us, or by us, as the ledger of Xero has it: documents less what is left of credits."""
    sale = side == "sales"
    documents = [one for one in world.org.invoices.values() if one["Status"] == "AUTHORISED"]
    due = sum(one["AmountDue"] for one in documents if (one["Type"] == "ACCREC") == sale)
    credits_ = [
        *world.org.credit_notes.values(),
        *world.org.overpayments.values(),
        *world.org.prepayments.values(),
    ]
    of_sales = ("ACCRECCREDIT", "RECEIVE-OVERPAYMENT", "RECEIVE-PREPAYMENT")
    left = sum(
        one["RemainingCredit"]
        for one in credits_
        if one["Status"] == "AUTHORISED" and (one["Type"] in of_sales) == sale
    )
    return Decimal(due - left)


def books(world: World) -> dict[str, Any]:
    """Return all that Xero holds of documents and credits, to be compared."""
    held = world.org
    return {
        name: {key: dict(value) for key, value in getattr(held, name).items()}
        for name in ("invoices", "credit_notes", "allocations", "payments")
    }


# -- the two ways of hearing of it -----------------------------------------------------------------------------


class AllSteps(Hooks):
    """Steps as `Hooks` registers them, and those of deletions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.image(self.step("invoice", "Delete"), "invoicenumber,name,stl3_connector", "Delete")
        self.step("invoicedetail", "Delete")  # with its image, as the other steps of lines


def by_webhook(world: World, act: Callable[[], None]) -> None:
    """It happens, Dynamics posts it, and the workers work; nobody polls."""
    hooks = AllSteps(world)
    act()
    for _ in range(30):
        hooks.deliver()
        world.work()
        hooks.deliver()
        if not world.left_soon(world.connection.id):
            return
        world.pass_time(minutes=1)
    raise AssertionError(f"still due: {world.app.lanes.counts(world.connection.id)}")


def by_poll(world: World, act: Callable[[], None]) -> None:
    """It happens, and nothing posts it: the poller finds it, and the workers work."""
    act()
    for minute in range(30):
        if minute % 5 == 0:
            world.poll()
        world.work()
        if not world.left_soon(world.connection.id):
            return
        world.pass_time(minutes=1)
    raise AssertionError(f"still due: {world.app.lanes.counts(world.connection.id)}")


WAYS = {"webhook": by_webhook, "poller only": by_poll}


def lock(world: World, days_ago: int = 0) -> None:
    """The bookkeeper locks the period up to so many days ago."""
    person(world).set_lock_dates(period=(world.clock.now() - timedelta(days=days_ago)).date())
