"""An invoice as Dynamics holds it, and what its Xero details row says: values without behaviour.

`custom` holds the customer's own columns, as far as the connection's custom fields name them: by logical name, as a
person reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

ACTIVE, PAID, CANCELLED = 0, 2, 3  # invoice.statecode
SALES, PURCHASE = "Sales Invoice", "Purchase Invoice"


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
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue; `number` becomes the item code in Xero."""

    id: str
    number: str
    name: str
    description: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row of Xero's reference data that a person chose in Dynamics: an account, a tax type, a branding theme.

    `connector_id` is the connection whose Xero organisation has it; empty where nobody said.
    """

    code: str
    name: str = ""
    connector_id: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A line; amounts are in the invoice's currency, `volume_discount` is per unit.

    `extended_amount` is Dynamics' own figure for the line, tax included; None where it has none.
    """

    id: str
    is_write_in: bool
    product: Product | None
    text: str
    description: str
    quantity: Decimal
    price: Decimal
    volume_discount: Decimal
    manual_discount: Decimal
    extended_amount: Decimal | None
    tax: Decimal
    product_type: int
    account: Chosen | None = None
    tax_type: Chosen | None = None
    number: int | None = None
    sequence: int | None = None
    created_at: datetime | None = None
    custom: Mapping[str, str] = field(default_factory=dict)

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
    """An invoice with its lines. `connector_id` is the connection that a person chose; empty: none yet.

    `customer` is None without `customer_id`, or when that customer cannot be read (deleted, or a right is missing).
    `total_less_freight` is Dynamics' own net before freight; None where it has none. `etag` makes a later write of
    the invoice conditional; `amount_due` is what we last wrote there. A closed invoice is read-only, so `modified_at`
    is then when it was closed.
    """

    id: str
    name: str
    number: str
    state: int
    status_reason: int
    connector_id: str
    kind: str
    line_amount_types: str
    branding_theme: Chosen | None
    customer_id: str
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
    total_less_freight: Decimal | None
    total_tax: Decimal
    total: Decimal
    lines: tuple[Line, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    amount_due: Decimal | None = None
    modified_at: datetime | None = None

    @property
    def is_sales(self) -> bool:
        """A sales invoice; otherwise a purchase invoice, which is a bill in Xero (rule C10)."""
        return self.kind == SALES

    @property
    def net(self) -> Decimal:
        """What the invoice asks for without tax."""
        return self.total - self.total_tax


@dataclass(frozen=True, slots=True)
class Details:
    """The Xero details row of one invoice, as read; `etag` makes a later write conditional.

    `xero_updated` is the update time of the document when we last followed it; None: it has not been followed yet.
    `linked_to` is the invoice that the row names; Dynamics takes the name away when it deletes the invoice.
    `handled_state` and `cancelling` are read by `mappers.cancelling`. `earlier_ids` are documents in Xero that are
    over and that this row named before (rule E8). Without a document `xero_number` is the one that is to be sent.
    """

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
    agreed_document: str = ""
    xero_status: str = ""
    amount_due: Decimal | None = None
    amount_paid: Decimal | None = None
    amount_credited: Decimal | None = None
    tax_in_xero: Decimal | None = None
    xero_updated: datetime | None = None
    closed_by_connector: bool = False
    status_before_close: int | None = None
    linked_to: str = ""
    credit_note_id: str = ""
    credit_note_number: str = ""
    cancelling: str = ""
    earlier_ids: tuple[str, ...] = ()

    @property
    def is_linked(self) -> bool:
        """Whether the row names its own invoice, which a person may have changed."""
        return self.linked_to.lower() == self.invoice_id.lower()

    @property
    def is_bound(self) -> bool:
        """A document, or what may have become one, stays with the connection of this row (rule C63)."""
        return bool(self.xero_invoice_id) or self.attempt_started is not None

    @property
    def is_cancelling(self) -> bool:
        """Something was begun in Xero because the invoice was cancelled or deleted, and is to be completed."""
        return bool(self.cancelling) and self.export_status != "Failed"
