"""Rules of the product catalogue: unique product numbers, and what rows of price and discount lists take over."""

from __future__ import annotations

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.schema import Ref
from simulators.dataverse.store import Row, comparable


def check_product_number(env: Environment, row: Row) -> None:
    """Raise Refused when another product has this number, as the database compares texts."""
    number = comparable(row.get("productnumber") or "")
    for other in env.store.all("product").values():
        if other["productid"] != row["productid"] and comparable(other.get("productnumber") or "") == number:
            raise Refused(412, "0x80040237", "A product with this product ID already exists.")


def before_discount_list(env: Environment, row: Row) -> None:
    row.setdefault("transactioncurrencyid", Ref("transactioncurrency", env.base_currency_id))


def before_discount(env: Environment, row: Row) -> None:
    """A range is in its list's currency and of its list's type; it must hold the value of that type."""
    if not isinstance(row.get("discounttypeid"), Ref):
        return
    discount_list = env.row("discounttype", row["discounttypeid"].id)
    row["transactioncurrencyid"] = discount_list["transactioncurrencyid"]
    row["isamounttype"] = discount_list["isamounttype"]
    needed = "amount" if row["isamounttype"] else "percentage"
    if row.get(needed) is None:
        raise bad_request(f"Attribute: {needed} cannot be set to NULL", "0x80040203")


def before_price_list_item(env: Environment, row: Row) -> None:
    """An item is in its price list's currency; a discount list of amounts must be in the same one."""
    price_list, product = row.get("pricelevelid"), row.get("productid")
    if isinstance(price_list, Ref):
        row["transactioncurrencyid"] = env.row("pricelevel", price_list.id)["transactioncurrencyid"]
    if isinstance(product, Ref):
        row["productnumber"] = env.row("product", product.id)["productnumber"]
    if not isinstance(row.get("discounttypeid"), Ref):
        return
    discounts = env.row("discounttype", row["discounttypeid"].id)
    if discounts["isamounttype"] and discounts["transactioncurrencyid"] != row["transactioncurrencyid"]:
        # The words are Dataverse's; their code could not be found, so it is the general one for an argument.
        message = (
            "The currency of the discount needs to match the currency of the price list for discount type amount."
        )
        raise bad_request(message, "0x80040203")
