"""The credit note of a document: how ours is known again, its number and its day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mappers.credit_notes import dated_on, find_own, free_number, numbers_of
from tests.unit.credit_notes import (
    INVOICE_ID,
    NOTE_ID,
    OTHER_ID,
    applied_to,
    document,
    note,
)

D = Decimal
BY_ID = f"CN-{INVOICE_ID}"
LONDON = ZoneInfo("Europe/London")


# -- its day ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancelled_at", "zone", "expected"),
    [
        (datetime(2026, 3, 25, 12, 0, tzinfo=UTC), "Europe/London", date(2026, 3, 25)),
        (datetime(2026, 3, 25, 23, 30, tzinfo=UTC), "Europe/Athens", date(2026, 3, 26)),
        (datetime(2026, 3, 25, 3, 0, tzinfo=UTC), "America/New_York", date(2026, 3, 24)),
        (datetime(2026, 3, 9, 12, 0, tzinfo=UTC), "Europe/London", date(2026, 3, 10)),
        (datetime(2026, 3, 10, 0, 30, tzinfo=UTC), "America/New_York", date(2026, 3, 10)),
    ],
)
def test_the_note_has_the_day_of_the_cancellation_there(cancelled_at: datetime, zone: str, expected: date) -> None:
    """Rule E11: in the connection's zone, and never before the document's own."""
    assert dated_on(document(), cancelled_at=cancelled_at, zone=ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    "written", [{}, {"DateString": None}, {"DateString": None, "Date": "2026-03-10"}, {"Date": None}]
)
def test_the_day_of_the_document_is_read_however_it_is_written(written: dict[str, Any]) -> None:
    """Rule E11."""
    early = datetime(2026, 1, 1, tzinfo=UTC)

    assert dated_on(document(**written), cancelled_at=early, zone=LONDON) == date(2026, 3, 10)


def test_a_document_without_a_day_says_nothing() -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)

    assert dated_on(document(Date=None, DateString=None), cancelled_at=early, zone=LONDON) == date(2026, 1, 1)


# -- its number ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("INV-0042", ("CN-INV-0042", BY_ID)),
        ("9" * 252, ("CN-" + "9" * 252, BY_ID)),
        ("9" * 253, (BY_ID,)),
        ("", (BY_ID,)),
        (" ", (BY_ID,)),
        (None, (BY_ID,)),
        ("Rechnung Nº 7", (BY_ID,)),
        ("A\tB", (BY_ID,)),
    ],
)
def test_the_number_says_which_document_it_takes_back(number: str | None, expected: tuple[str, ...]) -> None:
    """Rule E9: of the document's number, or of its id where Xero would not take that."""
    assert numbers_of(document(InvoiceNumber=number)) == expected


def test_a_number_that_is_taken_is_not_taken_again() -> None:
    """Rule E9: dead notes keep theirs; notes of the other side have numbers of their own."""
    found = document()

    assert free_number([], found) == "CN-INV-0042"
    assert free_number([note(Status="VOIDED", CreditNoteNumber="cn-inv-0042")], found) == BY_ID
    assert free_number([note(Type="ACCPAYCREDIT")], found) == "CN-INV-0042"
    assert free_number([note(), note(CreditNoteNumber=BY_ID)], found) == ""
    assert free_number([], found, taken={"CN-INV-0042"}) == BY_ID


# -- which one is ours -----------------------------------------------------------------------------------------


def own(*notes: dict[str, Any], note_id: str = "", number: str = "", **different: Any) -> str | None:
    """Return the status of what is found: the notes of a test differ by it."""
    found = find_own(notes, document(**different), note_id=note_id, number=number)
    return None if found is None else found["Status"]


def test_our_note_is_found_by_its_number() -> None:
    """Rule E10: by number, type and contact."""
    assert own(note()) == "DRAFT"
    assert own(note(CreditNoteNumber="cn-inv-0042 ")) == "DRAFT"
    assert own(note(CreditNoteNumber=BY_ID)) == "DRAFT"
    assert own(note(Status="PAID", Allocations=applied_to(INVOICE_ID.upper()))) == "PAID"


@pytest.mark.parametrize(
    "different",
    [
        {"CreditNoteNumber": "CN-INV-0043"},
        {"Type": "ACCPAYCREDIT"},
        {"Contact": {"ContactID": OTHER_ID}},
        {"CurrencyCode": "EUR"},
        {"Status": "VOIDED"},
        {"Status": "DELETED"},
        {"Allocations": applied_to(OTHER_ID)},
    ],
)
def test_another_note_is_not_ours(different: dict[str, Any]) -> None:
    """Rule E10: what only looks like ours is never touched."""
    assert own(note(**different)) is None


def test_our_note_is_known_by_its_id_whatever_people_have_made_of_it() -> None:
    """Rule E0: renumbered, or applied to another invoice, it still takes the document back."""
    changed = note(CreditNoteNumber="X", Status="PAID", Allocations=applied_to(OTHER_ID))

    assert own(changed, note_id=NOTE_ID.upper(), number="CN-INV-0042") == "PAID"


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED"])
def test_a_draft_is_ours_only_by_its_number(status: str) -> None:
    """Rule E10: it would be rewritten, and a person may have put the id of somebody's note on the row."""
    somebodys = note(Status=status, CreditNoteNumber="X")
    ours = note(Status="AUTHORISED", CreditNoteID=OTHER_ID)

    assert own(somebodys, note_id=NOTE_ID) is None
    assert own(somebodys, note_id=NOTE_ID, number="X") is None
    assert own(somebodys, ours, note_id=NOTE_ID) == "AUTHORISED"
    assert own(note(Status=status), note_id=NOTE_ID) == status
    assert own(note(Status=status, CreditNoteNumber=BY_ID), note_id=NOTE_ID, number="CN-INV-0042") == status


def test_a_number_that_is_not_one_of_ours_excludes_nothing() -> None:
    """Rule E10: a person has written it on the row; ours are looked for as if there were none."""
    assert own(note(), number="X") == "DRAFT"
    assert own(note(CreditNoteNumber="X"), number="X") is None


def test_a_dead_note_of_ours_leaves_room_for_the_next() -> None:
    """Rule E0: of which the row has only the number yet."""
    dead, later = note(Status="VOIDED"), note(CreditNoteID=OTHER_ID, CreditNoteNumber=BY_ID)

    assert own(dead, note_id=NOTE_ID, number="CN-INV-0042") is None
    assert own(dead, later, note_id=NOTE_ID, number=BY_ID) == "DRAFT"


def test_the_number_that_was_chosen_excludes_the_other() -> None:
    """Rule E10: it was chosen because somebody's note has the other one."""
    somebodys = note(Status="AUTHORISED")

    assert own(somebodys, number=BY_ID) is None
    assert own(somebodys, note(CreditNoteNumber=BY_ID), number=BY_ID) == "DRAFT"


def test_the_suppliers_own_credit_note_is_not_ours() -> None:
    """Rule E10: numbers of bills and their notes are anybody's, so the number alone is no proof of an origin."""
    of_supplier = note(Type="ACCPAYCREDIT", Status="AUTHORISED")
    by_id = note(Type="ACCPAYCREDIT", CreditNoteNumber=BY_ID)

    assert own(of_supplier, Type="ACCPAY") is None
    assert own(of_supplier | {"Allocations": applied_to(INVOICE_ID)}, Type="ACCPAY") == "AUTHORISED"
    assert own(of_supplier, by_id, Type="ACCPAY") == "DRAFT"
    assert own(of_supplier, Type="ACCPAY", number="CN-INV-0042") == "AUTHORISED"


def test_of_two_notes_of_bills_the_one_that_fits_is_ours() -> None:
    """Rule E10: applied to it, else of the same total."""
    other = note(Type="ACCPAYCREDIT", Status="AUTHORISED", Total=D("50.0"))
    fitting = note(Type="ACCPAYCREDIT", Status="DRAFT")
    applied = note(Type="ACCPAYCREDIT", Status="PAID", Total=D("50.0"), Allocations=applied_to(INVOICE_ID))

    assert own(other, fitting, Type="ACCPAY", number="CN-INV-0042") == "DRAFT"
    assert own(other, fitting, applied, Type="ACCPAY", number="CN-INV-0042") == "PAID"
