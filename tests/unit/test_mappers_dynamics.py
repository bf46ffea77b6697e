"""Dynamics rows → our values: nulls, missing and unknown columns, the order of lines, the fingerprint."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from core import columns
from core.invoice import Address, Chosen, Customer, Details, Invoice, Line, Product
from mappers.dynamics import fingerprint, to_details, to_invoice
from tests.unit.dynamics_rows import chosen_row, contact_row, invoice_row, line_row
from tests.unit.made import CONNECTION_ID, CUSTOMER_ID, INVOICE_ID, chosen, customer, invoice, line, product


def _less(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def test_a_full_row_becomes_an_invoice() -> None:
    made = to_invoice(invoice_row(), [line_row()])

    assert made == Invoice(
        id=INVOICE_ID,
        name="Order 4711",
        number="INV-01000",
        state=0,
        status_reason=1,
        connector_id=CONNECTION_ID,
        kind="Sales Invoice",
        line_amount_types="Exclusive",
        branding_theme=Chosen("theme-1", "Special Projects", CONNECTION_ID),
        customer_id=CUSTOMER_ID,
        customer=Customer(
            kind="account",
            id=CUSTOMER_ID,
            name="Fourth Coffee",
            account_number="AC-100",
            email="books@fourth.example",
            phone="020 7946 0000",
            address=Address(("1 High Street", "Back door"), "London", "", "N1 1AA", "United Kingdom"),
        ),
        price_list_id="price-list",
        currency="GBP",
        currency_decimals=2,
        delivered_at=datetime(2026, 11, 24, tzinfo=UTC),
        due_on=date(2026, 12, 24),
        terms=1,
        description="PO 99",
        discount=Decimal(0),
        discount_percentage=Decimal(0),
        freight=Decimal(0),
        total_lines=Decimal("30.00"),
        total_less_freight=Decimal("30.00"),
        total_tax=Decimal("0.00"),
        total=Decimal("30.00"),
        lines=(
            Line(
                id="line-1",
                is_write_in=False,
                product=Product("p-1", "CHAIR-01", "Chair"),
                text="",
                description="Black",
                quantity=Decimal(3),
                price=Decimal(10),
                volume_discount=Decimal(0),
                manual_discount=Decimal(0),
                extended_amount=Decimal(30),
                tax=Decimal(0),
                product_type=1,
                tax_type=Chosen("OUTPUT2", "OUTPUT2 - 20%", CONNECTION_ID),
                number=1,
                created_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
            ),
        ),
        etag='W/"123"',
        modified_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
    )


@pytest.mark.parametrize("without", [lambda row, name: {**row, name: None}, _less])
def test_null_and_missing_say_the_same(without: Any) -> None:
    """Dataverse leaves a null column out of some answers."""
    for name in set(invoice_row()) - {"invoiceid"}:
        one, other = without(invoice_row(), name), {**invoice_row(), name: None}
        assert to_invoice(one, []) == to_invoice(other, [])
    for name in set(line_row()) - {"invoicedetailid"}:
        one, other = without(line_row(), name), {**line_row(), name: None}
        assert to_invoice(invoice_row(), [one]) == to_invoice(invoice_row(), [other])


def test_an_empty_row_is_an_invoice_without_anything() -> None:
    bare = to_invoice({"invoiceid": INVOICE_ID}, [{"invoicedetailid": "line-1"}])

    assert (bare.customer, bare.delivered_at, bare.due_on, bare.terms, bare.branding_theme) == (None,) * 5
    assert (bare.connector_id, bare.customer_id, bare.currency, bare.currency_decimals) == ("", "", "", 2)
    assert (bare.kind, bare.line_amount_types, bare.net) == ("Sales Invoice", "Exclusive", Decimal(0))
    (only,) = bare.lines
    assert (only.product, only.extended_amount, only.account, only.tax_type) == (None, None, None, None)
    assert (only.quantity, only.is_write_in) == (Decimal(0), False)


def test_unknown_columns_are_ignored() -> None:
    """Microsoft and customers add some, and annotations come along."""
    more = {"new_column": 1, "statecode@OData.Community.Display.V1.FormattedValue": "Active"}

    assert to_invoice(invoice_row(**more), [line_row(**more)]) == to_invoice(invoice_row(), [line_row()])


def test_a_contact_is_a_customer_too() -> None:
    made = to_invoice(invoice_row(customerid_account=None, customerid_contact=contact_row()), [])

    assert made.customer == Customer(
        kind="contact",
        id=CUSTOMER_ID,
        name="Ann Lee",
        first_name="Ann",
        last_name="Lee",
        mobile="07700 900000",
        address=Address(),
    )


def test_a_customer_that_cannot_be_read_is_still_one_that_was_chosen() -> None:
    """Deleted, or a right is missing: the lookup has its id and the expansion is empty."""
    made = to_invoice(invoice_row(customerid_account=None), [])

    assert (made.customer_id, made.customer) == (CUSTOMER_ID, None)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (chosen_row("200"), Chosen("200", "200 - Sales", CONNECTION_ID)),
        (chosen_row("200", statecode=1), Chosen("200", "200 - Sales", CONNECTION_ID, is_active=False)),
        (chosen_row("200", _stl3_connector_value="another"), Chosen("200", "200 - Sales", "another")),
        (chosen_row("200", _stl3_connector_value=None), Chosen("200", "200 - Sales")),
        (chosen_row(None), Chosen("", "200 - Sales", CONNECTION_ID)),
        ({}, Chosen("")),
        (None, None),
    ],
)
def test_what_was_chosen_comes_with_its_connection_and_whether_it_is_in_use(
    row: dict[str, Any] | None, expected: Chosen | None
) -> None:
    """Rule F4 needs both."""
    made = to_invoice(invoice_row(), [line_row(stl3_AccountCode=row)])

    assert made.lines[0].account == expected


def test_a_write_in_is_told_by_its_own_column() -> None:
    """A product that was deleted from under its line does not make a write-in of it."""
    made = to_invoice(invoice_row(), [line_row(productid=None), line_row(productid=None, isproductoverridden=True)])

    assert [each.is_write_in for each in made.lines] == [False, True]


@pytest.mark.parametrize(
    "wrong",
    [
        {"invoiceid": None},
        {"totalamount": "many"},
        {"totalamount": "NaN"},
        {"datedelivered": "yesterday"},
        {"duedate": "2026-13-01"},
        {"statecode": "Active"},
        {"customerid_account": {"name": "no id"}},
    ],
    ids=str,
)
def test_an_impossible_row_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        to_invoice(invoice_row(**wrong), [])


def test_choices_are_read_by_value_and_unknown_ones_are_the_default() -> None:
    bill = invoice_row(
        stl3_invoicetype=columns.INVOICE_TYPE["Purchase Invoice"],
        stl3_lineamounttypes=columns.LINE_AMOUNT_TYPES["No Tax"],
    )

    assert (to_invoice(bill, []).kind, to_invoice(bill, []).line_amount_types) == ("Purchase Invoice", "No Tax")
    assert to_invoice(invoice_row(stl3_invoicetype=1), []).kind == "Sales Invoice"


# -- the order of lines ------------------------------------------------------------------------------------


def test_lines_stand_by_number_then_sequence_then_age_then_id() -> None:
    rows = [
        line_row(invoicedetailid="g", lineitemnumber=None, createdon=None),
        line_row(invoicedetailid="f", lineitemnumber=None, createdon="2026-11-24T09:00:02Z"),
        line_row(invoicedetailid="e", lineitemnumber=None, createdon="2026-11-24T09:00:01Z"),
        line_row(invoicedetailid="d", lineitemnumber=None, sequencenumber=5),
        line_row(invoicedetailid="c", lineitemnumber=10),
        line_row(invoicedetailid="b", lineitemnumber=2, sequencenumber=2),
        line_row(invoicedetailid="a2", lineitemnumber=2, sequencenumber=1, createdon="2026-11-24T09:00:00Z"),
        line_row(invoicedetailid="a1", lineitemnumber=2, sequencenumber=1, createdon="2026-11-24T09:00:00Z"),
        line_row(invoicedetailid="0", lineitemnumber=0),
    ]

    ordered = [each.id for each in to_invoice(invoice_row(), rows).lines]

    assert ordered == ["0", "a1", "a2", "b", "c", "d", "g", "e", "f"]


@given(order=st.permutations(range(6)))
def test_the_order_in_which_rows_come_does_not_matter(order: list[int]) -> None:
    rows = [line_row(invoicedetailid=f"line-{n}", lineitemnumber=n % 3 or None, createdon=None) for n in range(6)]

    assert to_invoice(invoice_row(), [rows[n] for n in order]) == to_invoice(invoice_row(), rows)


# -- details -----------------------------------------------------------------------------------------------


def test_a_details_row_is_read_and_nulls_are_empty() -> None:
    row = {
        "@odata.etag": 'W/"7"',
        "stl3_xerodetailsid": "d-1",
        "stl3_dynamicsinvoiceid": INVOICE_ID,
        "stl3_connectionid": None,
        "stl3_exportstatus": columns.EXPORT_STATUS["Failed"],
        "stl3_attemptstarted": "2026-11-24T09:00:00Z",
        "stl3_attemptkey": "hash",
        "stl3_waitingfor": None,
        "stl3_handledstate": "3",
        "stl3_cancelling": "void 2026-11-24T09:00:00Z",
        "stl3_creditnoteid": "n-1",
        "stl3_creditnotenumber": "CN-INV-0001",
        "stl3_earlierdocuments": "x-1 x-2",
        "_stl3_invoice_value": None,
    }

    assert to_details(row) == Details(
        id="d-1",
        etag='W/"7"',
        invoice_id=INVOICE_ID,
        connection_id="",
        export_status="Failed",
        attempt_started=datetime(2026, 11, 24, 9, tzinfo=UTC),
        attempt_key="hash",
        handled_state="3",
        cancelling="void 2026-11-24T09:00:00Z",
        credit_note_id="n-1",
        credit_note_number="CN-INV-0001",
        earlier_ids=("x-1", "x-2"),
    )
    assert not to_details(row).is_linked
    assert not to_details(row | {"_stl3_invoice_value": "another"}).is_linked
    assert to_details(row | {"stl3_exportstatus": None}).export_status == "No"
    assert to_details(row | {"_stl3_invoice_value": INVOICE_ID}).is_linked


@pytest.mark.parametrize("name", ["@odata.etag", "stl3_xerodetailsid", "stl3_dynamicsinvoiceid"])
def test_a_details_row_without_its_etag_or_ids_is_refused(name: str) -> None:
    """Without the etag a write would not be conditional."""
    row = {"@odata.etag": "W/1", "stl3_xerodetailsid": "d-1", "stl3_dynamicsinvoiceid": INVOICE_ID}

    with pytest.raises(ValidationError):
        to_details(_less(row, name))


# -- the fingerprint ---------------------------------------------------------------------------------------

FULL = invoice(
    line(product=product(), created_at=datetime(2026, 11, 24, tzinfo=UTC), number=1, extended_amount=Decimal(10))
)
RELEVANT: list[dict[str, Any]] = [
    {"connector_id": "another"},
    {"kind": "Purchase Invoice"},
    {"line_amount_types": "Inclusive"},
    {"branding_theme": chosen("theme")},
    {"customer_id": "another"},
    {"currency": "EUR"},
    {"delivered_at": datetime(2026, 11, 25, tzinfo=UTC)},
    {"delivered_at": None},
    {"due_on": date(2026, 12, 1)},
    {"terms": 1},
    {"description": "PO 2"},
    {"discount": Decimal("0.01")},
    {"discount_percentage": Decimal(1)},
    {"total_less_freight": Decimal("9.99")},
    {"freight": Decimal(1)},
    {"custom": {"new_ponumber": "4711"}},
    {"lines": ()},
    {"lines": (*FULL.lines, line(id="line-2"))},
]
RELEVANT_ON_LINE: list[dict[str, Any]] = [
    {"is_write_in": True},
    {"product": None},
    {"product": product(id="p-2")},
    {"product": product(number="DESK-02")},
    {"text": "Labour"},
    {"description": "Red"},
    {"quantity": Decimal(2)},
    {"price": Decimal("10.01")},
    {"extended_amount": Decimal(9)},
    {"product_type": 3},
    {"account": chosen("400")},
    {"tax_type": chosen("NONE")},
    {"custom": {"new_serial": "A-1"}},
]
# By columns that count only through what they make of the line's net, or that people and systems change without
# meaning anything for the document.
OUTSIDE: dict[str, Any] = {
    "name": "Another order",
    "number": "INV-2",
    "state": 3,
    "status_reason": 100003,
    "customer": customer(name="Fourth Coffee Ltd"),
    "price_list_id": "another",
    "total_lines": Decimal(11),
    "total_tax": Decimal(2),
    "total": Decimal(12),
    "amount_due": Decimal(12),
    "modified_at": datetime(2026, 11, 25, tzinfo=UTC),
}
OUTSIDE_ON_LINE: list[dict[str, Any]] = [
    {"product": product(name="Stool", description="Oak")},
    {"volume_discount": Decimal(1)},
    {"manual_discount": Decimal(1)},
    {"tax": Decimal(2), "extended_amount": Decimal(12)},
    {"account": None},
    {"number": 7},
    {"sequence": 7},
    {"created_at": None},
]


@pytest.mark.parametrize("different", RELEVANT, ids=lambda each: next(iter(each)))
def test_what_xero_should_know_changes_it(different: dict[str, Any]) -> None:
    assert fingerprint(replace(FULL, **different)) != fingerprint(FULL)


@pytest.mark.parametrize("different", RELEVANT_ON_LINE, ids=lambda each: next(iter(each)))
def test_what_xero_should_know_of_a_line_changes_it(different: dict[str, Any]) -> None:
    changed = replace(FULL, lines=(replace(FULL.lines[0], **different),))

    assert fingerprint(changed) != fingerprint(FULL)


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_the_connector_writes_the_state_and_names_do_not(name: str) -> None:
    """Rule C53; customers and products are copied once (rules B2, B3)."""
    assert fingerprint(replace(FULL, **{name: OUTSIDE[name]})) == fingerprint(FULL)


@pytest.mark.parametrize("different", OUTSIDE_ON_LINE, ids=lambda each: next(iter(each)))
def test_the_tax_that_is_written_back_and_the_like_do_not(different: dict[str, Any]) -> None:
    """Rule C53: else every export would look like a change by a person."""
    changed = replace(FULL, lines=(replace(FULL.lines[0], **different),))

    assert fingerprint(changed) == fingerprint(FULL)


def test_every_column_is_inside_or_named_as_outside() -> None:
    """A new field of an invoice is noticed here: somebody has to say on which side it stands."""
    tested = {name for each in RELEVANT for name in each} | set(OUTSIDE)
    on_line = {name for each in (*RELEVANT_ON_LINE, *OUTSIDE_ON_LINE) for name in each}

    assert {field.name for field in fields(Invoice)} == tested | {"id", "currency_decimals", "etag"}
    assert {field.name for field in fields(Line)} == on_line | {"id"}


def test_the_order_of_lines_changes_it() -> None:
    first, second = line(id="a", number=1), line(id="b", number=2)

    assert fingerprint(invoice(first, second)) != fingerprint(
        invoice(replace(second, number=1), replace(first, number=2))
    )


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "1.00"), ("10", "1E+1"), ("0", "0.0000"), ("-0.00", "0"), ("100.10", "100.1000")]
)
def test_one_amount_has_one_spelling(one: str, other: str) -> None:
    """Dataverse answers 1.0000 where it said 1.0 before."""
    assert fingerprint(replace(FULL, freight=Decimal(one))) == fingerprint(replace(FULL, freight=Decimal(other)))


def test_own_columns_and_the_time_of_change_do_not_count() -> None:
    own = {"stl3_amountdue": Decimal(12), "modifiedon": "2026-11-25T09:00:00Z", "@odata.etag": 'W/"124"'}

    assert fingerprint(to_invoice(invoice_row(**own), [line_row()])) == fingerprint(
        to_invoice(invoice_row(), [line_row()])
    )


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_fingerprints_are_equal_exactly_for_equal_prices(one: int, other: int) -> None:
    prints = [fingerprint(replace(FULL, freight=Decimal(cents).scaleb(-2))) for cents in (one, other)]

    assert (prints[0] == prints[1]) == (one == other)


def test_it_carries_its_version_and_fits_its_column() -> None:
    length = next(each.max_length for each in columns.DETAILS.columns if each.name == "stl3_fingerprint")

    assert fingerprint(FULL).startswith("2:")
    assert len(fingerprint(FULL)) <= length


def test_a_moment_in_another_spelling_is_the_same_moment() -> None:
    shifted = invoice_row(datedelivered="2026-11-24T01:00:00+01:00")

    assert fingerprint(to_invoice(shifted, [])) == fingerprint(to_invoice(invoice_row(), []))
