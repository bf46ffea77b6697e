"""Credit notes of invoices that people make in Xero, of any shape: what Xero makes of them takes the invoice back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from core.money import dumps
from mappers.credit_notes import agrees, correction_of, credit_note_of, dated_on, find_own, free_number, numbers_of
from mappers.refused_cancelling import explain_refused, is_locked
from mappers.texts import width
from tests.contract.xero_caller import XeroCaller, start_xero
from tests.unit.generated import numbers

D = Decimal
MANY = settings(max_examples=150, deadline=None)
SOME = settings(max_examples=60, deadline=None)
RATES = {"GBP": None, "EUR": "1.171234", "JPY": "190.5"}
CODES = {"ACCREC": ["200", "260"], "ACCPAY": ["310", "400", "429"]}
TAX_TYPES = {"ACCREC": ["OUTPUT2", "RROUTPUT", "NONE"], "ACCPAY": ["INPUT2", "RRINPUT", "NONE"]}
TEXTS = st.sampled_from(["Work", "Två ord 🚲", "x" * 4000, "🚲" * 2000, "a b " * 1000])
QUANTITIES = numbers(1, 12, 0) | numbers(-20, 20, 1, 4) | numbers(100, 10**6, 0, 4)
PRICES = numbers(0, 300, 2, 4) | numbers(-20, 300, 2, 4) | numbers(0, 10**4, 2)
COVER = {"Description": "Cover", "Quantity": 1, "UnitAmount": "9000000000.00"}  # lets any total be above 0
ON = date(2026, 3, 25)
LONDON = ZoneInfo("Europe/London")

Row = dict[str, Any]


@cache
def company() -> XeroCaller:
    """One organisation for all examples: each has its own documents. No fixture, as Hypothesis would write it out."""
    xero = start_xero(currencies=["EUR", "JPY"])
    person = xero.person
    person.create_contact(Name="Ann")
    person.add_tracking_category("Region", ["North", "South"])
    person.add_tracking_category("Team", ["Red"])
    sides = {"SalesDetails": {"AccountCode": "260"}, "PurchaseDetails": {"AccountCode": "310"}}
    person.create_item(Code="CHAIR", Name="Chair", Description="A chair", IsSold=True, IsPurchased=True, **sides)
    return xero


@st.composite
def invoices(draw: st.DrawFn) -> Row:
    """A draft of 1 to 6 lines with anything that a person can do to it."""
    kind, currency = draw(st.sampled_from(list(CODES))), draw(st.sampled_from(list(RATES)))
    return {
        "Type": kind,
        "Contact": {"Name": "Ann"},
        "Date": draw(st.sampled_from(["2026-03-10", "2026-12-31"])),
        "DueDate": "2027-01-31",
        "LineAmountTypes": draw(st.sampled_from(["Exclusive", "Inclusive", "NoTax"])),
        "CurrencyCode": currency,
        "CurrencyRate": RATES[currency],
        "LineItems": draw(st.lists(lines(kind), min_size=1, max_size=6)),
    }


@st.composite
def lines(draw: st.DrawFn, kind: str) -> Row:
    row: Row = {"Description": draw(TEXTS)}
    if not draw(st.integers(0, 7)):
        return row  # a line of text
    quantity, price = draw(QUANTITIES), draw(PRICES)
    row |= {"Quantity": quantity, "UnitAmount": price, "AccountCode": draw(st.sampled_from(CODES[kind]))}
    row["TaxType"] = draw(st.sampled_from(TAX_TYPES[kind]))
    if draw(st.booleans()):
        row["TaxAmount"] = draw(numbers(-50, 50, 2))
    if draw(st.booleans()):
        options = draw(st.sampled_from([["Region"], ["Region", "Team"]]))
        row["Tracking"] = [{"Name": name, "Option": {"Region": "South", "Team": "Red"}[name]} for name in options]
    if draw(st.booleans()):
        row["ItemCode"] = "CHAIR"
    gross = quantity * price
    if kind == "ACCREC" and draw(st.booleans()):
        if draw(st.booleans()):
            row["DiscountRate"] = draw(numbers(0, 100, 0, 2))
        elif gross >= D("0.01"):
            share = draw(st.integers(1, 100))
            row["DiscountAmount"] = max(D("0.01"), (gross * share / 100).quantize(D("0.01"), rounding="ROUND_DOWN"))
    return row


def save(xero: XeroCaller, path: str, document: Row, *, put: bool = False) -> Row:
    """Send one document with exact numbers; return it as answered."""
    body = dumps({name: value for name, value in document.items() if value is not None}).decode()
    answered = xero.call("PUT" if put else "POST", f"/{path}?unitdp=4", body)
    assert answered.status == 200, answered.text
    (element,) = answered.json[path.partition("/")[0]]
    return element


def listed(xero: XeroCaller, invoice_id: str) -> Row:
    """Return the invoice as the connector reads it."""
    (found,) = xero.get(f"/Invoices?IDs={invoice_id}&page=1&unitdp=4").json["Invoices"]
    return found


def approved(xero: XeroCaller, draft: Row) -> Row:
    """Save and approve an invoice; one that comes to nothing or less gets a line that covers it."""
    xero.clock.advance(timedelta(seconds=10))  # however many examples, no limit of calls a minute
    made = save(xero, "Invoices", draft, put=True)
    if made["Total"] <= 0:
        covering = COVER | {"AccountCode": CODES[draft["Type"]][0], "TaxType": "NONE"}
        made = save(xero, "Invoices", draft | {"LineItems": [*draft["LineItems"], covering]}, put=True)
    assume(made["Total"] > 0)
    save(xero, "Invoices", {"InvoiceID": made["InvoiceID"], "Status": "AUTHORISED"})
    return listed(xero, made["InvoiceID"])


def credited(xero: XeroCaller, document: Row) -> Row:
    """Take a document back as the connector does; return the note as it was drafted."""
    note = save(xero, "CreditNotes", credit_note_of(document, number=numbers_of(document)[0], dated=ON), put=True)
    if not agrees(note, document):
        event("corrected")
        note = save(xero, "CreditNotes", correction_of(note, document))
    return note


def settle(xero: XeroCaller, document: Row, note: Row) -> tuple[Row, Row]:
    """Approve the note and apply all of it; return both as lists show them."""
    save(xero, "CreditNotes", {"CreditNoteID": note["CreditNoteID"], "Status": "AUTHORISED"})
    applied = {"Invoice": {"InvoiceID": document["InvoiceID"]}, "Amount": document["Total"]}
    body = dumps({"Allocations": [applied]}).decode()
    answered = xero.put(f"/CreditNotes/{note['CreditNoteID']}/Allocations", body)
    assert answered.status == 200, answered.text
    where = quote(f'CreditNoteID==guid("{note["CreditNoteID"]}")')
    (found,) = xero.get(f"/CreditNotes?where={where}&page=1&unitdp=4").json["CreditNotes"]
    return listed(xero, document["InvoiceID"]), found


def bookings(document: Row) -> Iterator[tuple[Any, ...]]:
    """Yield how each line is booked, and with how much."""
    for line in document["LineItems"]:
        tracking = [(one["Name"], one["Option"]) for one in line.get("Tracking", ())]
        codes = [line.get(name) for name in ("ItemCode", "AccountCode", "AccountID", "TaxType")]
        yield (*codes, tracking, line.get("LineAmount"), line.get("TaxAmount"))


@MANY
@given(draft=invoices())
def test_the_note_of_any_invoice_takes_it_back_to_the_cent(draft: Row) -> None:
    """Rule E9: its totals are the invoice's, and so is each of its lines; applied, nothing is due."""
    xero = company()
    document = approved(xero, draft)

    note = credited(xero, document)
    invoice, applied = settle(xero, document, note)

    assert (note["Total"], note["TotalTax"], note["SubTotal"]) == tuple(
        document[name] for name in ("Total", "TotalTax", "SubTotal")
    )
    assert list(bookings(applied)) == list(bookings(document))
    assert (applied["CurrencyCode"], applied["CurrencyRate"]) == (document["CurrencyCode"], document["CurrencyRate"])
    assert (invoice["Status"], invoice["AmountDue"], invoice["AmountCredited"]) == ("PAID", 0, document["Total"])
    assert (applied["Status"], applied["RemainingCredit"]) == ("PAID", 0)
    assert applied.get("Reference") == (document["InvoiceNumber"] if draft["Type"] == "ACCREC" else None)


@MANY
@given(draft=invoices())
def test_a_line_says_what_it_said_or_the_quantity_and_price_that_it_had(draft: Row) -> None:
    """Rule E9: the text is kept, and is never too long."""
    xero = company()
    document = approved(xero, draft)

    made = credit_note_of(document, number="CN-1", dated=ON)

    for ours, theirs in zip(made["LineItems"], document["LineItems"], strict=True):
        if "LineAmount" not in theirs:
            assert ours.keys() <= {"Description", "Tracking"}
        elif ours["Quantity"] == theirs["Quantity"]:
            assert ours["Description"] == theirs["Description"]
        else:
            event("quantity 1")
            assert (ours["Quantity"], ours["UnitAmount"]) == (1, theirs["LineAmount"])
            text, quantity, price = ours["Description"].replace(" × ", "\n").rsplit("\n", 2)
            assert (D(quantity), D(price)) == (theirs["Quantity"], theirs["UnitAmount"])
            assert theirs["Description"].startswith(text.removesuffix("…"))
        assert width(ours["Description"]) <= 4000


@SOME
@given(draft=invoices(), taxes=st.lists(numbers(-5, 5, 2), min_size=7, max_size=7), drop=st.booleans())
def test_a_draft_that_adds_up_otherwise_is_corrected(draft: Row, taxes: list[Decimal], drop: bool) -> None:
    """Rule E9: whatever Xero, or somebody in Xero, has made of it: other taxes, other amounts, a line less."""
    xero = company()
    document = approved(xero, draft)
    first = credit_note_of(document, number=numbers_of(document)[0], dated=ON)
    rows = [
        row | ({"TaxAmount": tax, "UnitAmount": row["UnitAmount"] + tax} if "UnitAmount" in row else {})
        for row, tax in zip(first["LineItems"], taxes, strict=False)
    ]
    kept = rows[1:] if drop else rows
    note = save(xero, "CreditNotes", first | {"LineItems": kept, "LineAmountTypes": "Exclusive"}, put=True)

    mended = save(xero, "CreditNotes", correction_of(note, document))
    invoice, _ = settle(xero, document, mended)

    assert agrees(mended, document)
    assert (mended["Status"], invoice["AmountDue"]) == ("DRAFT", 0)


@SOME
@given(draft=invoices(), rest=st.integers(-3, 3))
def test_a_rest_of_the_tax_is_taken_by_one_line(draft: Row, rest: int) -> None:
    """Rule E9: where the document's tax is not the sum of its lines', as a document that Xero rounds as a whole."""
    xero = company()
    document = approved(xero, draft | {"LineAmountTypes": "Exclusive"})
    cents = D(rest).scaleb(-2)
    document |= {"TotalTax": document["TotalTax"] + cents, "Total": document["Total"] + cents}

    note = credited(xero, document)

    assert agrees(note, document)
    pairs = zip(note["LineItems"], document["LineItems"], strict=True)
    off = [ours["TaxAmount"] - theirs["TaxAmount"] for ours, theirs in pairs if "TaxAmount" in theirs]
    assert [each for each in off if each] == ([cents] if rest else [])


@SOME
@given(drafts=st.lists(invoices(), min_size=2, max_size=4))
def test_each_document_finds_its_own_note(drafts: list[Row]) -> None:
    """Rule E10: among those of one customer, bills of one number too, where the Xero details say its number."""
    xero = company()
    documents = [approved(xero, draft | {"InvoiceNumber": None}) for draft in drafts]
    for document in documents:
        if document["Type"] == "ACCPAY":
            document["InvoiceNumber"] = f"B-{documents[0]['InvoiceID']}"
    chosen: dict[str, str] = {}
    for document in documents:
        alike = set(chosen.values())
        chosen[document["InvoiceID"]] = free_number(_notes(xero, documents), document, taken=alike)
    for document in documents:
        number = chosen[document["InvoiceID"]]
        save(xero, "CreditNotes", credit_note_of(document, number=number, dated=ON), put=True)

    notes = _notes(xero, documents)
    found = [find_own(notes, one, note_id="", number=chosen[one["InvoiceID"]]) for one in documents]

    assert len(set(chosen.values())) == len(documents)
    assert [one and one["CreditNoteNumber"] for one in found] == list(chosen.values())
    for document, note in zip(documents, found, strict=True):
        assert note is not None
        assert agrees(note, document)
        assert find_own(notes, document, note_id=note["CreditNoteID"], number="") == note


def test_a_note_of_a_locked_day_is_refused_and_the_lock_date_named() -> None:
    """Rule E11: nothing is written; another day helps."""
    xero = start_xero()
    document = listed(xero, xero.create()["InvoiceID"])
    xero.person.set_lock_dates(period=date(2026, 3, 20))
    cancelled_at = datetime(2026, 3, 19, 23, 30, tzinfo=UTC)
    dated = dated_on(document, cancelled_at=cancelled_at, zone=LONDON)

    body = dumps(credit_note_of(document, number="CN-1", dated=dated)).decode()
    refused = xero.put("/CreditNotes?unitdp=4", body)

    assert (refused.status, is_locked(refused.messages)) == (400, True)
    assert len(xero.organisation.credit_notes) == 0
    assert "up to and including 20 March 2026" in explain_refused(refused.messages, doing="credit", sales=True)
    save(xero, "CreditNotes", credit_note_of(document, number="CN-1", dated=date(2026, 3, 21)), put=True)


def _notes(xero: XeroCaller, documents: list[Row]) -> list[Row]:
    numbers = [number for document in documents for number in numbers_of(document)]
    where = quote(" OR ".join(f'CreditNoteNumber=="{number}"' for number in numbers))
    return list(xero.get(f"/CreditNotes?where={where}&page=1&unitdp=4").json["CreditNotes"])
