"""The status machine of invoices and credit notes, in Xero's words."""

from __future__ import annotations

NOT_FOR_CREATION = "Invoice not of valid status for creation"
NOT_FOR_MODIFICATION = "Invoice not of valid status for modification"
HAS_PAYMENTS = "This document cannot be edited as it has a payment or credit note allocated to it."

APPROVED = frozenset({"SUBMITTED", "AUTHORISED"})
OPENING = frozenset({"DRAFT"}) | APPROVED
_NEXT = {
    "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"SUBMITTED", "AUTHORISED", "DRAFT", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "VOIDED"}),
    "PAID": frozenset({"PAID"}),
}


def creation_error(status: str) -> str | None:
    return None if status in OPENING else NOT_FOR_CREATION


def transition_error(old: str, new: str, *, settled: bool) -> str | None:
    """Say why a document may not go from `old` to `new`; `settled`: a payment or credit hangs on it."""
    if old == "PAID" and new != "PAID":
        return HAS_PAYMENTS if settled else NOT_FOR_MODIFICATION
    if settled and new != old:
        return (
            f"The status {new} cannot be applied to the invoice "
            "because it has payments or credit notes allocated to it."
        )
    return None if new in _NEXT.get(old, ()) else NOT_FOR_MODIFICATION
