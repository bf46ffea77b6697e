"""Finds the Xero items of products, and creates what is missing (rules B3, B4, C30), a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from clients.http import Payload
from core import gates
from core.books import Item, Side
from core.invoice import Invoice
from core.money import round_to
from mappers.basis import Basis
from mappers.explanations import explain_all
from mappers.items import Use, folded_code, item_code, made_item, to_xero_item
from mappers.lines import ITEM_CODE_MAX, PRICE_DECIMALS
from pipeline.creating import create_all
from pipeline.product_numbers import find_collisions
from pipeline.tools import Tools

ALREADY_EXISTS = "already exists"


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a batch, all by product number: those found, those to create, and why one cannot be used.

    `remembered`: what was found was read up to an hour ago.
    """

    found: Mapping[str, Item] = field(default_factory=dict)
    missing: Mapping[str, Use] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    remembered: bool = False


def find_items(tools: Tools, invoices: Iterable[Invoice], basis: Basis) -> Items:
    """Return the items of these invoices; nothing is created. Raises Transient, Limited or Disconnected."""
    uses = _uses(invoices, basis)
    if not uses:
        return Items()
    preferences = basis.preferences
    problems = find_collisions(tools, uses) | (_unfit(uses) if preferences.create_products else {})
    listed, remembered = tools.memory.items(), True
    if listed is None:
        listed, remembered = _list(tools), False
    missing = {number for number in uses if folded_code(number) not in listed and number not in problems}
    if missing and remembered and not preferences.create_products:
        listed, remembered = _list(tools), False  # somebody may have made them since we last listed
        missing = {number for number in missing if folded_code(number) not in listed}
    if missing and preferences.require_products and not preferences.create_products:
        problems |= {
            number: f"Xero has no item {number}, and the settings require one. Create it in Xero."
            for number in missing
        }
    return Items(
        found={number: listed[folded_code(number)] for number in uses if folded_code(number) in listed},
        missing={number: uses[number] for number in sorted(missing)} if preferences.create_products else {},
        problems=problems,
        remembered=remembered,
    )


def create_items(tools: Tools, items: Items, basis: Basis) -> Items:
    """Create the missing items and return all; one that Xero refuses is a problem.

    Raises Transient, Limited, Disconnected or Unknown (an item may exist now; the next look finds it).
    """
    if not items.missing:
        return items
    made: dict[str, Item] = {}
    problems, taken = dict(items.problems), []
    documents = [to_xero_item(use, basis).as_payload() for use in items.missing.values()]
    elements = create_all(tools, tools.xero.create_items, documents)
    for number, element in zip(items.missing, elements, strict=True):
        if element.ok:
            made[number] = made_item(items.missing[number], basis)
        elif any(ALREADY_EXISTS in message.lower() for message in element.errors):
            taken.append(number)
        else:
            problems[number] = "\n".join((f"Xero refuses item {number}.", *explain_all(element.errors)))
    if taken:  # somebody made them since we last listed
        listed = _list(tools)
        made |= {number: listed[folded_code(number)] for number in taken if folded_code(number) in listed}
        problems |= {
            number: f"Xero says that item {number} exists, but does not list it. Look for it in Xero."
            for number in taken
            if number not in made
        }
    else:
        tools.memory.add_items({folded_code(number): item for number, item in made.items()})
    return replace(items, found={**items.found, **made}, missing={}, problems=problems)


def as_if_created(items: Items, basis: Basis) -> Items:
    """Return the items with those that are missing as they would be once they are created."""
    made = {number: made_item(use, basis) for number, use in items.missing.items()}
    return replace(items, found={**items.found, **made}, missing={})


def _uses(invoices: Iterable[Invoice], basis: Basis) -> dict[str, Use]:
    """Return the first use of each product number; of two products with the same number one stands for both."""
    uses: dict[str, Use] = {}
    for invoice in invoices:
        for line in gates.billed_lines(invoice):
            if line.product is None:
                continue
            is_base = invoice.currency == basis.books.base_currency
            price = round_to(line.price, PRICE_DECIMALS) if is_base and line.price > 0 else None
            uses.setdefault(line.product.number, Use(line.product, invoice.is_sales, price))
    return uses


def _unfit(uses: Mapping[str, Use]) -> dict[str, str]:
    """Rule C30: what cannot be an item code."""
    problems = {}
    for number, use in uses.items():
        if not folded_code(number):
            problems[number] = (
                f"Product “{use.product.name}” has no product number, which becomes its item code in Xero."
            )
        elif len(item_code(number)) > ITEM_CODE_MAX:
            problems[number] = (
                f"Product number {number} is longer than an item code in Xero ({ITEM_CODE_MAX} characters). Shorten "
                "it, or let lines go without item code (setting: Create new products in Xero)."
            )
    return problems


def _list(tools: Tools) -> dict[str, Item]:
    """Return all items of the organisation by folded code, and remember them."""
    found = {}
    for row in tools.xero.list_items():
        sales, purchases = (_side(row.get(name) or {}) for name in ("SalesDetails", "PurchaseDetails"))
        if row.get("IsTrackedAsInventory") and (asset := row.get("InventoryAssetAccountCode")):
            purchases = replace(purchases, account=asset)  # what is bought for stock is no expense
        found[folded_code(row["Code"])] = Item(row["Code"], sales, purchases)
    tools.memory.remember_items(found)
    return found


def _side(details: Payload) -> Side:
    return Side(details.get("AccountCode", ""), details.get("TaxType", ""))
