"""The settings of one connection, as a person chose them in Dynamics (rules B1 to B11)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preferences:
    """Defaults are those of the rules; an empty account code means the rule's own choice.

    `custom_fields` is text that `core.custom_fields.parse` reads.
    """

    use_xero_number: bool = True
    create_contacts: bool = True
    create_products: bool = True
    require_products: bool = False
    status: str = "DRAFT"
    sales_account: str = ""
    purchase_account: str = ""
    create_credit_notes: bool = False
    timezone: str = ""
    cancel_by: str = "Credit note"
    freight_account: str = ""
    custom_fields: str = ""
