"""The status machine of invoices and credit notes, in Xero's words."""

from __future__ import annotations

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


def creation_error(status: str, *, noun: str = "Invoice") -> str | None:
    """Say why a document may not begin like this. Sources have the words for invoices alone: `noun` is ours."""
    return None if status in OPENING else f"{noun} not of valid status for creation"


def transition_error(old: str, new: str, *, settled: bool, noun: str = "Invoice") -> str | None:
    """Say why a document may not go from `old` to `new`; `settled`: a payment or credit hangs on it."""
    if old == "PAID" and new != "PAID":
        return HAS_PAYMENTS if settled else f"{noun} not of valid status for modification"
    if settled and new != old:
        return (
            f"The status {new} cannot be applied to the {noun.lower()} "
            "because it has payments or credit notes allocated to it."
        )
    return None if new in _NEXT.get(old, ()) else f"{noun} not of valid status for modification"
