"""How invoices are shown: the same record looks different in a write's answer, a single GET and each kind of list."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from simulators.xero.arithmetic import HUNDRED, rounded
from simulators.xero.call import messages
from simulators.xero.codec import Record
from simulators.xero.contacts import embedded_view, reference_view
from simulators.xero.documents import Editing
from simulators.xero.settlement_views import applied_credits, document_dates, embedded_payment
from simulators.xero.settling import KINDS
from simulators.xero.state import Organisation

Shape = Literal["written", "single", "paged", "unpaged", "summary"]
_NAMES_FIRST = ("Type", "InvoiceID", "InvoiceNumber", "Reference")
_OWN = ("ExpectedPaymentDate", "PlannedPaymentDate", "BrandingThemeID", "Url", "Status", "LineAmountTypes")
_SUMS = ("SubTotal", "TotalTax", "Total", "TotalDiscount", "UpdatedDateUTC", "CurrencyCode", "FullyPaidOnDate")


def invoice_view(organisation: Organisation, invoice: Record, shape: Shape, *, unit_places: int) -> Record:
    """Return the invoice as this kind of answer shows it."""
    view: Record = {name: invoice.get(name) for name in _NAMES_FIRST}
    view |= _settlement(organisation, invoice, shape)
    view |= {
        "SentToContact": invoice["SentToContact"],
        "CurrencyRate": invoice["CurrencyRate"],
        "IsDiscounted": invoice["IsDiscounted"],
        "HasAttachments": None if shape == "summary" else False,
        "HasErrors": False,
        "InvoicePaymentServices": [],
        "UpdatedDateUTCString": f"{invoice['UpdatedDateUTC']:%Y-%m-%dT%H:%M:%SZ}",
        "Contact": document_contact(organisation, invoice, whole=shape in {"written", "single"}),
        **document_dates(invoice),
    }
    view |= {name: invoice.get(name) for name in _OWN}
    if shape in {"written", "single", "paged"}:
        whole = shape != "paged"
        view["LineItems"] = [line_view(line, unit_places, whole=whole) for line in invoice["LineItems"]]
    elif shape == "unpaged":
        view["LineItems"] = []  # not "none": only not loaded
    view |= {name: invoice.get(name) for name in _SUMS}
    if shape == "single":
        view["Attachments"] = []
    return view


def line_view(line: Record, unit_places: int, *, whole: bool = True) -> Record:
    """Return a line; its unit price is cut to the places that this call reads, whatever is stored."""
    view = line | {"ValidationErrors": []}
    if "UnitAmount" in line:
        view["UnitAmount"] = rounded(line["UnitAmount"], unit_places)
        view |= _discount(line, whole=whole)
    return view


def _discount(line: Record, *, whole: bool) -> Record:
    """Show a discount as a rate of 2 decimals, and unless in a list as an amount too, whichever was sent.

    Source: XeroAPI/Xero-OpenAPI issue 592; community.xero.com discussion 144129369 on the decimals.
    """
    gross: Decimal = line["Quantity"] * line["UnitAmount"]
    if "DiscountRate" in line:
        rate, amount = line["DiscountRate"], rounded(gross) - line["LineAmount"]
    elif "DiscountAmount" in line:
        amount = line["DiscountAmount"]
        rate = rounded(amount * HUNDRED / gross) if gross else None
    else:
        return {}
    return {"DiscountRate": rate, "DiscountAmount": amount if whole else None}


def error_view(editing: Editing) -> Record:
    """Echo a refused element over what is stored: the zero id when it would have been new."""
    record = editing.record
    view: Record = {name: record.get(name) for name in _NAMES_FIRST}
    view |= {"Payments": [], "CreditNotes": [], "Prepayments": [], "Overpayments": []}
    view |= {"IsDiscounted": record["IsDiscounted"], "InvoiceAddresses": [], "HasErrors": True}
    view["InvoicePaymentServices"] = []
    contact = editing.raw.get("Contact")
    named = contact if isinstance(contact, dict) else record.get("Contact", {})
    view["Contact"] = reference_view(named.get("ContactID"), named.get("Name")) | {"ValidationErrors": []}
    view |= document_dates(record)
    view |= {name: record.get(name) for name in _OWN}
    view["LineItems"] = [
        {name: value for name, value in line_view(line, editing.unit_places).items() if name != "LineItemID"}
        for line in record["LineItems"]
    ]
    view |= {name: record.get(name) for name in _SUMS}
    return view | {"ValidationErrors": messages(editing.errors)}


def _settlement(organisation: Organisation, invoice: Record, shape: Shape) -> Record:
    lists: Record = {"Prepayments": [], "Overpayments": []}
    due: Decimal = invoice["AmountDue"]
    if shape == "written" and invoice["Status"] == "VOIDED":
        due = invoice["Total"]  # only this answer still shows it
    amounts = {"AmountDue": due, "AmountPaid": invoice["AmountPaid"]}
    if shape == "written":
        return lists | amounts
    if shape == "summary":
        # The lists are not loaded here: an empty one proves nothing, the amounts do. The simulator's decision.
        return {"CreditNotes": [], **lists, **amounts, "AmountCredited": invoice["AmountCredited"]}
    payments = [embedded_payment(payment) for payment in organisation.payments_on(invoice["InvoiceID"])]
    shown: Record = {} if shape == "single" and not payments else {"Payments": payments}
    applied = {kind.plural: applied_credits(organisation, kind, invoice) for kind in KINDS.values()}
    return {**shown, **applied, **amounts, "AmountCredited": invoice["AmountCredited"]}


def document_contact(organisation: Organisation, document: Record, *, whole: bool) -> Record:
    contact = organisation.contacts[document["Contact"]["ContactID"]]
    if whole:
        # No example shows payment terms in a document: whoever needs them has to read the contact.
        return embedded_view(contact) | {"PaymentTerms": None}
    return reference_view(contact["ContactID"], contact["Name"])
