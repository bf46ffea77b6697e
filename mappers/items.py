"""A product as an invoice uses it → the Xero item to create, and what that item gives a line (rule C30)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marshmallow import fields

from core.books import Item, Side
from core.invoice import Product
from mappers.basis import Basis
from mappers.custom_fields import item_fields_of
from mappers.documented import Sparse, said
from mappers.texts import clip

NAME_MAX, TEXT_MAX = 50, 4000


@dataclass(frozen=True, slots=True)
class Use:
    """A product as an invoice uses it; `price` is None where it says nothing about the item's (rule C30)."""

    product: Product
    is_sales: bool
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class XeroItemSide:
    """What the item gives lines of sales invoices, or of bills."""

    account_code: str | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class XeroItem:
    """The document; None is left out of it."""

    code: str
    name: str
    description: str | None
    purchase_description: str | None
    sales: XeroItemSide | None
    purchases: XeroItemSide | None

    def as_payload(self) -> dict[str, Any]:
        """Return the JSON document of PUT /Items."""
        payload: dict[str, Any] = _ITEM.dump(self)
        return payload


class ItemSideSchema(Sparse):
    """One side of an item, field by field."""

    account_code = fields.String(
        data_key="AccountCode",
        metadata=said("Default sales or purchase account code of the settings.", "B6, B7, C30"),
    )
    price = fields.Decimal(
        data_key="UnitPrice",
        metadata=said(
            "Price per unit of the line, on the invoice's side only, and only where the invoice is in base currency.",
            "C30",
        ),
    )


class ItemSchema(Sparse):
    """The document of a new item, field by field."""

    code = fields.String(data_key="Code", metadata=said("Product number, at most 30 characters.", "C30"))
    name = fields.String(
        data_key="Name",
        metadata=said("The mapped column, else the product's name, at most 50 characters.", "C30, custom fields"),
    )
    description = fields.String(
        data_key="Description",
        metadata=said(
            "The mapped column, else the product's description, at most 4,000 characters.", "C30, custom fields"
        ),
    )
    purchase_description = fields.String(
        data_key="PurchaseDescription", metadata=said("The mapped column.", "custom fields")
    )
    sales = fields.Nested(
        ItemSideSchema, data_key="SalesDetails", metadata=said("What lines of sales invoices get from it.", "C30")
    )
    purchases = fields.Nested(
        ItemSideSchema, data_key="PurchaseDetails", metadata=said("What lines of bills get from it.", "C30")
    )


_ITEM = ItemSchema()


def item_code(number: str) -> str:
    """Return the code of a product number: Xero drops blanks around it."""
    return number.strip()


def folded_code(number: str) -> str:
    """Return what the codes of two product numbers have in common that Xero takes for one."""
    return item_code(number).casefold()


def to_xero_item(use: Use, basis: Basis) -> XeroItem:
    """Return the item to create: no tax type, and a price only where the invoice is in base currency."""
    product = use.product
    own = item_fields_of(basis.custom, product)
    return XeroItem(
        code=item_code(product.number),
        name=own.get("Name") or clip(product.name or product.number, NAME_MAX),
        description=own.get("Description") or clip(product.description, TEXT_MAX) or None,
        purchase_description=own.get("PurchaseDescription"),
        sales=_side(use, basis, sales=True),
        purchases=_side(use, basis, sales=False),
    )


def made_item(use: Use, basis: Basis) -> Item:
    """Return what the item gives a line once it is created."""
    sales, purchases = (Side(basis.default_account(sales=each)) for each in (True, False))
    return Item(item_code(use.product.number), sales, purchases)


def _side(use: Use, basis: Basis, *, sales: bool) -> XeroItemSide | None:
    account = basis.default_account(sales=sales) or None
    price = use.price if use.is_sales is sales else None
    return XeroItemSide(account, price) if account or price is not None else None
