"""An invoice → the document that is sent to Xero: its header, what is refused, and the bytes that go."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core import money
from core.invoice import Invoice
from mappers.basis import Unmappable
from mappers.xero import REFERENCE_MAX, check_choices, is_numbered_again, next_number, to_xero
from tests.unit.made import CONNECTION_ID, basis, chosen, invoice, line, mapped, product

D = Decimal
THEME = chosen("theme-1", name="Special Projects")


def bill(**different: Any) -> Invoice:
    return invoice(kind="Purchase Invoice", **different)


# -- the header --------------------------------------------------------------------------------------------


def test_the_plain_document() -> None:
    """Nothing is said that Xero would do by itself (rule C35)."""
    assert mapped(invoice()).as_payload() == {
        "Type": "ACCREC",
        "Contact": {"ContactID": "contact-1"},
        "Date": "2026-11-24",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": "GBP",
        "Status": "DRAFT",
        "Url": "https://contoso.example/invoice",
        "LineItems": [{"Description": "Work", "Quantity": D(1), "UnitAmount": D(10), "AccountCode": "200"}],
    }


@pytest.mark.parametrize(("kind", "sent"), [("Sales Invoice", "ACCREC"), ("Purchase Invoice", "ACCPAY")])
def test_the_type_is_the_invoice_type(kind: str, sent: str) -> None:
    """Rule C10."""
    assert mapped(invoice(kind=kind)).as_payload()["Type"] == sent


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Europe/Amsterdam"])
def test_the_date_is_the_one_that_was_typed(zone: str) -> None:
    """Rule C11: ten in the evening UTC is the next day's midnight in Amsterdam, wherever the connection is."""
    typed = invoice(delivered_at=datetime(2026, 6, 30, 22, tzinfo=UTC))

    assert mapped(typed, zone=ZoneInfo(zone)).as_payload()["Date"] == "2026-07-01"


@pytest.mark.parametrize(
    ("description", "reference"),
    [
        ("PO 99", "PO 99"),
        ("\n\n  PO 99  \nsecond line", "PO 99"),
        ("PO 99\r\nsecond", "PO 99"),
        ("", None),
        (" \n ", None),
        ("é" * 300, "é" * REFERENCE_MAX),
    ],
)
def test_the_reference_is_the_first_line_of_the_description(description: str, reference: str | None) -> None:
    """Rule C12; a bill has none."""
    assert mapped(invoice(description=description)).as_payload().get("Reference") == reference
    assert "Reference" not in mapped(bill(description=description)).as_payload()


def test_a_sales_invoice_is_numbered_by_xero_or_by_dynamics() -> None:
    """Rule B1."""
    assert "InvoiceNumber" not in mapped(invoice()).as_payload()
    assert mapped(invoice(), use_xero_number=False).as_payload()["InvoiceNumber"] == "INV-01000"


@pytest.mark.parametrize("use_xero_number", [True, False])
def test_a_bill_has_the_number_of_dynamics(use_xero_number: bool) -> None:
    """Rule C13: Xero numbers no bills."""
    assert mapped(bill(), use_xero_number=use_xero_number).as_payload()["InvoiceNumber"] == "INV-01000"


@pytest.mark.parametrize(
    ("number", "following"),
    [
        ("INV-1", "INV-1-2"),
        ("INV-1-2", "INV-1-3"),
        ("INV-1-9", "INV-1-10"),
        ("INV-1-10", "INV-1-11"),
        ("INV-1-1", "INV-1-2"),
        ("INV-1-02", "INV-1-2"),
        ("INV-1-", "INV-1-2"),
        ("INV-1-²", "INV-1-2"),
        ("INV-11-2", "INV-1-2"),
        ("", "INV-1-2"),
    ],
)
def test_a_used_number_is_followed_by_the_next_suffix(number: str, following: str) -> None:
    """Rule E8: "-2", "-3" …; anything else is not a number that we gave."""
    assert next_number(number, "INV-1") == following
    assert is_numbered_again(following, "INV-1")
    assert is_numbered_again(number, "INV-1") is (number in ("INV-1-2", "INV-1-9", "INV-1-10"))
    assert not is_numbered_again(number, "")


@pytest.mark.parametrize(
    ("made", "by_xero", "known", "sent"),
    [
        (invoice(), False, "INV-01000-2", "INV-01000-2"),
        (invoice(), False, "INV-0042", "INV-01000"),
        (invoice(), False, "", "INV-01000"),
        (invoice(), True, "INV-01000-2", None),
        (bill(), False, "INV-01000-2", "INV-01000"),
    ],
)
def test_the_known_number_counts_if_it_is_the_invoices_own_with_a_suffix(
    made: Invoice, by_xero: bool, known: str, sent: str | None
) -> None:
    """Rule E8: of sales invoices that the connector numbers."""
    mapped_with = basis(use_xero_number=by_xero)
    assert to_xero(made, contact_id="c", basis=mapped_with, url="u", known_number=known).number == sent


@pytest.mark.parametrize("made", [invoice(number=""), bill(number="")], ids=["sales", "bill"])
def test_without_the_number_that_is_wanted_there_is_no_document(made: Invoice) -> None:
    with pytest.raises(Unmappable, match="no Invoice ID in Dynamics"):
        mapped(made, use_xero_number=False)


@pytest.mark.parametrize("code", ["GBP", "JPY", "KWD"])
def test_the_currency_is_the_invoices_and_no_rate_is_sent(code: str) -> None:
    """Rule C14."""
    payload = mapped(invoice(currency=code)).as_payload()

    assert payload["CurrencyCode"] == code
    assert "CurrencyRate" not in payload


def test_a_currency_without_iso_code_has_no_document() -> None:
    """Rule C14: Xero would take its own base currency for the missing one."""
    with pytest.raises(Unmappable, match="no ISO code"):
        mapped(invoice(currency=""))


@pytest.mark.parametrize(
    ("chosen_type", "sent"), [("Exclusive", "Exclusive"), ("Inclusive", "Inclusive"), ("No Tax", "NoTax")]
)
def test_line_amount_types_in_xeros_words(chosen_type: str, sent: str) -> None:
    """Rule C15."""
    assert mapped(invoice(line_amount_types=chosen_type)).as_payload()["LineAmountTypes"] == sent


def test_a_branding_theme_goes_with_sales_alone() -> None:
    """Rule C16."""
    assert mapped(invoice(branding_theme=THEME)).as_payload()["BrandingThemeID"] == "theme-1"
    assert "BrandingThemeID" not in mapped(bill(branding_theme=THEME)).as_payload()
    assert "BrandingThemeID" not in mapped(invoice()).as_payload()


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "AUTHORISED"])
def test_the_status_is_the_one_of_the_settings(status: str) -> None:
    """Rule B5."""
    assert mapped(invoice(), status=status).as_payload()["Status"] == status
    assert mapped(bill(), status=status).as_payload()["Status"] == status


def test_a_document_is_a_draft_where_nobody_chose() -> None:
    """Rule C17."""
    assert mapped(invoice()).as_payload()["Status"] == "DRAFT"


def test_the_link_to_dynamics_is_in_every_document() -> None:
    """Rule C18: it carries the origin."""
    for made in (invoice(), bill()):
        assert mapped(made).as_payload()["Url"] == "https://contoso.example/invoice"


def test_without_a_date_there_is_no_document() -> None:
    with pytest.raises(Unmappable, match="Date Delivered is empty"):
        mapped(invoice(delivered_at=None))


# -- what was chosen (rule F4) -----------------------------------------------------------------------------


def test_choices_of_this_connection_that_are_in_use_are_fine() -> None:
    made = invoice(line(account="200", tax_type="OUTPUT2"), branding_theme=THEME)

    assert check_choices(made, CONNECTION_ID) == []


def test_a_choice_that_names_no_connection_is_taken_at_its_word() -> None:
    assert check_choices(invoice(line(account=chosen("200", connector_id=""))), CONNECTION_ID) == []


@pytest.mark.parametrize("column", ["account", "tax_type"])
def test_another_connections_choice_on_a_line_is_named(column: str) -> None:
    other = chosen("200", name="200 - Sales", connector_id="another")
    what = {"account": "Account code", "tax_type": "Tax type"}[column]

    assert check_choices(invoice(line(), line(text="Labour", **{column: other})), CONNECTION_ID) == [
        f"{what} of line “Labour”: “200 - Sales” belongs to another connection. Choose one of this connection."
    ]


@pytest.mark.parametrize("gone", [chosen("200", is_active=False), chosen("")], ids=["inactive", "without code"])
def test_a_choice_that_is_no_longer_in_use_is_named(gone: Any) -> None:
    assert check_choices(invoice(line(product=product(), account=gone)), CONNECTION_ID) == [
        f"Account code of line “Office chair”: “{gone.name}” is no longer in use. Choose another one."
    ]


def test_every_wrong_choice_is_named_at_once() -> None:
    other = chosen("200", connector_id="another")
    made = invoice(
        line(account=other, tax_type=other), branding_theme=chosen("theme", name="Old", connector_id="another")
    )

    problems = check_choices(made, CONNECTION_ID)

    assert [problem.split(":")[0] for problem in problems] == [
        "Branding theme",
        "Account code of line “Work”",
        "Tax type of line “Work”",
    ]


def test_what_does_not_go_cannot_be_wrong() -> None:
    """The theme of a bill, and what stands on the components of a bundle."""
    other = chosen("200", connector_id="another")

    assert check_choices(bill(branding_theme=other), CONNECTION_ID) == []
    assert check_choices(invoice(line(product_type=3, account=other)), CONNECTION_ID) == []


# -- the payload -------------------------------------------------------------------------------------------


def walk(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [found for inner in value.values() for found in walk(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in walk(inner)]
    return [value]


def test_the_payload_holds_no_none_and_no_float_and_is_written_exactly() -> None:
    made = invoice(line(price=D("0.10"), quantity=D("3.0000000000")), line(quantity=D(0), price=D(0)), freight=D(5))

    payload = mapped(made).as_payload()

    assert {type(value) for value in walk(payload)} <= {str, Decimal}
    assert b'"Quantity":3,"UnitAmount":0.1}' in money.dumps(payload)


@pytest.mark.parametrize(
    ("stored", "sent"),
    [("12.0000000000", "12"), ("1E+3", "1000"), ("0E-10", "0"), ("-0.00", "0"), ("2.50000", "2.5")],
)
def test_a_quantity_is_sent_without_the_zeros_that_dataverse_writes(stored: str, sent: str) -> None:
    """Xero takes 13 characters; 123.0000000000 has 14."""
    (only,) = mapped(invoice(line(product=product(), quantity=D(stored)))).as_payload()["LineItems"]

    assert f'"Quantity":{sent},'.encode() in money.dumps(only)


def test_the_same_invoice_gives_the_same_bytes() -> None:
    """An interrupted attempt is sent again by its hash."""
    assert money.dumps(mapped(invoice()).as_payload()) == money.dumps(mapped(invoice()).as_payload())
