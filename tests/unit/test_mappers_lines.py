"""The lines of an invoice → the lines of its document: items, notes, texts, accounts, tax types, amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.books import Account, Item, Side
from core.invoice import Line
from core.money import round_to
from mappers.basis import Unmappable
from mappers.lines import DESCRIPTION_MAX, XeroLine, line_net
from mappers.texts import width
from tests.unit.arithmetic import decimal, line_amount
from tests.unit.made import books, invoice, line, mapped, product

D = Decimal
CHAIR = Item("Chair-01", Side("400", "OUTPUT2"), Side("310", "INPUT2"))
BARE = Item("Chair-01")


def sent(made: Line, *, decimals: int = 2, kind: str = "Sales Invoice", **different: Any) -> XeroLine:
    """Return the line of an invoice that has this one alone."""
    (only,) = mapped(invoice(made, currency_decimals=decimals, kind=kind), **different).lines
    return only


def booked(made: Line, *, kind: str = "Sales Invoice", **different: Any) -> tuple[str | None, str | None, str | None]:
    only = sent(made, kind=kind, **different)
    return only.item_code, only.account_code, only.tax_type


def amount_of(each: XeroLine) -> Decimal:
    """What Xero calculates."""
    said = {"Quantity": each.quantity, "UnitAmount": each.unit_amount, "DiscountAmount": each.discount or D(0)}
    return decimal(line_amount(said), 2)


# -- items, write-ins, notes -------------------------------------------------------------------------------


def test_a_product_goes_by_its_item_in_xeros_spelling() -> None:
    """Rule C30."""
    assert sent(line(product=product()), items={"CHAIR-01": BARE}).item_code == "Chair-01"
    assert sent(line(product=product())).item_code is None


def test_a_write_in_is_a_plain_line_with_its_text() -> None:
    """Rule C31."""
    only = sent(line(text="Labour"), items={"CHAIR-01": BARE})

    assert (only.item_code, only.description, only.account_code) == (None, "Labour", "200")


@pytest.mark.parametrize(
    "note",
    [
        line(text="Thank you", quantity=D(0), price=D(0)),
        line(text="Thank you", quantity=D(0), price=D(7), account="400", tax_type="OUTPUT2"),
    ],
)
def test_a_write_in_without_quantity_and_amount_is_a_note(note: Line) -> None:
    """Rule C32; a note goes with its text alone, or Xero would make a priced line of it."""
    (only,) = mapped(invoice(note)).as_payload()["LineItems"]

    assert only == {"Description": "Thank you"}


def test_a_product_without_quantity_is_no_note() -> None:
    only = sent(line(product=product(), quantity=D(0)))

    assert (only.quantity, only.account_code) == (D(0), "200")


def test_a_write_in_that_costs_nothing_is_no_note() -> None:
    assert sent(line(price=D(0))).quantity == D(1)


def test_what_was_given_without_quantity_keeps_its_amount() -> None:
    """A credit typed as a discount on nothing."""
    only = sent(line(quantity=D(0), price=D(0), manual_discount=D(5)))

    assert (only.quantity, only.unit_amount, only.discount) == (D(1), D(-5), None)


@pytest.mark.parametrize("kind", [3, 4])
def test_components_of_a_bundle_are_left_out_and_lines_keep_their_ids(kind: int) -> None:
    """Rule C38: the bundle's own line has the price."""
    lines = [line(id="a", product=product(), product_type=2), line(id="b", product_type=kind), line(id="c")]

    document = mapped(invoice(*lines))

    assert document.line_ids == ("a", "c")


def test_a_line_that_lost_its_product_says_what_to_do() -> None:
    lost = line(is_write_in=False, text="")

    with pytest.raises(Unmappable, match=r"Line “without a name” has no product\. Choose a product"):
        mapped(invoice(lost))


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
def test_the_text_is_the_products_name_and_the_lines_own_words(made: Line, text: str) -> None:
    """Rule C33; Xero refuses a line without any."""
    assert sent(made).description == text


def test_a_long_text_is_cut_after_a_word() -> None:
    """Rule C33."""
    text = sent(line(text="word " * 900)).description

    assert DESCRIPTION_MAX - 10 < len(text) <= DESCRIPTION_MAX
    assert text.endswith("word…")


def test_a_text_that_fits_exactly_is_whole_and_a_word_that_ends_at_the_limit_stays() -> None:
    whole = "x" * DESCRIPTION_MAX
    ends = "a " + "b" * (DESCRIPTION_MAX - 53) + " " + "c" * 49 + " and more"

    assert sent(line(text=whole)).description == whole
    assert sent(line(text=ends)).description == ends[: DESCRIPTION_MAX - 1].rstrip() + "…"


def test_one_endless_word_is_cut_within_it_and_not_thrown_away() -> None:
    """A pasted link or base64 has no spaces; what stands before it must not be all that is left."""
    text = sent(line(text="See", description="x" * 5000)).description

    assert len(text) == DESCRIPTION_MAX
    assert text.startswith("See\nxxx")


@given(text=st.text(alphabet=st.sampled_from("ab é😀\n\t"), min_size=3990, max_size=4100))
def test_any_text_is_a_beginning_of_itself_within_the_limit(text: str) -> None:
    made = sent(line(text=text)).description

    assert 1 <= width(made) <= DESCRIPTION_MAX
    stripped = text.strip()
    if width(stripped) > DESCRIPTION_MAX:
        assert made.endswith("…")
        assert stripped.startswith(made[:-1])
    else:
        assert made == (stripped or "-")


# -- accounts and tax types --------------------------------------------------------------------------------


def test_the_account_is_the_lines_then_the_items_then_the_settings_then_the_books() -> None:
    """Rule C34: what the item gives by itself is not said."""
    chair = line(product=product())
    items = {"CHAIR-01": CHAIR}

    assert booked(line(product=product(), account="999"), items=items) == ("Chair-01", "999", None)
    assert booked(chair, items=items, sales_account="260") == ("Chair-01", None, None)
    assert booked(chair, items={"CHAIR-01": BARE}, sales_account="260") == ("Chair-01", "260", None)
    assert booked(chair, items={"CHAIR-01": BARE}) == ("Chair-01", "200", None)
    assert booked(chair) == (None, "200", None)


def test_the_tax_type_is_said_only_where_a_person_chose_it() -> None:
    """Rule C35: else Xero takes the item's, then the account's."""
    chair = line(product=product(), tax_type="NONE")

    assert booked(chair, items={"CHAIR-01": CHAIR}) == ("Chair-01", None, "NONE")
    assert booked(line(account="999", tax_type="NONE")) == (None, "999", "NONE")
    assert booked(line(account="999")) == (None, "999", None)


def test_an_invoice_without_tax_names_no_tax_type() -> None:
    """Rule C35."""
    made = invoice(line(tax_type="OUTPUT2"), line(), line_amount_types="No Tax", freight=D(5), discount=D(1))

    assert {each.tax_type for each in mapped(made).lines} == {None}


@pytest.mark.parametrize(
    ("codes", "lowest"),
    [(["1000", "200"], "200"), (["A1", "900"], "900"), (["B", "A"], "A"), (["0200", "201"], "0200")],
)
def test_the_lowest_code_is_the_lowest_number(codes: list[str], lowest: str) -> None:
    """Rules B6 and B7."""
    accounts = {code: Account(code, "SALES", "NONE") for code in codes}

    assert books(accounts=accounts).default_account(sales=True) == lowest


def test_the_default_sales_account_is_the_lowest_active_one() -> None:
    """Rule B6: or the one of the settings."""
    assert sent(line()).account_code == "200"
    assert sent(line(), sales_account="260").account_code == "260"
    assert sent(line(), purchase_account="429").account_code == "200"


def test_without_any_account_the_line_and_the_setting_are_named() -> None:
    """Rule B6."""
    with pytest.raises(Unmappable, match=r"Line “Work”: no account\. Set a default sales account code"):
        sent(line(), books=books(accounts={}))


# -- amounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "decimals", "expected"),
    [
        (line(quantity=D(3), price=D("10.00"), manual_discount=D("5.00")), 2, (D(3), D("10.00"), D("5.00"))),
        (line(quantity=D(3), price=D("10.00"), volume_discount=D(1)), 2, (D(3), D("10.00"), D("3.00"))),
        (line(quantity=D(3), price=D("10.00"), extended_amount=D("29.99")), 2, (D(3), D("10.00"), D("0.01"))),
        # Dynamics rounded a tie down, or up where quantity × price does not explain it
        (line(quantity=D(1), price=D("0.125"), extended_amount=D("0.12")), 2, (D(1), D("0.125"), D("0.01"))),
        (line(quantity=D(1), price=D("0.124"), extended_amount=D("0.13")), 2, (D(1), D("0.13"), None)),
        # yen have no cents, but Xero calculates some
        (line(quantity=D(3), price=D("10.50"), extended_amount=D(32)), 0, (D(1), D(32), None)),
        (line(quantity=D(3), price=D("10.40"), extended_amount=D(31)), 0, (D(3), D("10.40"), D("0.20"))),
        # a third decimal is more than Xero has
        (line(quantity=D(1), price=D("1.234"), extended_amount=D("1.234")), 3, (D(1), D("1.234"), None)),
        # everything given away
        (line(quantity=D(2), price=D("5.00"), manual_discount=D("10.00")), 2, (D(2), D("5.00"), D("10.00"))),
        # a discount that rounding alone puts above the line: Xero refuses it
        (line(quantity=D(1), price=D("27.826"), manual_discount=D("27.83")), 2, (D(1), D(0), None)),
        # more than everything
        (line(quantity=D(2), price=D("5.00"), manual_discount=D("11.00")), 2, (D(2), D("-0.50"), None)),
        (line(quantity=D(3), price=D("5.00"), manual_discount=D("16.00")), 2, (D(1), D("-1.00"), None)),
        # credits: their signs stay
        (line(quantity=D(-2), price=D("5.00")), 2, (D(-2), D("5.00"), None)),
        (line(quantity=D(-2), price=D("5.00"), extended_amount=D("-9.00")), 2, (D(-2), D("4.50"), None)),
        (line(quantity=D(-3), price=D("5.00"), extended_amount=D("-10.00")), 2, (D(1), D("-10.00"), None)),
        (line(quantity=D(2), price=D("-5.00")), 2, (D(2), D("-5.00"), None)),
    ],
)
def test_quantity_price_and_discount_are_those_by_which_xero_arrives_at_the_net(
    made: Line, decimals: int, expected: tuple[Decimal, Decimal, Decimal | None]
) -> None:
    """Rule C36: as typed wherever that is possible."""
    each = sent(made, decimals=decimals)

    assert (each.quantity, each.unit_amount, each.discount) == expected
    assert amount_of(each) == round_to(line_net(made, decimals), 2)


@pytest.mark.parametrize(
    ("made", "expected", "kept"),
    [
        (line(quantity=D(3), price=D("0.12345")), (D(1), D("0.37")), "3 × 0.12345"),
        (line(quantity=D(2), price=D("0.12345")), (D(1), D("0.25")), "2 × 0.12345"),
        (line(quantity=D("0.33333"), price=D(3)), (D(1), D("1.00")), "0.33333 × 3"),
        (line(quantity=D("1000000000.5"), price=D("0.0100")), (D("1000000000.5"), D("0.01")), None),
        (line(quantity=D("10000000000.25"), price=D("0.0100")), (D(1), D("100000000.00")), "10000000000.25 × 0.01"),
        (line(quantity=D("2.50000"), price=D("1.10000")), (D("2.5"), D("1.1")), None),
        (line(quantity=D(1), price=D("0.12345")), (D(1), D("0.12")), None),
        (line(quantity=D(4), price=D("0.12500")), (D(4), D("0.125")), None),
    ],
)
def test_what_xero_cannot_hold_goes_as_one_piece_with_its_amount(
    made: Line, expected: tuple[Decimal, Decimal], kept: str | None
) -> None:
    """Rule C39: quantity and price stay in the text."""
    each = sent(made)

    assert (each.quantity, each.unit_amount, each.discount) == (*expected, None)
    assert each.description == (f"Work\n{kept}" if kept else "Work")
    assert amount_of(each) == line_net(made, 2)


def test_a_long_text_leaves_room_for_the_quantity_that_it_keeps() -> None:
    """Rule C39."""
    each = sent(line(text="word " * 900, quantity=D("0.33333"), price=D(3)))

    assert len(each.description) <= DESCRIPTION_MAX
    assert each.description.endswith("word…\n0.33333 × 3")


def test_dynamics_own_extended_amount_wins() -> None:
    """Rule C36: it contains the tax, and the discount however that was typed."""
    assert line_net(line(extended_amount=D("7.77"), tax=D("0.07"), manual_discount=D(99)), 2) == D("7.70")
    assert line_net(line(quantity=D(3), price=D(2), volume_discount=D("0.5")), 2) == D("4.50")
    assert line_net(line(quantity=D(1), price=D("10.5")), 0) == D(11)


def test_a_currency_with_more_decimals_than_a_price_in_xero_is_cut_to_that() -> None:
    each = sent(line(quantity=D(3), price=D("0.1234567"), extended_amount=D("0.370370")), decimals=6)

    assert (each.quantity, each.unit_amount) == (D(1), D("0.3704"))
