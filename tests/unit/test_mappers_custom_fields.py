"""What the customer's own columns make of a document, and how their values come out of the rows of Dynamics."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.custom_fields import EMPTY, CustomFields, Kind, parse
from core.tracking import Category
from mappers import dynamics
from mappers.basis import Unmappable
from mappers.custom_fields import (
    contact_fields_of,
    due_on_of,
    item_fields_of,
    line_text_of,
    number_of,
    reference_of,
    tracking_in_xero,
    tracking_of,
)
from mappers.custom_rows import FORMATTED, expand, needs_labels, select, with_custom
from tests.unit.dynamics_rows import account_row, contact_row, invoice_row, line_row
from tests.unit.made import customer, invoice, line, product

LONDON, AUCKLAND, NEW_YORK = ZoneInfo("Europe/London"), ZoneInfo("Pacific/Auckland"), ZoneInfo("America/New_York")
TRACKING = {
    "region": Category("Region", {"north": "North", "far east": "Far East"}, ("south",)),
    "sales person": Category("Sales Person", {"ann": "Ann"}),
}


def fields(**setting: Any) -> CustomFields:
    return parse(json.dumps(setting))


def kinds(table: str, **of: Kind) -> CustomFields:
    return replace(EMPTY, kinds={table: of})


# -- the header --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reference"),
    [
        ({"new_po": "PO 7", "name": "Order 4711"}, "PO 7 / Order 4711"),
        ({"new_po": " PO \n 7 ", "name": "Order"}, "PO 7 / Order"),
        ({"name": "Order"}, "/ Order"),
        ({"new_po": "PO 7"}, "PO 7 /"),
        ({"new_po": "  "}, ""),
        ({}, ""),
    ],
)
def test_the_reference_is_made_of_the_columns(values: dict[str, str], reference: str) -> None:
    """Rule C12 is left alone only where all columns are empty; what is between them stays as it is."""
    custom = fields(reference="{new_po} / {name}")

    assert reference_of(custom, invoice(custom=values)) == reference


def test_a_long_reference_is_cut_at_a_word() -> None:
    """Xero takes 255 characters, as in rule C12."""
    found = reference_of(fields(reference="new_po"), invoice(custom={"new_po": "word " * 60}))

    assert len(found) <= 255
    assert found.endswith("word…")


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-12-01", date(2026, 12, 1)), ("2026-12-01 23:30", date(2026, 12, 1)), ("", None)],
)
def test_the_due_date_is_the_day_of_the_column(text: str, day: date | None) -> None:
    """Rule C11: an empty column leaves it to the due date and the terms."""
    assert due_on_of(fields(due_date="new_promised"), invoice(custom={"new_promised": text})) == day


def test_the_suppliers_number_is_the_number_of_a_bill() -> None:
    """Rule C13."""
    custom = fields(number="new_theirs")

    assert number_of(custom, invoice(custom={"new_theirs": " R-2026  17 "})) == "R-2026 17"
    assert number_of(custom, invoice()) == ""


def test_a_number_that_is_too_long_fails_instead_of_becoming_another_number() -> None:
    """Rule C13 with a number of more than 255 characters."""
    long = invoice(custom={"new_theirs": "7" * 256})

    with pytest.raises(Unmappable, match=r"longer than a number in Xero \(255 characters\)\. Shorten it"):
        number_of(fields(number="new_theirs"), long)


def test_without_custom_fields_every_field_is_left_to_its_rule() -> None:
    made, a_line = invoice(custom={"new_a": "a"}), line(custom={"new_a": "a"})

    assert (reference_of(EMPTY, made), number_of(EMPTY, made), line_text_of(EMPTY, made, a_line)) == ("", "", "")
    assert due_on_of(EMPTY, made) is None
    assert (tracking_of(EMPTY, made, a_line), contact_fields_of(EMPTY, customer())) == ((), {})
    assert item_fields_of(EMPTY, product()) == {}


# -- lines -------------------------------------------------------------------------------------------------


def test_the_text_of_a_line_takes_columns_of_line_and_invoice() -> None:
    """Rule C33 stands back; line breaks stay where they were written."""
    custom = fields(line_description="{productname}  SN {new_serial}\n{invoice.name}")
    made = invoice(custom={"name": "Order"})

    found = line_text_of(custom, made, line(custom={"productname": "Chair", "new_serial": "1\n2"}))

    assert found == "Chair SN 1\n2\nOrder"
    assert line_text_of(custom, invoice(), line()) == ""


def test_a_long_text_of_a_line_is_cut_as_the_standard_one() -> None:
    """Rule C33: at most 4,000 characters, at a word."""
    found = line_text_of(fields(line_description="new_long"), invoice(), line(custom={"new_long": "word " * 1000}))

    assert len(found) <= 4000
    assert found.endswith("word…")


def test_tracking_comes_from_the_invoice_or_from_the_line() -> None:
    custom = fields(tracking={"Region": "new_region", "Sales Person": "line.new_person"})
    made = invoice(custom={"new_region": "North"})

    assert tracking_of(custom, made, line(custom={"new_person": "Ann"})) == (
        ("Region", "North"),
        ("Sales Person", "Ann"),
    )
    assert tracking_of(custom, made, line()) == tracking_of(custom, made, None) == (("Region", "North"),)


def test_tracking_is_sent_in_xeros_spelling() -> None:
    """Case and spaces do not count."""
    found = tracking_in_xero([("REGION", " far  EAST"), ("sales person", "ann")], TRACKING)

    assert found == (("Region", "Far East"), ("Sales Person", "Ann"))
    assert tracking_in_xero([], {}) == ()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            ("Region", "West"),
            "Xero's tracking category “Region” has no option “West”. "
            "Add it in Xero, or correct Region on the invoice.",
        ),
        (
            ("region", "South"),
            "The option “South” of Xero's tracking category “Region” is archived. "
            "Restore it in Xero, or correct Region on the invoice.",
        ),
        (("Branch", "A"), "Xero has no active tracking category “Branch”. Add it in Xero."),
    ],
)
def test_what_xero_lacks_fails_the_invoice_in_words(wanted: tuple[str, str], words: str) -> None:
    with pytest.raises(Unmappable) as refused:
        tracking_in_xero([("Region", "North"), wanted], TRACKING)

    assert str(refused.value) == words


# -- contacts and items ------------------------------------------------------------------------------------


def test_an_account_and_a_contact_have_their_own_columns() -> None:
    """Rule B2: what a new contact in Xero is made of."""
    custom = fields(contact={"TaxNumber": {"account": "new_vat", "contact": "new_taxid"}, "LastName": "{new_a} & Co"})

    account = customer(kind="account", custom={"new_vat": "GB 1", "new_taxid": "X", "new_a": "A"})
    contact = customer(kind="contact", custom={"new_taxid": "T-1"})

    assert contact_fields_of(custom, account) == {"LastName": "A & Co", "TaxNumber": "GB 1"}
    assert contact_fields_of(custom, contact) == {"TaxNumber": "T-1"}


def test_names_are_cut_and_numbers_are_whole_or_not_there() -> None:
    """Rule C21: half an address or number would be somebody else's."""
    custom = fields(contact=dict.fromkeys(["FirstName", "EmailAddress", "CompanyNumber", "TaxNumber"], "new_a"))

    assert contact_fields_of(custom, customer(custom={"new_a": "9" * 51})).keys() == {"FirstName", "EmailAddress"}
    assert contact_fields_of(custom, customer(custom={"new_a": "9" * 256})) == {"FirstName": "9" * 254 + "…"}


def test_an_item_takes_its_texts_from_the_product() -> None:
    """Rule C30: what a new item in Xero is made of."""
    custom = fields(item={"Name": "new_short", "PurchaseDescription": "{new_long}", "Description": "new_none"})

    found = item_fields_of(custom, product(custom={"new_short": "Chair\nblack " * 9, "new_long": "two\nlines"}))

    assert found.keys() == {"Name", "PurchaseDescription"}
    assert found["Name"].startswith("Chair black Chair")
    assert len(found["Name"]) <= 50
    assert found["PurchaseDescription"] == "two\nlines"


# -- what a read selects -----------------------------------------------------------------------------------


def test_nothing_more_is_selected_without_custom_fields() -> None:
    assert select(dynamics.INVOICE_SELECT, EMPTY, "invoice") == dynamics.INVOICE_SELECT
    assert expand(dynamics.INVOICE_EXPAND, EMPTY) == dynamics.INVOICE_EXPAND
    assert not needs_labels(EMPTY, lines=True)


def test_columns_are_selected_once_and_lookups_by_their_value() -> None:
    custom = kinds("invoice", new_po="text", name="text", new_boss="lookup", pricelevelid="lookup")

    added = select(dynamics.INVOICE_SELECT, custom, "invoice").removeprefix(dynamics.INVOICE_SELECT)

    assert added == ",_new_boss_value,new_po"


@pytest.mark.parametrize(
    ("table", "standard", "navigation"),
    [
        ("account", dynamics.INVOICE_EXPAND, "customerid_account"),
        ("contact", dynamics.INVOICE_EXPAND, "customerid_contact"),
        ("product", dynamics.LINE_EXPAND, "productid"),
    ],
)
def test_customers_and_products_come_with_their_columns(table: str, standard: str, navigation: str) -> None:
    head, opening, rest = standard.partition(f"{navigation}($select=")
    inner, closing, behind = rest.partition(")")

    found = expand(standard, kinds(table, new_vat="text", new_boss="lookup", description="text"))

    more = "_new_boss_value,new_vat" if table == "product" else "description,_new_boss_value,new_vat"
    assert found == f"{head}{opening}{inner},{more}{closing}{behind}"


@pytest.mark.parametrize(
    ("table", "kind", "of_invoices", "of_lines"),
    [
        ("invoice", "text", False, False),
        ("invoice", "label", True, False),
        ("account", "lookup", True, False),
        ("invoicedetail", "lookup", False, True),
        ("product", "label", False, True),
        ("product", "day", False, False),
    ],
)
def test_labels_are_asked_for_only_where_they_are_needed(
    table: str, kind: Kind, of_invoices: bool, of_lines: bool
) -> None:
    custom = kinds(table, new_a=kind)

    assert (needs_labels(custom, lines=False), needs_labels(custom, lines=True)) == (of_invoices, of_lines)


# -- values as people read them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "row", "text"),
    [
        ("text", {"new_a": " as  typed "}, " as  typed "),
        ("text", {"new_a": 7}, "7"),
        ("number", {"new_a": Decimal("100.0000")}, "100"),
        ("number", {"new_a": Decimal("1234.50")}, "1234.5"),
        ("number", {"new_a": Decimal("-0.00")}, "0"),
        ("number", {"new_a": 0}, "0"),
        ("label", {"new_a": 3, f"new_a{FORMATTED}": "Far East"}, "Far East"),
        ("label", {"new_a": "1,2", f"new_a{FORMATTED}": "A; B"}, "A; B"),
        ("label", {"new_a": 3}, None),
        ("label", {"new_a": False, f"new_a{FORMATTED}": "Nein"}, "Nein"),
        ("label", {"new_a": False}, "No"),
        ("label", {"new_a": True}, "Yes"),
        ("lookup", {"_new_a_value": "id", f"_new_a_value{FORMATTED}": "Ann Lee"}, "Ann Lee"),
        ("lookup", {"_new_a_value": "id"}, None),
        ("day", {"new_a": "2026-12-01"}, "2026-12-01"),
        ("day", {"new_a": "2026-12-01T00:00:00Z"}, "2026-12-01"),
        ("moment", {"new_a": "2026-12-01T23:30:00Z"}, "2026-12-01 23:30"),
        ("wall clock", {"new_a": "2026-12-01T23:30:00Z"}, "2026-12-01 23:30"),
        ("text", {"new_a": None}, None),
        ("text", {"new_a": ""}, None),
        ("text", {}, None),
    ],
)
def test_a_value_is_what_a_person_reads(kind: Kind, row: dict[str, Any], text: str | None) -> None:
    found = with_custom(invoice(), row, [line_row()], kinds("invoice", new_a=kind), LONDON)

    assert found.custom == ({} if text is None else {"new_a": text})


@pytest.mark.parametrize(
    ("zone", "kind", "text"),
    [
        (AUCKLAND, "moment", "2026-12-02 00:30"),
        (AUCKLAND, "wall clock", "2026-12-01 11:30"),
        (NEW_YORK, "moment", "2026-12-01 06:30"),
    ],
)
def test_a_moment_is_told_in_the_zone_of_the_connection(zone: ZoneInfo, kind: Kind, text: str) -> None:
    """One that Dynamics shows to everybody alike is left as it is."""
    row = {"new_a": "2026-12-01T11:30:00Z"}

    found = with_custom(invoice(), row, [line_row()], kinds("invoice", new_a=kind), zone)

    assert found.custom == {"new_a": text}


@pytest.mark.parametrize(
    ("stored", "zone"),
    [("2026-11-30T11:00:00Z", AUCKLAND), ("2026-12-01T05:00:00Z", NEW_YORK), ("2026-11-30T13:00:00Z", LONDON)],
)
def test_a_day_is_the_day_that_was_typed(stored: str, zone: ZoneInfo) -> None:
    """As rule C11 says of Date Delivered: a day stored as some zone's midnight."""
    found = with_custom(invoice(), {"new_a": stored}, [line_row()], kinds("invoice", new_a="day"), zone)

    assert due_on_of(fields(due_date="new_a"), found) == date(2026, 12, 1)


def test_invoice_customer_lines_and_products_each_have_their_own() -> None:
    custom = replace(
        EMPTY,
        kinds={
            "invoice": {"new_a": "text"},
            "account": {"new_a": "text"},
            "contact": {"new_a": "text"},
            "invoicedetail": {"new_a": "text"},
            "product": {"new_a": "text"},
        },
    )
    sold = line_row()["productid"] | {"new_a": "of the product"}
    lines = [
        line_row(productid=sold, new_a="of line 1"),
        line_row(invoicedetailid="line-2", lineitemnumber=2, productid=None, isproductoverridden=True),
    ]
    row = invoice_row(new_a="of the invoice", customerid_account=account_row(new_a="of the account"))

    found = with_custom(dynamics.to_invoice(row, lines), row, lines, custom, LONDON)

    assert found.custom == {"new_a": "of the invoice"}
    assert found.customer is not None
    assert found.customer.custom == {"new_a": "of the account"}
    assert [each.custom for each in found.lines] == [{"new_a": "of line 1"}, {}]
    assert [each.product.custom if each.product else None for each in found.lines] == [
        {"new_a": "of the product"},
        None,
    ]


def test_a_person_who_buys_has_the_columns_of_contacts() -> None:
    custom = replace(EMPTY, kinds={"account": {"new_vat": "text"}, "contact": {"new_taxid": "text"}})
    row = invoice_row(customerid_account=None, customerid_contact=contact_row(new_taxid="T-1", new_vat="no"))

    found = with_custom(dynamics.to_invoice(row, []), row, [], custom, LONDON)

    assert found.customer is not None
    assert found.customer.custom == {"new_taxid": "T-1"}


def test_a_changed_column_changes_the_fingerprint() -> None:
    """Of the invoice and of its lines; customers and products are copied once only (rules B2, B3)."""
    plain = invoice(line(custom={"new_a": "1"}), custom={"new_b": "1"})

    assert dynamics.fingerprint(plain) == dynamics.fingerprint(invoice(*plain.lines, custom={"new_b": "1"}))
    assert dynamics.fingerprint(plain) != dynamics.fingerprint(replace(plain, custom={"new_b": "2"}))
    assert dynamics.fingerprint(plain) != dynamics.fingerprint(replace(plain, lines=(line(custom={"new_a": "2"}),)))
    of_customer = replace(plain, customer=customer(custom={"new_c": "2"}))
    assert dynamics.fingerprint(plain) == dynamics.fingerprint(of_customer)
