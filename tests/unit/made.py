"""Values to test with: each maker gives the plainest one, and takes what shall be different."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core.books import Account, Books
from core.connections import IN_SERVICE, Connection
from core.invoice import Chosen, Customer, Details, Invoice, Line, Product
from core.preferences import Preferences
from mappers.basis import Basis
from mappers.xero import XeroInvoice, to_xero

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CONNECTION_ID = "11111111-1111-5111-8111-111111111111"
INVOICE_ID = "22222222-2222-4222-8222-222222222222"
CUSTOMER_ID = "33333333-3333-4333-8333-333333333333"
ORGANIZATION_ID = "44444444-4444-4444-8444-444444444444"
TENANT_ID = "55555555-5555-4555-8555-555555555555"


def connection(**different: Any) -> Connection:
    made: dict[str, Any] = {
        "id": CONNECTION_ID,
        "name": "Contoso",
        "timezone": "Europe/London",
        "state": IN_SERVICE,
        "state_reason": "",
        "xero_tenant_id": TENANT_ID,
        "xero_consent_id": "xero-consent",
        "dynamics_organization_id": ORGANIZATION_ID,
        "dynamics_url": "https://contoso.crm4.dynamics.com",
        "dynamics_consent_id": "dynamics-consent",
        "created_at": NOON,
    }
    return Connection(**made | different)


def customer(**different: Any) -> Customer:
    return Customer(**{"kind": "account", "id": CUSTOMER_ID, "name": "Fourth Coffee"} | different)


def product(**different: Any) -> Product:
    return Product(**{"id": "p-1", "number": "CHAIR-01", "name": "Office chair"} | different)


def chosen(code: str, **different: Any) -> Chosen:
    return Chosen(**{"code": code, "name": f"{code} - Sales", "connector_id": CONNECTION_ID} | different)


def line(**different: Any) -> Line:
    made: dict[str, Any] = {
        "id": "line-1",
        "is_write_in": different.get("product") is None,
        "product": None,
        "text": "Work",
        "description": "",
        "quantity": Decimal(1),
        "price": Decimal("10.00"),
        "volume_discount": Decimal(0),
        "manual_discount": Decimal(0),
        "extended_amount": None,
        "tax": Decimal(0),
        "product_type": 1,
    }
    for name in ("account", "tax_type"):
        if isinstance(different.get(name), str):
            different[name] = chosen(different[name])
    return Line(**made | different)


def invoice(*lines: Line, **different: Any) -> Invoice:
    made: dict[str, Any] = {
        "id": INVOICE_ID,
        "name": "Order 4711",
        "number": "INV-01000",
        "state": 0,
        "status_reason": 1,
        "connector_id": CONNECTION_ID,
        "kind": "Sales Invoice",
        "line_amount_types": "Exclusive",
        "branding_theme": None,
        "customer_id": CUSTOMER_ID,
        "customer": customer(),
        "price_list_id": "price-list",
        "currency": "GBP",
        "currency_decimals": 2,
        "delivered_at": datetime(2026, 11, 24, tzinfo=UTC),
        "due_on": None,
        "terms": None,
        "description": "",
        "discount": Decimal(0),
        "discount_percentage": Decimal(0),
        "freight": Decimal(0),
        "total_lines": Decimal("10.00"),
        "total_less_freight": None,
        "total_tax": Decimal(0),
        "total": Decimal("10.00"),
        "lines": lines or (line(),),
    }
    return Invoice(**made | different)


def details(**different: Any) -> Details:
    made: dict[str, Any] = {
        "id": "details-1",
        "etag": 'W/"1"',
        "invoice_id": INVOICE_ID,
        "connection_id": CONNECTION_ID,
        "export_status": "No",
        "linked_to": different.get("invoice_id", INVOICE_ID),
    }
    return Details(**made | different)


def books(**different: Any) -> Books:
    accounts = {
        "400": Account("400", "SALES", "OUTPUT2"),
        "200": Account("200", "REVENUE", "ZERORATED"),
        "100": Account("100", "SALES", "NONE", is_active=False),
        "310": Account("310", "DIRECTCOSTS", "INPUT2"),
    }
    return Books(**{"base_currency": "GBP", "short_code": "!abc", "accounts": accounts} | different)


def basis(**different: Any) -> Basis:
    """What invoices are mapped with; settings by their names in `core.preferences`, the rest by those of a basis."""
    own = {name: different.pop(name) for name in Basis.__slots__ if name in different}
    made: dict[str, Any] = {
        "books": books(),
        "preferences": Preferences(**different),
        "zone": ZoneInfo("Europe/London"),
    }
    return Basis(**made | own)


def mapped(made: Invoice, **different: Any) -> XeroInvoice:
    """Return the document of an invoice; `different` as in `basis`."""
    return to_xero(made, contact_id="contact-1", basis=basis(**different), url="https://contoso.example/invoice")
