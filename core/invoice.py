"""An invoice as Dynamics holds it, and what its Xero details row says: values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

ACTIVE, PAID, CANCELLED = 0, 2, 3  # invoice.statecode


@dataclass(frozen=True, slots=True)
class Address:
    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """An account or a contact (`kind`), by whom the invoice is to be paid."""

    kind: str
    id: str
    name: str
    account_number: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    fax: str = ""
    address: Address = Address()


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue; `number` becomes the item code in Xero."""

    id: str
    number: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line; amounts are in the invoice's currency, `volume_discount` is per unit. `product` None: a write-in."""

    id: str
    product: Product | None
    text: str
    description: str
    quantity: Decimal
    price: Decimal
    volume_discount: Decimal
    manual_discount: Decimal
    base_amount: Decimal | None
    tax: Decimal
    product_type: int
    account_code: str = ""
    tax_type: str = ""
    number: int | None = None
    sequence: int | None = None
    created_at: datetime | None = None

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Where the line stands (rule C, Lines): unnumbered lines come last, in the order of their creation."""
        last = 1_000_000_001  # above the largest number that Dynamics allows
        created = self.created_at.isoformat() if self.created_at else ""
        return (
            last if self.number is None else self.number,
            last if self.sequence is None else self.sequence,
            created,
            self.id,
        )


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice with its lines. `connector_id` is the connection that a person chose; empty: none yet."""

    id: str
    name: str
    number: str
    state: int
    status_reason: int
    connector_id: str
    kind: str
    line_amount_types: str
    branding_theme_id: str
    customer: Customer | None
    price_list_id: str
    currency: str
    currency_decimals: int
    delivered_at: datetime | None
    due_on: date | None
    terms: int | None
    description: str
    discount: Decimal
    discount_percentage: Decimal
    freight: Decimal
    total_lines: Decimal
    total_tax: Decimal
    total: Decimal
    lines: tuple[Line, ...] = ()

    @property
    def net(self) -> Decimal:
        """What the invoice asks for without tax."""
        return self.total - self.total_tax


@dataclass(frozen=True, slots=True)
class Details:
    """The Xero details row of one invoice, as read; `etag` makes a later write conditional."""

    id: str
    etag: str
    invoice_id: str
    connection_id: str
    export_status: str
    xero_invoice_id: str = ""
    xero_number: str = ""
    xero_contact_id: str = ""
    waiting_for: str = ""
    attempt_started: datetime | None = None
    attempt_key: str = ""
    handled_state: str = ""
    fingerprint: str = ""
