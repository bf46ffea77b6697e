"""An invoice → the document that is sent to Xero: header, texts, accounts, and the way an origin travels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money
from core.books import Books, Item
from core.invoice import Invoice
from core.preferences import Preferences
from mappers.xero import (
    DESCRIPTION_MAX,
    REFERENCE_MAX,
    Origin,
    Unmappable,
    XeroInvoice,
    find_origin,
    invoice_link,
    origin_url,
    to_xero,
)
from tests.unit.made import INVOICE_ID, ORGANIZATION_ID, books, invoice, line, product

LONDON = ZoneInfo("Europe/London")
PLAIN = Preferences()
ORIGIN = Origin(ORGANIZATION_ID, INVOICE_ID)


def mapped(
    made: Invoice,
    *,
    preferences: Preferences = PLAIN,
    zone: ZoneInfo = LONDON,
    items: dict[str, Item] | None = None,
    kept: Books | None = None,
) -> XeroInvoice:
    return to_xero(
        made,
        contact_id="contact-1",
        books=kept or books(),
        items=items or {},
        preferences=preferences,
        zone=zone,
        url="https://contoso.example/invoice",
    )


# -- the header --------------------------------------------------------------------------------------------


def test_the_plain_document() -> None:
    assert mapped(invoice()).as_payload() == {
        "Type": "ACCREC",
        "Contact": {"ContactID": "contact-1"},
        "Date": "2026-11-24",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": "GBP",
        "Status": "DRAFT",
        "Url": "https://contoso.example/invoice",
        "LineItems": [
            {
                "Description": "Work",
                "Quantity": Decimal(1),
                "UnitAmount": Decimal("10.00"),
                "AccountCode": "200",
                "TaxType": "ZERORATED",
            }
        ],
    }


def test_the_date_is_the_one_that_was_typed() -> None:
    """Rule C11: half past ten in the evening UTC is the next day's midnight in Amsterdam."""
    typed = invoice(delivered_at=datetime(2026, 6, 30, 22, tzinfo=UTC))

    assert mapped(typed).dated == date(2026, 7, 1)
    assert mapped(typed, zone=ZoneInfo("America/New_York")).dated == date(2026, 7, 1)
    assert mapped(typed, zone=ZoneInfo("Europe/Amsterdam")).dated == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("different", "status", "due"),
    [
        ({"due_on": date(2026, 12, 1), "terms": 1}, "DRAFT", "2026-12-01"),
        ({"due_on": date(2026, 12, 1), "terms": 1}, "AUTHORISED", "2026-12-01"),
        ({"terms": 1}, "DRAFT", "2026-12-24"),
        ({"terms": 2}, "DRAFT", "2026-12-24"),
        ({"terms": 3}, "DRAFT", "2027-01-08"),
        ({"terms": 4}, "DRAFT", "2027-01-23"),
        ({"terms": 5}, "DRAFT", None),
        ({}, "DRAFT", None),
        ({}, "SUBMITTED", "2026-11-24"),
        ({}, "AUTHORISED", "2026-11-24"),
    ],
)
def test_the_due_date_by_date_terms_or_status(different: dict[str, Any], status: str, due: str | None) -> None:
    payload = mapped(invoice(**different), preferences=Preferences(status=status)).as_payload()

    assert payload.get("DueDate") == due
    assert payload["Status"] == status


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
    assert mapped(invoice(description=description)).as_payload().get("Reference") == reference


def test_the_number_is_xeros_or_dynamics() -> None:
    """Rule B1."""
    assert "InvoiceNumber" not in mapped(invoice()).as_payload()
    numbered = mapped(invoice(), preferences=Preferences(use_xero_number=False)).as_payload()
    assert numbered["InvoiceNumber"] == "INV-01000"


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"kind": "Purchase Invoice"}, "purchase invoice"),
        ({"line_amount_types": "Inclusive"}, "line amount type is Inclusive"),
        ({"line_amount_types": "No Tax"}, "line amount type is No Tax"),
        ({"discount": Decimal(1)}, "a discount on the whole invoice"),
        ({"discount_percentage": Decimal("0.5")}, "a discount on the whole invoice"),
        ({"freight": Decimal(5)}, "freight"),
        ({"branding_theme_id": "theme"}, "branding theme"),
        ({"lines": (line(quantity=Decimal(-1)),)}, "negative quantity"),
        ({"delivered_at": None}, "Date Delivered is empty"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(different: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unmappable, match=reason):
        mapped(invoice(**different))


def test_everything_that_is_not_understood_is_named_at_once() -> None:
    with pytest.raises(Unmappable, match=r"purchase invoice; .*; it has freight"):
        mapped(invoice(kind="Purchase Invoice", discount=Decimal(1), freight=Decimal(1)))


# -- lines -------------------------------------------------------------------------------------------------


def test_account_and_tax_come_from_the_line_then_the_item_then_the_settings_then_the_books() -> None:
    chair = line(product=product())
    item, bare = Item("CHAIR-01", "400", "OUTPUT2"), Item("CHAIR-01")
    chosen = Preferences(sales_account="400")

    def booked(made: Any, **kwargs: Any) -> tuple[str | None, str | None, str | None]:
        (only,) = mapped(invoice(made), **kwargs).lines
        return only.item_code, only.account_code, only.tax_type

    named = replace(chair, account_code="999", tax_type="NONE")
    assert booked(named, items={"CHAIR-01": item}) == ("CHAIR-01", "999", "NONE")
    assert booked(chair, items={"CHAIR-01": item}) == ("CHAIR-01", "400", "OUTPUT2")
    assert booked(chair, items={"CHAIR-01": bare}, preferences=chosen) == ("CHAIR-01", "400", "OUTPUT2")
    assert booked(chair, items={"CHAIR-01": bare}) == ("CHAIR-01", "200", "ZERORATED")
    assert booked(chair) == (None, "200", "ZERORATED")
    assert booked(replace(chair, account_code="999")) == (None, "999", None)


def test_the_default_account_is_the_lowest_active_sales_account() -> None:
    assert books().default_sales_account() == "200"
    assert books(accounts={}).default_sales_account() == ""
    with pytest.raises(Unmappable, match="“Work”: no account"):
        mapped(invoice(), kept=books(accounts={}))


def test_a_write_in_without_quantity_and_amount_is_a_note() -> None:
    """Rule C32; a note goes with its text alone."""
    note = line(text="Thank you", quantity=Decimal(0), price=Decimal(0))

    (sent,) = mapped(invoice(note)).as_payload()["LineItems"]

    assert sent == {"Description": "Thank you"}


def test_a_product_without_quantity_is_no_note() -> None:
    (sent,) = mapped(invoice(line(product=product(), quantity=Decimal(0)))).lines

    assert (sent.quantity, sent.account_code) == (Decimal(0), "200")


def test_components_of_a_bundle_are_left_out_and_lines_keep_their_ids() -> None:
    lines = [line(id="a", product_type=2), line(id="b", product_type=3), line(id="c")]

    document = mapped(invoice(*lines))

    assert document.line_ids == ("a", "c")
    assert len(document.lines) == 2


# -- texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (line(text="Work", description="on site"), "Work\non site"),
        (line(text=" Work ", description=" "), "Work"),
        (line(text="", description="on site"), "on site"),
        (line(text="", description=""), "-"),
        (line(product=product(name="Chair"), text="ignored", description="black"), "Chair\nblack"),
    ],
)
def test_the_text_is_the_products_name_and_the_lines_own_words(made: Any, text: str) -> None:
    """Xero refuses a line without any."""
    assert mapped(invoice(made)).lines[0].description == text


def test_a_long_text_is_cut_after_a_word() -> None:
    text = "word " * 900

    sent = mapped(invoice(line(text=text))).lines[0].description

    assert len(sent) <= DESCRIPTION_MAX
    assert len(sent) > DESCRIPTION_MAX - 10
    assert sent.endswith("word…")


def test_a_text_that_fits_exactly_is_whole_and_a_word_that_ends_at_the_limit_stays() -> None:
    whole = "x" * DESCRIPTION_MAX
    ends = "a " + "b" * (DESCRIPTION_MAX - 53) + " " + "c" * 49 + " and more"

    assert mapped(invoice(line(text=whole))).lines[0].description == whole
    assert mapped(invoice(line(text=ends))).lines[0].description == ends[: DESCRIPTION_MAX - 1].rstrip() + "…"


def test_one_endless_word_is_cut_within_it_and_not_thrown_away() -> None:
    """A pasted link or base64 has no spaces; what stands before it must not be all that is left."""
    sent = mapped(invoice(line(text="See", description="x" * 5000))).lines[0].description

    assert len(sent) == DESCRIPTION_MAX
    assert sent.startswith("See\nxxx")


@given(text=st.text(alphabet=st.sampled_from("ab é😀\n\t"), min_size=3990, max_size=4100))
def test_any_text_is_a_beginning_of_itself_within_the_limit(text: str) -> None:
    sent = mapped(invoice(line(text=text))).lines[0].description

    assert 1 <= len(sent) <= DESCRIPTION_MAX
    stripped = text.strip()
    if len(stripped) > DESCRIPTION_MAX:
        assert sent.endswith("…")
        assert stripped.startswith(sent[:-1])
    else:
        assert sent == (stripped or "-")


# -- the origin --------------------------------------------------------------------------------------------


def test_an_origin_travels_in_the_url_and_comes_back() -> None:
    url = origin_url("https://contoso.crm4.dynamics.com", ORIGIN)

    assert url == (
        "https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=invoice"
        f"&id={INVOICE_ID}#{ORGANIZATION_ID}"
    )
    assert find_origin({"Url": url}) == ORIGIN


@given(organization=st.uuids(), invoice_id=st.uuids())
def test_every_origin_comes_back_in_lower_case(organization: Any, invoice_id: Any) -> None:
    origin = Origin(str(organization).upper(), str(invoice_id).upper())

    found = find_origin({"Url": origin_url("https://a.example", origin)})

    assert found == Origin(str(organization), str(invoice_id))


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://shop.example/orders/1",
        "https://shop.example/orders/1#paid",
        f"https://contoso.example/main.aspx?etn=invoice&id={INVOICE_ID}",
        f"https://contoso.example/main.aspx?etn=account&id={INVOICE_ID}#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx?etn=invoice&id={INVOICE_ID}#notes",
        f"https://contoso.example/main.aspx?etn=invoice&id=7#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx?etn=invoice&id=#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx?etn=invoice#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx#{ORGANIZATION_ID}",
        "http://[nowhere",
        "https://[::1/#x",
    ],
)
def test_a_foreign_url_has_no_origin(url: str | None) -> None:
    """What lacks our origin is never adopted or changed, whatever somebody wrote there."""
    assert find_origin({"Url": url}) is None
    assert find_origin({}) is None


@given(url=st.text(max_size=60))
def test_no_text_in_a_url_breaks_the_search(url: str) -> None:
    assert find_origin({"Url": url}) is None


def test_the_link_opens_the_invoice_in_its_organisation() -> None:
    assert invoice_link("!abc", "id-1") == (
        "https://go.xero.com/organisationlogin/default.aspx?shortcode=%21abc"
        "&redirecturl=%2FAccountsReceivable%2FView.aspx%3FInvoiceID%3Did-1"
    )


# -- the payload -------------------------------------------------------------------------------------------


def walk(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [found for inner in value.values() for found in walk(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in walk(inner)]
    return [value]


def test_the_payload_holds_no_none_and_no_float_and_is_written_exactly() -> None:
    made = invoice(
        line(price=Decimal("0.10"), quantity=Decimal("3.00000")), line(quantity=Decimal(0), price=Decimal(0))
    )

    payload = mapped(made).as_payload()

    assert {type(value) for value in walk(payload)} <= {str, Decimal}
    assert b'"Quantity":3.00000,"TaxType":"ZERORATED","UnitAmount":0.10' in money.dumps(payload)


def test_the_same_invoice_gives_the_same_bytes() -> None:
    """An interrupted attempt is sent again by its hash."""
    assert money.dumps(mapped(invoice()).as_payload()) == money.dumps(mapped(invoice()).as_payload())
