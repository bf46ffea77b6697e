"""An invoice → the Xero document that is sent (rules C10 to C36, the plain case), and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields, post_dump

from core import gates
from core.books import Books, Item
from core.invoice import Invoice, Line
from core.money import places_of, round_to
from core.preferences import Preferences

XERO_LOGIN_PAGE = "https://go.xero.com/organisationlogin/default.aspx"
DESCRIPTION_MAX, REFERENCE_MAX, ITEM_CODE_MAX = 4000, 255, 30
WORD_MAX = 100
XERO_DECIMALS = 2  # of a line's amount, whatever the currency
PRICE_DECIMALS = 4  # of quantities and prices, with unitdp=4
TERM_DAYS = {1: 30, 2: 30, 3: 45, 4: 60}  # invoice.paymenttermscode: Net 30, 2% 10 Net 30, Net 45, Net 60


class Unmappable(Exception):
    """The invoice cannot become a Xero document as it is; the message says what to do (it ends in the history)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which invoice of which Dynamics organisation a Xero document came from; it travels in the document's Url."""

    organization_id: str
    invoice_id: str


@dataclass(frozen=True, slots=True)
class XeroLine:
    """A line of the document; None is left out of it."""

    description: str
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    discount: Decimal | None = None
    item_code: str | None = None
    account_code: str | None = None
    tax_type: str | None = None


@dataclass(frozen=True, slots=True)
class XeroInvoice:
    """The document; `line_ids` names the Dynamics line behind each of its lines and is not sent."""

    contact_id: str
    dated: date
    due_on: date | None
    currency: str
    status: str
    url: str
    lines: tuple[XeroLine, ...]
    line_ids: tuple[str, ...]
    line_amount_types: str = "Exclusive"
    number: str | None = None
    reference: str | None = None

    def as_payload(self) -> dict[str, Any]:
        """Return the JSON document of PUT /Invoices."""
        payload: dict[str, Any] = _INVOICE.dump(self)
        return payload


class _Sparse(Schema):
    @post_dump
    def _omit_nothing(self, document: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in document.items() if value is not None}


class _LineSchema(_Sparse):
    description = fields.String(data_key="Description")
    quantity = fields.Decimal(data_key="Quantity")
    unit_amount = fields.Decimal(data_key="UnitAmount")
    discount = fields.Decimal(data_key="DiscountAmount")
    item_code = fields.String(data_key="ItemCode")
    account_code = fields.String(data_key="AccountCode")
    tax_type = fields.String(data_key="TaxType")


class _InvoiceSchema(_Sparse):
    kind = fields.Constant("ACCREC", data_key="Type")
    contact = fields.Function(lambda invoice: {"ContactID": invoice.contact_id}, data_key="Contact")
    dated = fields.Date(data_key="Date")
    due_on = fields.Date(data_key="DueDate")
    line_amount_types = fields.String(data_key="LineAmountTypes")
    currency = fields.String(data_key="CurrencyCode")
    number = fields.String(data_key="InvoiceNumber")
    reference = fields.String(data_key="Reference")
    status = fields.String(data_key="Status")
    url = fields.String(data_key="Url")
    lines = fields.List(fields.Nested(_LineSchema), data_key="LineItems")


_INVOICE = _InvoiceSchema()


def origin_url(dynamics_url: str, origin: Origin) -> str:
    """Return the link to the invoice in Dynamics that also carries its origin (rule C18).

    The organisation stands in the fragment: no server sees it, and copies of an environment, which share the ids
    of their invoices, stay apart.
    """
    query = f"pagetype=entityrecord&etn=invoice&id={origin.invoice_id}"
    return f"{dynamics_url}/main.aspx?{query}#{origin.organization_id}"


def find_origin(document: Mapping[str, Any]) -> Origin | None:
    """Return the origin of a Xero invoice, or None if it did not come from this connector.

    People write anything into a Url, links into Dynamics too: only one that holds both ids is ours.
    """
    try:
        parts = urlsplit(str(document.get("Url") or ""))
        named = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
        origin = Origin(str(UUID(parts.fragment)), str(UUID(named.get("id", ""))))
    except ValueError:
        return None
    return origin if named.get("etn") == "invoice" else None


def invoice_link(short_code: str, xero_invoice_id: str) -> str:
    """Return the link that opens a sales invoice in Xero (rule C50)."""
    target = quote(f"/AccountsReceivable/View.aspx?InvoiceID={xero_invoice_id}", safe="")
    return f"{XERO_LOGIN_PAGE}?shortcode={quote(short_code, safe='')}&redirecturl={target}"


def to_xero(
    invoice: Invoice,
    *,
    contact_id: str,
    books: Books,
    items: Mapping[str, Item],
    preferences: Preferences,
    zone: ZoneInfo,
    url: str,
) -> XeroInvoice:
    """Return the document of this invoice. Raises Unmappable where the plain case does not reach."""
    _refuse_what_is_not_plain(invoice)
    if invoice.delivered_at is None:
        raise Unmappable("Date Delivered is empty: fill it in.")
    dated = gates.delivered_on(invoice.delivered_at, zone)
    lines = gates.billed_lines(invoice)
    return XeroInvoice(
        contact_id=contact_id,
        dated=dated,
        due_on=_due_on(invoice, dated, preferences.status),
        currency=invoice.currency,
        status=preferences.status,
        url=url,
        lines=tuple(_line(line, invoice, books=books, items=items, preferences=preferences) for line in lines),
        line_ids=tuple(line.id for line in lines),
        line_amount_types=invoice.line_amount_types,
        number=None if preferences.use_xero_number else invoice.number,
        reference=_first_line(invoice.description)[:REFERENCE_MAX] or None,
    )


def _refuse_what_is_not_plain(invoice: Invoice) -> None:
    """Nothing goes to Xero half understood: what later versions carry is refused by name until then."""
    reasons = []
    if invoice.kind != "Sales Invoice":
        reasons.append("it is a purchase invoice")
    if invoice.line_amount_types != "Exclusive":
        reasons.append(f"its line amount type is {invoice.line_amount_types}")
    if invoice.discount or invoice.discount_percentage:
        reasons.append("it has a discount on the whole invoice")
    if invoice.freight:
        reasons.append("it has freight")
    if invoice.branding_theme_id:
        reasons.append("it has a branding theme")
    if any(line.quantity < 0 for line in invoice.lines):
        reasons.append("a line has a negative quantity")
    if reasons:
        raise Unmappable(f"This version of the connector cannot send the invoice: {'; '.join(reasons)}.")


def _due_on(invoice: Invoice, dated: date, status: str) -> date | None:
    """Rule C11: Dynamics' due date, else its terms, else (unless a draft) the date itself."""
    if invoice.due_on is not None:
        return invoice.due_on
    if invoice.terms in TERM_DAYS:
        return dated + timedelta(days=TERM_DAYS[invoice.terms])
    return None if status == "DRAFT" else dated


def _line(
    line: Line, invoice: Invoice, *, books: Books, items: Mapping[str, Item], preferences: Preferences
) -> XeroLine:
    text = _description(line)
    if line.product is None and not line.quantity and not line_net(line, invoice.currency_decimals):
        return XeroLine(description=text)  # rule C32: a note
    item = items.get(line.product.number) if line.product else None
    account = line.account_code or (item.sales_account if item else "") or preferences.sales_account
    account = account or books.default_sales_account()
    if not account:
        raise Unmappable(f"Line “{text[:60]}”: no account. Set a default sales account code in the settings.")
    tax_type = line.tax_type or (item.sales_tax_type if item else "")
    if not tax_type and account in books.accounts:
        tax_type = books.accounts[account].tax_type
    net = line_net(line, invoice.currency_decimals)
    discount = round_to(line.quantity * line.price, XERO_DECIMALS) - round_to(net, XERO_DECIMALS)
    quantity, price = line.quantity, line.price
    if discount < 0 or max(places_of(price), places_of(quantity)) > PRICE_DECIMALS:
        # A net above quantity × price has no discount that explains it, and Xero keeps four decimals: the amount
        # itself is sent (rule C39).
        kept = f"\n{quantity.normalize():f} × {price.normalize():f}"
        text = _cut(text, DESCRIPTION_MAX - len(kept)) + kept
        discount, quantity, price = Decimal(0), Decimal(1), net
    return XeroLine(
        description=text,
        quantity=quantity,
        unit_amount=price,
        discount=discount or None,
        item_code=item.code if item else None,
        account_code=account,
        tax_type=tax_type or None,
    )


def line_net(line: Line, decimals: int) -> Decimal:
    """Return what the line asks for without tax (rule C36): Dynamics' own base amount wins."""
    base = line.base_amount
    if base is None:
        base = round_to(line.quantity * (line.price - line.volume_discount), decimals)
    return round_to(base - line.manual_discount, decimals)


def _description(line: Line) -> str:
    """Rule C33: the product's name, the line's text below it, cut at a word."""
    parts = (line.product.name if line.product else line.text, line.description)
    return _cut("\n".join(part.strip() for part in parts if part.strip()) or "-", DESCRIPTION_MAX)


def _cut(text: str, length: int) -> str:
    """Return at most `length` characters, cut after a word; within one only where it is longer than words are."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    words = kept if text[length - 1].isspace() else kept.removesuffix(kept.split()[-1])
    return (words if length - len(words) <= WORD_MAX else kept).rstrip() + "…"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0].strip() if text.strip() else ""
