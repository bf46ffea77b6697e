"""Every cell of the table of rules E1 to E6: what Xero, Xero details and Sync history say in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from tests.simulation.cancelling import (
    SIDES,
    TAX,
    TOTAL,
    WAYS,
    Ended,
    Stand,
    approved,
    books,
    cancel,
    credited_by_others,
    delete,
    deleted_draft,
    draft,
    exported,
    free_of_charge,
    owed,
    paid,
    part_credited,
    part_overpaid,
    part_paid,
    part_prepaid,
    prepaid,
    submitted,
    voided,
)
from tests.world import World

APPLIED, NOT_APPLIED = "applied", "not applied"


@dataclass(frozen=True)
class Cell:
    """What is there after the act of a person, where the document stood so and the settings are these.

    `status`: of the document in Xero; `shown`: as the Xero details say it, where that is another word. `due`, `paid`,
    `credited` are amounts of the document, `owed` is what the customer owes us in the ledger, or we the supplier.
    `words`: of the one row of history; {id}, {number} are those of the document, {note} is the number of our note.
    """

    rule: str
    stand: Stand
    words: str
    status: str
    due: str = "0"
    paid: str = "0"
    credited: str = "0"
    owed: str = "0"
    note: str = ""
    shown: str = ""
    result: str = "Successful"
    export: str = "Yes"
    by: str = "Credit note"


DELETED = "Invoice has been deleted in Xero - {id}"
VOIDED = "Invoice has been voided in Xero - {id}"
CREDITED = (
    "Invoice has been credited in Xero - {id}\nCredit note {note} over 40.80 GBP was made and applied to {number}."
)
NOT_APPLIED_TO = (
    "Invoice has been credited in Xero - {id}\n"
    "Credit note {note} over 40.80 GBP was made but not applied, as {number} is paid or credited in part already. "
    "Apply it by hand in Xero to what is due, and refund the rest."
)
LEFT = (
    "The invoice was cancelled in Dynamics. {number} in Xero is left as it is, as the settings say (Create credit "
    "note automatically: No).\n"
)
CHANGE = " Or change the setting, and set Export status to No."
LEFT_DRAFT = LEFT + "Delete {number} by hand in Xero, if it is not wanted." + CHANGE
LEFT_OPEN = LEFT + "Make the credit note for {number} by hand in Xero, if it is not wanted." + CHANGE
SETTLED = "The invoice was {acted} in Dynamics. {number} in Xero is left as it is: "
PAID = (
    "The Invoice is fully paid in Xero: {number}, 40.80 GBP. The invoice was {acted} in Dynamics. The document is "
    "left as it is.\nRemove the payment in Xero, or make a credit note there by hand and refund it.\n"
    "Then set Export status to No, and it is tried again."
)
NOTHING = "The invoice was {acted} in Dynamics. {number} has been {word} in Xero before: there is nothing to do."

ENDED = (
    Cell("E1", draft, DELETED, "DELETED"),
    Cell("E1", submitted, DELETED, "DELETED"),
    Cell("E2", approved, CREDITED, "PAID", credited="40.80", note=APPLIED, shown="Credited"),
    Cell("E3", part_paid, NOT_APPLIED_TO, "AUTHORISED", "30.80", "10", owed="-10", note=NOT_APPLIED),
    Cell("E3", part_credited, NOT_APPLIED_TO, "AUTHORISED", "30.80", "0", "10", owed="-10", note=NOT_APPLIED),
    Cell("E3", part_overpaid, NOT_APPLIED_TO, "AUTHORISED", "30.80", "10", owed="-10", note=NOT_APPLIED),
    Cell("E3", part_prepaid, NOT_APPLIED_TO, "AUTHORISED", "30.80", "10", owed="-10", note=NOT_APPLIED),
    Cell("E3", part_paid, NOT_APPLIED_TO, "AUTHORISED", "30.80", "10", owed="-10", note=NOT_APPLIED, by="Void"),
    Cell("E4", approved, VOIDED, "VOIDED", by="Void"),
)
SAME = (
    Cell("E5", paid, PAID, "PAID", paid="40.80", result="Failed", export="Failed"),
    Cell("E5", paid, PAID, "PAID", paid="40.80", result="Failed", export="Failed", by="Void"),
    Cell("E5", prepaid, PAID, "PAID", paid="40.80", result="Failed", export="Failed"),
    Cell("E5", free_of_charge, SETTLED + "its total is 0.", "PAID"),
    Cell(
        "E5",
        credited_by_others,
        SETTLED + "credit notes settle all of it already.",
        "PAID",
        credited="40.80",
        shown="Credited",
    ),
    Cell("E6", voided, NOTHING.replace("{word}", "voided"), "VOIDED"),
    Cell("E6", deleted_draft, NOTHING.replace("{word}", "deleted"), "DELETED"),
)
LEFT_ALONE = (
    Cell("E1", draft, LEFT_DRAFT, "DRAFT", "40.80"),
    Cell("E1", submitted, LEFT_DRAFT, "SUBMITTED", "40.80"),
    Cell("E2", approved, LEFT_OPEN, "AUTHORISED", "40.80", owed="40.80"),
    Cell("E3", part_paid, LEFT_OPEN, "AUTHORISED", "30.80", "10", owed="30.80"),
    Cell("E3", part_credited, LEFT_OPEN, "AUTHORISED", "30.80", "0", "10", owed="30.80"),
    Cell("E3", part_overpaid, LEFT_OPEN, "AUTHORISED", "30.80", "10", owed="30.80"),
    Cell("E3", part_prepaid, LEFT_OPEN, "AUTHORISED", "30.80", "10", owed="30.80"),
    Cell("E4", approved, LEFT_OPEN, "AUTHORISED", "40.80", owed="40.80", by="Void"),
)
ACTED = {cancel: ("Cancel", "cancelled", "3"), delete: ("Delete", "deleted", "deleted")}


def name_of(cell: object) -> str | None:
    if not isinstance(cell, Cell):
        return None
    return " ".join([cell.rule, cell.stand.__name__, *(["by Void"] if cell.by == "Void" else [])])


every_way = pytest.mark.parametrize("way", WAYS)
both_sides = pytest.mark.parametrize("side", SIDES)


@every_way
@both_sides
@pytest.mark.parametrize("cell", [*ENDED, *SAME], ids=name_of)
def test_cancelled_with_credit_notes_made_automatically(world: World, cell: Cell, side: str, way: str) -> None:
    """Rule E1, rule E2, rule E3, rule E4, rule E5, rule E6: the first column, B8 = Yes."""
    check(world, cell, cancel, side, way, create_credit_notes=True)


@every_way
@both_sides
@pytest.mark.parametrize("cell", [*LEFT_ALONE, *SAME], ids=name_of)
def test_cancelled_with_credit_notes_made_by_hand(world: World, cell: Cell, side: str, way: str) -> None:
    """Rule E1, rule E2, rule E3, rule E4, rule E5, rule E6: the second column, B8 = No."""
    check(world, cell, cancel, side, way, create_credit_notes=False)


@every_way
@both_sides
@pytest.mark.parametrize("cell", [*ENDED, *SAME], ids=name_of)
def test_deleted(world: World, cell: Cell, side: str, way: str) -> None:
    """Rule E1, rule E2, rule E3, rule E4, rule E5, rule E6: the third column, whatever B8 says."""
    check(world, cell, delete, side, way, create_credit_notes=False)


def check(world: World, cell: Cell, act: Callable[[World, str], None], side: str, way: str, **settings: Any) -> None:
    """Let it happen, look at everything there is, and see that nothing follows."""
    ended = exported(world, cell.stand, side)
    world.choose(**settings, cancel_by=cell.by)
    world.pass_time(minutes=2)  # the settings are read anew

    WAYS[way](world, lambda: act(world, ended.invoice_id))

    assert_as_told(ended, cell, act, side)
    there = (world.rows_of_ours(), books(world))
    world.assert_quiet()
    assert (world.rows_of_ours(), books(world)) == there
    assert world.interrupted == []
    assert world.described.complaints == []


def assert_as_told(ended: Ended, cell: Cell, act: Callable[[World, str], None], side: str) -> None:
    world, document, details = ended.world, ended.document, ended.details
    kind, acted, handled = ACTED[act]
    assert_note(ended, cell, side)
    note = ended.live_notes()[0]["CreditNoteNumber"] if cell.note else ""
    words = cell.words.format(id=ended.xero_id, number=ended.number, note=note, acted=acted)
    assert ended.told() == [(kind, cell.result, words)]
    assert document["Status"] == cell.status
    if cell.status not in ("VOIDED", "DELETED"):
        assert document["AmountDue"] == Decimal(cell.due)
    assert owed(world, side) == Decimal(cell.owed)
    assert {
        name: details[f"stl3_{name}"]
        for name in ("xerostatus", "amountdue", "amountpaid", "amountcredited", "xeroinvoiceid", "xeronumber")
    } == {
        "xerostatus": cell.shown or cell.status,
        "amountdue": Decimal(cell.due),
        "amountpaid": Decimal(cell.paid),
        "amountcredited": Decimal(cell.credited),
        "xeroinvoiceid": ended.xero_id,
        "xeronumber": ended.number,
    }
    assert world.status(ended.invoice_id) == cell.export
    assert details["stl3_handledstate"] == handled
    assert (details["stl3_cancelling"], details["stl3_waitingfor"]) == (None, None)


def assert_note(ended: Ended, cell: Cell, side: str) -> None:
    """The note is the document's twin, of this day, with its number; the row names it. Or there is none."""
    details = ended.details
    named = (details["stl3_creditnoteid"], details["stl3_creditnotenumber"])
    if not cell.note:
        assert (ended.notes(), named) == ([], (None, None))
        return
    note, is_applied = ended.note(), cell.note == APPLIED
    assert len(ended.notes()) == 1
    assert named == (note["CreditNoteID"], f"CN-{ended.number}")
    as_it_is = {name: note.get(name) for name in ("Type", "Status", "RemainingCredit", "Reference", "Date")}
    assert as_it_is == {
        "Type": "ACCRECCREDIT" if side == "sales" else "ACCPAYCREDIT",
        "Status": "PAID" if is_applied else "AUTHORISED",
        "RemainingCredit": 0 if is_applied else TOTAL,
        "Reference": ended.number if side == "sales" else None,
        "Date": ended.world.clock.now().date(),
    }
    assert (note["Total"], note["TotalTax"]) == (TOTAL, TAX)
    assert note["Contact"]["ContactID"] == ended.document["Contact"]["ContactID"]
    assert ended.applied(note) == ([(ended.xero_id, TOTAL)] if is_applied else [])
