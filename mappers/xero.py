"""An invoice → the Xero document that is sent (rules C10 to C41)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields

from core import gates
from core.invoice import SALES, Chosen, Invoice
from mappers.adjustments import adjustments
from mappers.basis import Basis, Unmappable
from mappers.custom_fields import due_on_of, number_of, reference_of
from mappers.documented import Sparse, said
from mappers.due_dates import due_on
from mappers.lines import Booked, XeroLine, label, to_line
from mappers.texts import clip, first_line

REFERENCE_MAX = 255
TYPES = {True: "ACCREC", False: "ACCPAY"}
LINE_AMOUNT_TYPES = {"Exclusive": "Exclusive", "Inclusive": "Inclusive", "No Tax": "NoTax"}


@dataclass(frozen=True, slots=True)
class XeroInvoice:
    """The document; None is left out of it."""

    type: str
    contact_id: str
    dated: date
    due_on: date | None
    currency: str
    status: str
    url: str
    lines: tuple[XeroLine, ...]
    line_amount_types: str = "Exclusive"
    number: str | None = None
    reference: str | None = None
    theme_id: str | None = None

    @property
    def line_ids(self) -> tuple[str, ...]:
        """What stands behind each line: the id of a Dynamics line, or the name of an adjustment."""
        return tuple(line.line_id for line in self.lines)

    def as_payload(self) -> dict[str, Any]:
        """Return the JSON document of PUT /Invoices."""
        payload: dict[str, Any] = _INVOICE.dump(self)
        return payload


class LineSchema(Sparse):
    """A line of the document, field by field."""

    description = fields.String(
        data_key="Description",
        metadata=said(
            "Product name or write-in text, the line's description below it; the mapped column, if there is one; "
            "“Discount” and “Freight” on lines of the whole invoice. At most 4,000 characters, cut at a word.",
            "C31, C32, C33, C37",
        ),
    )
    quantity = fields.Decimal(
        data_key="Quantity",
        metadata=said("Quantity; 1 where Xero could not arrive at the line's amount otherwise.", "C36, C39"),
    )
    unit_amount = fields.Decimal(
        data_key="UnitAmount",
        metadata=said(
            "Price per unit; the amount ÷ quantity where a discount cannot be sent; the amount where the quantity is "
            "1 instead.",
            "C36, C37, C39",
        ),
    )
    discount = fields.Decimal(
        data_key="DiscountAmount",
        metadata=said(
            "Quantity × price less the line's net: volume and manual discount. Sales invoices only.", "C36"
        ),
    )
    item_code = fields.String(
        data_key="ItemCode", metadata=said("Product number of an existing product.", "B3, B4, C30")
    )
    account_code = fields.String(
        data_key="AccountCode",
        metadata=said(
            "Account code of the line; nothing where the item gives one; else the default sales or purchase account. "
            "Freight: the freight account.",
            "B6, B7, B11, C34, C37",
        ),
    )
    tax_type = fields.String(
        data_key="TaxType",
        metadata=said(
            "Tax type of the line; nothing where the item or the account gives it, and on No Tax invoices.",
            "C35, C37",
        ),
    )
    tracking = fields.Function(
        lambda line: [{"Name": category, "Option": option} for category, option in line.tracking] or None,
        data_key="Tracking",
        metadata=said("The mapped columns, an option of each category.", "custom fields", inner=("Name", "Option")),
    )


class InvoiceSchema(Sparse):
    """The document, field by field."""

    type = fields.String(data_key="Type", metadata=said("Invoice type; empty means sales invoice.", "C10"))
    contact = fields.Function(
        lambda invoice: {"ContactID": invoice.contact_id},
        data_key="Contact",
        metadata=said(
            "Customer (account or contact): its Xero contact's id, nothing else.",
            "B2, C20, C21, C22",
            inner=("ContactID",),
        ),
    )
    dated = fields.Date(data_key="Date", metadata=said("Date Delivered, as the day that was typed.", "C11"))
    due_on = fields.Date(
        data_key="DueDate",
        metadata=said(
            "The mapped column; Due date; Payment terms; terms of the Xero contact; terms of the Xero organisation; "
            "Date. A draft: only the first three.",
            "C11",
        ),
    )
    line_amount_types = fields.String(
        data_key="LineAmountTypes", metadata=said("Line amount types; empty means Exclusive.", "C15")
    )
    currency = fields.String(data_key="CurrencyCode", metadata=said("Currency, its ISO code.", "C14"))
    number = fields.String(
        data_key="InvoiceNumber",
        metadata=said(
            "Sales: nothing (Xero numbers), or the Invoice ID where the settings say so; with “-2”, “-3” … where an "
            "earlier document of the invoice has that. Bills: the mapped column, else the Invoice ID.",
            "B1, C13, E8",
        ),
    )
    reference = fields.String(
        data_key="Reference",
        metadata=said(
            "The mapped column, else the description's first line, at most 255 characters. Sales only.", "C12"
        ),
    )
    theme_id = fields.String(data_key="BrandingThemeID", metadata=said("Branding theme. Sales only.", "C16"))
    status = fields.String(data_key="Status", metadata=said("Default invoice status of the settings.", "B5, C17"))
    url = fields.String(
        data_key="Url", metadata=said("Link to the invoice in Dynamics; it also carries the origin.", "C18")
    )
    lines = fields.List(
        fields.Nested(LineSchema),
        data_key="LineItems",
        metadata=said(
            "The lines in their order, without components of bundles; then Discount and Freight.", "C37, C38"
        ),
    )


_INVOICE = InvoiceSchema()


def to_xero(invoice: Invoice, *, contact_id: str, basis: Basis, url: str, known_number: str = "") -> XeroInvoice:
    """Return the document of this invoice. Raises Unmappable, naming what a person has to mend.

    `known_number` is the one on its Xero details, which counts if it is the invoice's own with a suffix (rule E8).
    """
    if obstacle := next(obstacles(invoice, basis), ""):
        raise Unmappable(obstacle)
    assert invoice.delivered_at is not None
    lines = [to_line(line, invoice, basis) for line in gates.billed_lines(invoice)]
    booked = [line for line in lines if isinstance(line, Booked)]
    dated = gates.delivered_on(invoice.delivered_at, basis.zone)
    terms = basis.terms(contact_id, sales=invoice.is_sales)
    status = basis.preferences.status
    return XeroInvoice(
        type=TYPES[invoice.is_sales],
        contact_id=contact_id,
        dated=dated,
        due_on=due_on_of(basis.custom, invoice) or due_on(invoice, dated, is_draft=status == "DRAFT", terms=terms),
        currency=invoice.currency,
        status=status,
        url=url,
        lines=(
            *(line.line if isinstance(line, Booked) else line for line in lines),
            *adjustments(invoice, booked, basis),
        ),
        line_amount_types=LINE_AMOUNT_TYPES[invoice.line_amount_types],
        number=_number(invoice, basis, known_number),
        reference=_reference(invoice, basis),
        theme_id=invoice.branding_theme.code if invoice.branding_theme and invoice.is_sales else None,
    )


def obstacles(invoice: Invoice, basis: Basis) -> Iterator[str]:
    """Yield why the invoice itself, apart from its lines, cannot become a document, and what to do."""
    if invoice.delivered_at is None:
        yield "Date Delivered is empty: fill it in."
    if not invoice.currency:
        yield (
            "The currency of the invoice has no ISO code in Dynamics. Correct the currency (Settings, Currencies), "
            "or choose another price list and currency."
        )
    try:
        _number(invoice, basis)
    except Unmappable as error:
        yield str(error)


def _reference(invoice: Invoice, basis: Basis) -> str | None:
    """Rule C12; bills have none in Xero."""
    if not invoice.is_sales:
        return None
    return reference_of(basis.custom, invoice) or clip(first_line(invoice.description), REFERENCE_MAX) or None


def check_choices(invoice: Invoice, connection_id: str) -> list[str]:
    """Return what is wrong with the accounts, tax types and theme that were chosen (rule F4)."""
    choices: list[tuple[str, Chosen]] = []
    if invoice.branding_theme is not None and invoice.kind == SALES:
        choices.append(("Branding theme", invoice.branding_theme))
    for line in gates.billed_lines(invoice):
        for what, chosen in (("Account code", line.account), ("Tax type", line.tax_type)):
            if chosen is not None:
                choices.append((f"{what} of line “{label(line)}”", chosen))
    problems = []
    for what, chosen in choices:
        if chosen.connector_id not in ("", connection_id):
            problems.append(f"{what}: “{chosen.name}” belongs to another connection. Choose one of this connection.")
        elif not chosen.is_active or not chosen.code:
            problems.append(f"{what}: “{chosen.name}” is no longer in use. Choose another one.")
    return problems


def is_numbered_again(number: str, base: str) -> bool:
    """Whether it is `base` with "-2", "-3" … appended, as later documents of an invoice are numbered (rule E8)."""
    start, _, place = number.rpartition("-")
    return bool(base) and start == base and re.fullmatch(r"[2-9]|[1-9][0-9]+", place) is not None


def next_number(number: str, base: str) -> str:
    """Return the number that comes after this one of an invoice whose own is `base`."""
    place = int(number.rpartition("-")[2]) if is_numbered_again(number, base) else 1
    return f"{base}-{place + 1}"


def _number(invoice: Invoice, basis: Basis, known: str = "") -> str | None:
    """Rules B1, C13 and E8: Xero's own number, the supplier's on a bill, or the invoice ID of Dynamics."""
    if invoice.is_sales and basis.preferences.use_xero_number:
        return None
    if not invoice.is_sales and (number := number_of(basis.custom, invoice)):
        return number
    if not invoice.number:
        raise Unmappable("The invoice has no Invoice ID in Dynamics, which the settings make its number in Xero.")
    return known if invoice.is_sales and is_numbered_again(known, invoice.number) else invoice.number
