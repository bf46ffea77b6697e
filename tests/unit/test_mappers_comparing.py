"""A document in Xero beside what Dynamics makes of its invoice: differences, hashes, updates (rule C61)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import columns
from core.ids import digest
from mappers.agreements import Agreement, document_hash, is_as_sent, mark_of, read_agreement
from mappers.comparing import WORDS_MAX, Difference, as_update, differences, in_words
from mappers.lines import XeroLine
from mappers.xero import XeroInvoice

CONTACT = "66666666-6666-4666-8666-666666666666"


def xero_line(text: str = "Work", price: str = "10.00", quantity: str = "1", **different: Any) -> XeroLine:
    made = {"line_id": text, "description": text, "quantity": Decimal(quantity), "unit_amount": Decimal(price)}
    return XeroLine(**{**made, "account_code": "200", **different})


NOTE = XeroLine("note", "By hand")
MAPPED = XeroInvoice(
    type="ACCREC",
    contact_id=CONTACT,
    dated=date(2026, 11, 24),
    due_on=date(2026, 12, 24),
    currency="GBP",
    status="DRAFT",
    url="https://contoso.crm4.dynamics.com/x",
    lines=(xero_line("Work"), xero_line("Travel", "5.00", "2"), NOTE),
    reference="PO 7",
)


def found_of(mapped: XeroInvoice, **different: Any) -> dict[str, Any]:
    """The document as a list shows it: numbers with other decimals, discounts as a rate, defaults filled in."""
    payload = mapped.as_payload()
    lines = []
    for number, sent in enumerate(payload["LineItems"]):
        line = {"LineItemID": f"line-{number}", "Tracking": [], "ValidationErrors": [], **sent}
        if "UnitAmount" in sent:
            discount = line.pop("DiscountAmount", Decimal(0))
            amount = round(sent["Quantity"] * sent["UnitAmount"] - discount, 2)
            line |= {
                "Quantity": sent["Quantity"].quantize(Decimal("1.0000")),
                "UnitAmount": sent["UnitAmount"].quantize(Decimal("1.0000")),
                "LineAmount": amount,
                "TaxAmount": round(amount / 5, 2),
                "TaxType": sent.get("TaxType", "OUTPUT2"),
                "AccountCode": sent.get("AccountCode", "200"),
            }
        lines.append(line)
    dates = {f"{name}String": f"{payload[name]}T00:00:00" for name in ("Date", "DueDate") if name in payload}
    named = {"InvoiceID": "invoice-1", "InvoiceNumber": "INV-0001", "BrandingThemeID": "theme", "Status": "DRAFT"}
    contact = {"ContactID": CONTACT, "Name": "Fourth Coffee"}
    shown = {**payload, **dates, **named, "Contact": contact, "LineItems": lines, "UpdatedDateUTC": "/Date(1+0000)/"}
    shown |= {"Date": "/Date(1795478400000+0000)/", "DueDate": "/Date(1798070400000+0000)/"}
    return {**shown, **different}


def words(mapped: XeroInvoice, found: dict[str, Any], **more: Any) -> list[str]:
    return [str(one) for one in differences(mapped, found, **more)]


def test_a_document_as_xero_shows_it_does_not_differ_from_what_was_sent() -> None:
    """Decimals, blanks, line ends, defaults: none of it is a difference."""
    found = found_of(MAPPED)
    found["LineItems"][0]["Description"] = "Work \r\n"

    assert differences(MAPPED, found) == []
    assert is_as_sent(found, mark_of(MAPPED))


HEADER = [
    ({"dated": date(2026, 11, 25)}, "Date: 24 Nov 2026 in Xero, 25 Nov 2026 in Dynamics"),
    ({"due_on": date(2026, 12, 1)}, "Due date: 24 Dec 2026 in Xero, 1 Dec 2026 in Dynamics"),
    ({"reference": "PO 8"}, "Reference: “PO 7” in Xero, “PO 8” in Dynamics"),
    ({"reference": None}, "Reference: “PO 7” in Xero, empty in Dynamics"),
    ({"currency": "EUR"}, "Currency: GBP in Xero, EUR in Dynamics"),
    ({"line_amount_types": "NoTax"}, "Line amount types: Exclusive in Xero, NoTax in Dynamics"),
    ({"type": "ACCPAY", "reference": None}, "Invoice type: sales invoice in Xero, bill in Dynamics"),
    ({"number": "A-1"}, "Number: “INV-0001” in Xero, “A-1” in Dynamics"),
    ({"theme_id": "other"}, "Branding theme: “theme” in Xero, “other” in Dynamics"),
    ({"contact_id": "new"}, "Customer: “Fourth Coffee” in Xero, “Adatum” in Dynamics"),
]


@pytest.mark.parametrize(("different", "said"), HEADER)
def test_what_differs_in_the_header_is_said_in_words(different: dict[str, Any], said: str) -> None:
    """Each field with both values."""
    assert words(replace(MAPPED, **different), found_of(MAPPED), customer="Adatum") == [said]


def test_what_is_not_sent_is_not_compared() -> None:
    """Xero's number, theme and due date stay; so do account and tax type of which nothing is known."""
    mapped = replace(MAPPED, due_on=None, lines=(xero_line(account_code=None),))
    found = found_of(replace(MAPPED, lines=(xero_line(account_code="400", tax_type="NONE"),)))

    assert differences(mapped, found) == []


def test_two_contacts_of_one_name_are_told_apart() -> None:
    """The name alone would say “Fourth Coffee in Xero, Fourth Coffee in Dynamics”."""
    (said,) = words(replace(MAPPED, contact_id="new"), found_of(MAPPED), customer="Fourth Coffee")

    assert said == "Customer: “Fourth Coffee” (another contact) in Xero, “Fourth Coffee” in Dynamics"


LINES = [
    (
        {"unit_amount": Decimal("12.5")},
        ["price: 10.00 in Xero, 12.50 in Dynamics", "amount: 10.00 in Xero, 12.50 in"],
    ),
    ({"quantity": Decimal("1.25")}, ["quantity: 1.00 in Xero, 1.25 in Dynamics", "amount: 10.00 in Xero, 12.50 in"]),
    ({"discount": Decimal("1")}, ["amount: 10.00 in Xero, 9.00 in Dynamics"]),
    ({"description": "Play"}, ["text: “Work” in Xero, “Play” in Dynamics"]),
    ({"item_code": "CHAIR"}, ["item code: empty in Xero, “CHAIR” in Dynamics"]),
    ({"account_code": "400"}, ["account code: “200” in Xero, “400” in Dynamics"]),
    ({"account_code": None, "given_account": "400"}, ["account code: “200” in Xero, “400” in Dynamics"]),
    ({"tax_type": "NONE"}, ["tax type: “OUTPUT2” in Xero, “NONE” in Dynamics"]),
    ({"given_tax_type": "NONE"}, ["tax type: “OUTPUT2” in Xero, “NONE” in Dynamics"]),
    ({"tracking": (("Region", "North"),)}, ["tracking: empty in Xero, “Region North” in Dynamics"]),
]


@pytest.mark.parametrize(("different", "said"), LINES)
def test_what_differs_on_a_line_is_said_with_the_line(different: dict[str, Any], said: list[str]) -> None:
    """The line by its place and text."""
    changed = replace(MAPPED, lines=(replace(MAPPED.lines[0], **different), *MAPPED.lines[1:]))

    found = words(changed, found_of(MAPPED))

    assert len(found) == len(said)
    for one, expected in zip(found, said, strict=True):
        assert one.startswith("Line 1 “")
        assert expected in one


def test_lines_are_recognised_whatever_is_added_removed_or_moved() -> None:
    """By content first, then by place: what only moved has not changed."""
    work, travel, note = MAPPED.lines
    found = found_of(MAPPED)

    added = words(replace(MAPPED, lines=(work, xero_line("Hotel", "80.00"), travel, note)), found)
    removed = words(replace(MAPPED, lines=(travel, note)), found)
    moved = words(replace(MAPPED, lines=(travel, work, note)), found)

    assert added == ["Line 2 “Hotel”: missing in Xero, 80.00 in Dynamics"]
    assert removed == ["Line “Work”: 10.00 in Xero, missing in Dynamics"]
    assert moved == ["Order of the lines: another one in Xero, that of the invoice in Dynamics"]


def test_half_a_cent_is_xeros_to_round() -> None:
    """2.5 × 0.01 less nothing: 0.02 and 0.03 are both roundings of it."""
    mapped = replace(MAPPED, lines=(xero_line(price="0.01", quantity="2.5"),))
    for amount in ("0.02", "0.03"):
        found = found_of(mapped)
        found["LineItems"][0]["LineAmount"] = Decimal(amount)
        assert differences(mapped, found) == []
    found["LineItems"][0]["LineAmount"] = Decimal("0.04")
    assert len(differences(mapped, found)) == 1


@given(st.permutations(range(5)), st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
def test_an_update_has_the_lines_of_dynamics_and_only_ids_of_lines_that_are_the_same(
    order: list[int], removed: set[int], changed: set[int]
) -> None:
    """Whatever was reordered, removed or changed: no id twice, none on a line whose money differs."""
    lines = tuple(xero_line(f"Line {n}", f"{n + 1}.00") for n in range(5))
    found = found_of(replace(MAPPED, lines=lines))
    now = tuple(
        replace(lines[n], unit_amount=Decimal("99.00")) if n in changed else lines[n]
        for n in order
        if n not in removed
    )

    update = as_update(replace(MAPPED, lines=now), found)

    ids = [line["LineItemID"] for line in update["LineItems"] if "LineItemID" in line]
    assert len(set(ids)) == len(ids)
    for line in update["LineItems"]:
        number = int(line["Description"].split()[1])
        assert line.get("LineItemID") == (None if number in changed else f"line-{number}")
    assert [line["Description"] for line in update["LineItems"]] == [line.description for line in now]


def test_an_update_names_its_invoice_and_the_status_that_was_read() -> None:
    """So that an approval meanwhile makes Xero refuse; Xero's own number is not sent."""
    update = as_update(MAPPED, found_of(MAPPED, Status="SUBMITTED"))

    assert (update["InvoiceID"], update["Status"]) == ("invoice-1", "SUBMITTED")
    assert "InvoiceNumber" not in update


def test_a_reference_that_was_cleared_is_sent_as_empty() -> None:
    """What is left out would stay."""
    assert as_update(replace(MAPPED, reference=None), found_of(MAPPED))["Reference"] == ""
    assert "Reference" not in as_update(replace(MAPPED, reference=None), found_of(MAPPED, Reference=None))


@pytest.mark.parametrize("different", [{"line_amount_types": "NoTax"}, {"currency": "EUR"}])
def test_all_lines_are_new_where_their_taxes_or_money_change(different: dict[str, Any]) -> None:
    """Nothing of what was computed for the old ones may stay."""
    update = as_update(replace(MAPPED, **different), found_of(MAPPED))

    assert not any("LineItemID" in line for line in update["LineItems"])


def test_a_text_alone_leaves_the_line_its_id() -> None:
    """Nothing that is computed depends on it."""
    changed = replace(MAPPED, lines=(replace(MAPPED.lines[0], description="Play"), *MAPPED.lines[1:]))

    assert [line.get("LineItemID") for line in as_update(changed, found_of(MAPPED))["LineItems"]] == [
        "line-0",
        "line-1",
        "line-2",
    ]


# -- what is remembered ------------------------------------------------------------------------------------


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    found = deepcopy(found_of(MAPPED))
    place: Any = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return found


BY_PEOPLE = [
    (("Reference",), "Mine"),
    (("DateString",), "2026-11-25T00:00:00"),
    (("DueDateString",), "2026-12-25T00:00:00"),
    (("CurrencyCode",), "EUR"),
    (("LineAmountTypes",), "Inclusive"),
    (("InvoiceNumber",), "X"),
    (("BrandingThemeID",), "other"),
    (("Contact", "ContactID"), "other"),
    (("LineItems", 0, "Description"), "Play"),
    (("LineItems", 0, "Quantity"), Decimal(2)),
    (("LineItems", 0, "UnitAmount"), Decimal(2)),
    (("LineItems", 0, "LineAmount"), Decimal(2)),
    (("LineItems", 0, "TaxAmount"), Decimal(0)),
    (("LineItems", 0, "ItemCode"), "CHAIR"),
    (("LineItems", 0, "AccountCode"), "400"),
    (("LineItems", 0, "TaxType"), "NONE"),
    (("LineItems", 0, "LineItemID"), "another"),
    (("LineItems", 0, "Tracking"), [{"Name": "Region", "Option": "North"}]),
    (("LineItems",), []),
]


@pytest.mark.parametrize(("path", "value"), BY_PEOPLE, ids=str)
def test_whatever_a_person_changes_shows(path: tuple[Any, ...], value: Any) -> None:
    """Each field that we own or send is in the hash."""
    assert document_hash(changed(path, value)) != document_hash(found_of(MAPPED))


NOT_A_CHANGE = [
    (("DateString",), None),
    (("DueDateString",), None),
    (("Status",), "AUTHORISED"),
    (("AmountPaid",), Decimal(3)),
    (("UpdatedDateUTC",), "/Date(99+0000)/"),
    (("SentToContact",), True),
    (("Contact", "Name"), "Renamed"),
    (("LineItems", 0, "UnitAmount"), Decimal(10)),
    (("LineItems", 0, "DiscountRate"), Decimal(0)),
    (("LineItems", 0, "Tracking"), None),
]


@pytest.mark.parametrize(("path", "value"), NOT_A_CHANGE, ids=str)
def test_what_is_nobodys_edit_does_not_show(path: tuple[Any, ...], value: Any) -> None:
    """Status, payments, times; another spelling of the same."""
    assert document_hash(changed(path, value)) == document_hash(found_of(MAPPED))


def test_a_document_is_as_we_left_it_by_its_hash_or_as_what_was_sent_last() -> None:
    """A write of ours that arrived unheard is ours; anything else is somebody's."""
    found, other = found_of(MAPPED), changed(("LineItems", 0, "LineAmount"), Decimal(2))

    assert Agreement(document=document_hash(found)).is_as_we_left_it(found)
    assert Agreement(document="x", sent=mark_of(MAPPED)).is_as_we_left_it(found)
    assert not Agreement(document=document_hash(found)).is_as_we_left_it(other)
    assert not Agreement(sent=mark_of(MAPPED)).is_as_we_left_it(other)
    assert not Agreement().is_as_we_left_it(found)


def test_what_the_row_says_is_read_as_it_was_written_and_fits_its_column() -> None:
    """No contents: three hashes and ids; what another version wrote says nothing of the document."""
    whole = Agreement(digest("a"), digest("b"), "11111111-1111-5111-8111-111111111111")
    length = next(each.max_length for each in columns.DETAILS.columns if each.name == "stl3_agreeddocument")

    assert read_agreement(whole.text) == whole
    assert len(whole.text) <= length
    assert read_agreement("") == Agreement()
    assert read_agreement(whole.text.replace("1:", "0:", 1)) == Agreement(connector_id=whole.connector_id)


def test_a_long_list_is_cut_with_the_number_of_what_is_left_out() -> None:
    """The remedy below it must still fit into the history."""
    many = [Difference(f"Line {n}", "x" * 80, "y" * 80) for n in range(100)]

    told = in_words(many)

    assert len(told) < WORDS_MAX + 300
    assert told.splitlines()[-1] == f"- and {100 - len(told.splitlines()) + 1} more"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("Reference",), "Mine"),
        (("DueDateString",), "2027-01-31T00:00:00"),
        (("InvoiceNumber",), "INV-0009"),
        (("BrandingThemeID",), "another"),
        (("LineItems", 0, "AccountCode"), "260"),
        (("LineItems", 0, "ItemCode"), "LAMP-03"),
        (("LineItems", 1, "Quantity"), Decimal(3)),
    ],
)
def test_an_update_is_known_again_by_all_that_it_leaves_in_the_document(path: tuple[Any, ...], value: Any) -> None:
    """Also by what it does not say, which stays as it was: number and theme here."""
    mark = mark_of(MAPPED, found_of(MAPPED))

    assert is_as_sent(found_of(MAPPED), mark)
    assert not is_as_sent(changed(path, value), mark)
