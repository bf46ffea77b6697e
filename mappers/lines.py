"""The lines of an invoice → the lines of its Xero document (rules C30 to C36, C39)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from core.books import Item
from core.invoice import Invoice, Line
from core.money import places_of, round_to
from mappers.basis import Basis, Unmappable
from mappers.custom_fields import line_text_of, tracking_in_xero, tracking_of
from mappers.texts import cut

DESCRIPTION_MAX, ITEM_CODE_MAX = 4000, 30
XERO_DECIMALS = 2  # of a line's amount, whatever the currency
PRICE_DECIMALS = 4  # of quantities and prices, with unitdp=4
QUANTITY_MAX = 13  # characters of a quantity
NO_TAX = "No Tax"


@dataclass(frozen=True, slots=True)
class XeroLine:
    """A line of the document; None is left out of it. `line_id` names the Dynamics line behind it; it is not sent.

    `given_account`, `given_tax_type`: what Xero gives the line by itself where it says none; not sent either.
    """

    line_id: str
    description: str
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    discount: Decimal | None = None
    item_code: str | None = None
    account_code: str | None = None
    tax_type: str | None = None
    tracking: tuple[tuple[str, str], ...] = ()
    given_account: str = field(default="", compare=False)
    given_tax_type: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Booking:
    """On which account and with which tax type a line is booked, and which of the two have to be said.

    What the item or the account gives by itself is not sent (rule C35); `tax_type` is empty where nobody knows.
    """

    account: str
    tax_type: str
    says_account: bool = True
    says_tax_type: bool = True

    @property
    def sent_account(self) -> str | None:
        return self.account or None if self.says_account else None

    @property
    def sent_tax_type(self) -> str | None:
        return self.tax_type or None if self.says_tax_type else None

    @property
    def given_account(self) -> str:
        return "" if self.says_account else self.account

    @property
    def given_tax_type(self) -> str:
        return "" if self.says_tax_type else self.tax_type


@dataclass(frozen=True, slots=True)
class Booked:
    """A line with an amount, how it is booked, and its net; discounts and freight follow these (rule C37)."""

    line: XeroLine
    booking: Booking
    net: Decimal


def to_line(line: Line, invoice: Invoice, basis: Basis) -> XeroLine | Booked:
    """Return the line of the document; a note has no booking. Raises Unmappable."""
    text = line_text_of(basis.custom, invoice, line) or description_of(line)
    net = line_net(line, invoice.currency_decimals)
    if line.is_write_in and not line.quantity and not net:
        return XeroLine(line.id, text)  # rule C32
    if not line.is_write_in and line.product is None:
        raise Unmappable(
            f"Line “{label(line)}” has no product. Choose a product, or make it a write-in product with a text."
        )
    item = basis.items.get(line.product.number) if line.product else None
    booking = _booking(line, invoice, basis, item)
    quantity, price, discount = _amounts(line, net, sales=invoice.is_sales)
    if quantity != line.quantity:
        text = text_with(text, line.quantity, line.price)
    made = XeroLine(
        line_id=line.id,
        description=text,
        quantity=bare(quantity),
        unit_amount=bare(price),
        discount=discount or None,
        item_code=item.code if item else None,
        account_code=booking.sent_account,
        tax_type=booking.sent_tax_type,
        tracking=tracking_in_xero(tracking_of(basis.custom, invoice, line), basis.tracking),
        given_account=booking.given_account,
        given_tax_type=booking.given_tax_type,
    )
    return Booked(made, booking, net)


def line_net(line: Line, decimals: int) -> Decimal:
    """Return what the line asks for without its tax (rule C36): Dynamics' own figure wins.

    The extended amount less the tax is base less manual discount, also where discounts are typed per unit.
    """
    if line.extended_amount is not None:
        return round_to(line.extended_amount - line.tax, decimals)
    base = round_to(line.quantity * (line.price - line.volume_discount), decimals)
    return round_to(base - line.manual_discount, decimals)


def description_of(line: Line) -> str:
    """Rule C33: the product's name, the line's text below it, cut at a word."""
    parts = (line.product.name if line.product else line.text, line.description)
    return cut("\n".join(part.strip() for part in parts if part.strip()) or "-", DESCRIPTION_MAX)


def text_with(text: str, quantity: Decimal, price: Decimal) -> str:
    """Return the text of a line that has quantity 1 instead: with the quantity and price that it had (rule C39)."""
    kept = f"\n{_plain(quantity)} × {_plain(price)}"
    return cut(text, DESCRIPTION_MAX - len(kept)) + kept


def label(line: Line) -> str:
    """Return what a person recognises the line by."""
    return (line.product.name if line.product else line.text)[:60].strip() or "without a name"


def _booking(line: Line, invoice: Invoice, basis: Basis, item: Item | None) -> Booking:
    side = item.side(sales=invoice.is_sales) if item else None
    account, says_account = line.account.code if line.account else "", True
    if not account and side and side.account:
        account, says_account = side.account, False
    account = account or basis.default_account(sales=invoice.is_sales)
    if not account:
        kind = "sales" if invoice.is_sales else "purchase"
        raise Unmappable(f"Line “{label(line)}”: no account. Set a default {kind} account code in the settings.")
    if invoice.line_amount_types == NO_TAX:
        return Booking(account, "", says_account)
    if line.tax_type is not None:
        return Booking(account, line.tax_type.code, says_account)
    given = (side.tax_type if side else "") or basis.tax_type_of(account)
    return Booking(account, given, says_account, says_tax_type=False)


def _amounts(line: Line, net: Decimal, *, sales: bool) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity, price and discount by which Xero arrives at `net`; as typed wherever that is possible."""
    quantity, price = line.quantity, line.price
    gross = round_to(quantity * price, XERO_DECIMALS)
    discount = gross - round_to(net, XERO_DECIMALS)
    fits = max(places_of(quantity), places_of(price)) <= PRICE_DECIMALS and len(_plain(quantity)) <= QUANTITY_MAX
    # Not above the gross as it is before rounding: what is left must not be below nothing.
    discountable = sales and 0 < discount <= quantity * price
    if fits and (not discount or discountable):
        return quantity, price, discount
    # Bills take no discounts, and a net above quantity × price has none that explains it.
    if fits and quantity:
        each = round_to(net / quantity, PRICE_DECIMALS)
        if each * quantity == net:
            return quantity, each, Decimal(0)
    return Decimal(1), round_to(net, min(places_of(net), PRICE_DECIMALS)), Decimal(0)  # rule C39


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def bare(number: Decimal) -> Decimal:
    """Dataverse writes 12 as 12.0000000000, which is longer than Xero takes."""
    return Decimal(_plain(number)) if number else Decimal(0)
