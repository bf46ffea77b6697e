"""How a payment is shown: with the whole invoice after a write, with a part of it in reads."""

from __future__ import annotations

from simulators.xero.call import messages
from simulators.xero.codec import ZERO_ID, Record
from simulators.xero.contacts import reference_view
from simulators.xero.invoice_views import invoice_view
from simulators.xero.payments import paid_document
from simulators.xero.settling import KINDS
from simulators.xero.state import Organisation

_OWN = ("PaymentID", "Date", "BankAmount", "Amount", "Reference", "CurrencyRate", "PaymentType", "Status")
_REST = ("UpdatedDateUTC", "HasAccount", "IsReconciled")
_EMBEDDED_TYPES = {
    "RECEIVE-OVERPAYMENT": "AROVERPAYMENT",
    "SPEND-OVERPAYMENT": "APOVERPAYMENT",
    "RECEIVE-PREPAYMENT": "ARPREPAYMENT",
    "SPEND-PREPAYMENT": "APPREPAYMENT",
}


def payment_view(organisation: Organisation, payment: Record, *, written: bool) -> Record:
    """Return the payment; what it is on stands in `Invoice`, also if that is a credit that was paid out."""
    account = organisation.accounts[payment["Account"]["AccountID"]]
    names = ("AccountID", "Code", "Name") if written else ("AccountID", "Code")
    view = {name: payment.get(name) for name in _OWN + _REST}
    view |= {"UpdatedDateUTCString": f"{payment['UpdatedDateUTC']:%Y-%m-%dT%H:%M:%SZ}"}
    view |= {"Account": {name: account.get(name) for name in names}, "HasValidationErrors": False}
    document = paid_document(organisation, payment)
    if written and payment["_on"] == "Invoice":
        contact = {"Contact": _contact(organisation, document)}
        return view | {"Invoice": invoice_view(organisation, document, "written", unit_places=2) | contact}
    return view | {"Invoice": _brief(organisation, payment, document)}


def payment_error_view(record: Record, errors: list[str]) -> Record:
    """Echo a refused payment."""
    echo = {"PaymentID": record.get("PaymentID", ZERO_ID), "Amount": record.get("Amount"), "Date": record.get("Date")}
    return echo | {"HasAccount": True, "HasValidationErrors": True, "ValidationErrors": messages(errors)}


def _brief(organisation: Organisation, payment: Record, document: Record) -> Record:
    name = payment["_on"]
    numbers = {"Invoice": "InvoiceNumber", "CreditNote": "CreditNoteNumber"}
    lists: Record = {"Payments": [], "LineItems": []} | {kind.plural: [] for kind in KINDS.values()}
    return {
        "Type": _EMBEDDED_TYPES.get(document["Type"], document["Type"]),
        "InvoiceID": document[f"{name}ID"],
        "InvoiceNumber": document.get(numbers.get(name, "")),
        **lists,
        "HasErrors": False,
        "IsDiscounted": False,
        "Contact": _contact(organisation, document),
        "CurrencyCode": document["CurrencyCode"],
    }


def _contact(organisation: Organisation, document: Record) -> Record:
    contact = organisation.contacts[document["Contact"]["ContactID"]]
    return reference_view(contact["ContactID"], contact["Name"])
