"""Prices of invoice lines: from the price list with its volume discount, or as somebody typed them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from simulators.dataverse.bundles import is_component
from simulators.dataverse.environment import Environment
from simulators.dataverse.money import ZERO
from simulators.dataverse.schema import Ref
from simulators.dataverse.store import Row

_NO_ERROR, _MISSING_PRODUCT, _NOT_IN_PRICE_LIST = 0, 6, 11


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What a price list says of one unit. `volume_discount` is not rounded yet."""

    price: Decimal
    volume_discount: Decimal


def price_line(env: Environment, invoice: Row, row: Row) -> None:
    """Set price, volume discount and pricing error of a line.

    A catalogue product takes the list's price, whatever was supplied, unless its price is overridden. Decided here,
    for want of a source: an overridden price gets no volume discount.
    """
    if row["isproductoverridden"] or row.get("ispriceoverridden"):
        row["volumediscountamount"] = ZERO
        return
    product = row.get("productid")
    if product is None or env.store.find("product", product.id) is None:
        row["pricingerrorcode"] = _MISSING_PRODUCT  # the price stays as it was
        return
    if is_component(row) and env.component_prices == "zero":
        row |= {"priceperunit": ZERO, "volumediscountamount": ZERO, "pricingerrorcode": _NO_ERROR}
        return
    found = list_price(env, invoice.get("pricelevelid"), product, row.get("uomid"), row.get("quantity") or ZERO)
    row["priceperunit"] = ZERO if found is None else found.price
    row["volumediscountamount"] = ZERO if found is None else found.volume_discount
    row["pricingerrorcode"] = _NOT_IN_PRICE_LIST if found is None else _NO_ERROR


def list_price(
    env: Environment, price_list: Ref | None, product: Ref, unit: Ref | None, quantity: Decimal
) -> ListPrice | None:
    """Return what the price list asks for one unit, or None when the product is not in it."""
    for item_id in env.store.children("productpricelevel", "productid", product.id):
        item = env.row("productpricelevel", item_id)
        price = item.get("amount")
        if item["pricelevelid"] == price_list and item["uomid"] == unit and price is not None:
            return ListPrice(price, _volume_discount(env, item, price, quantity))
    return None


def _volume_discount(env: Environment, item: Row, price: Decimal, quantity: Decimal) -> Decimal:
    """Both ends of a range belong to it; between two ranges, and for negative quantities, there is no discount."""
    ref = item.get("discounttypeid")
    if ref is None or env.row("discounttype", ref.id)["statecode"] != 0:
        return ZERO
    for discount_id in env.store.children("discount", "discounttypeid", ref.id):
        row = env.row("discount", discount_id)
        if row["lowquantity"] <= quantity <= row["highquantity"]:
            amount: Decimal = row["amount"] if row["isamounttype"] else price * row["percentage"] / 100
            return amount
    return ZERO
