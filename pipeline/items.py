"""Finds the Xero items of products, and creates what is missing (rule C30), a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable

from clients.http import Payload
from core import ids
from core.books import Books, Item
from core.invoice import Product
from core.preferences import Preferences
from mappers.xero import ITEM_CODE_MAX
from pipeline.tools import Tools

ALREADY_EXISTS = "already exists"
CHUNK = 50


def resolve_items(
    tools: Tools, products: Iterable[Product], *, books: Books, preferences: Preferences
) -> tuple[dict[str, Item], dict[str, str]]:
    """Return the items by code, and by code what keeps an item from being used.

    Raises Transient, Limited, Disconnected or Unknown (an item may exist now; the next look finds it).
    """
    wanted = {product.number: product for product in products}
    problems = _unfit(wanted, preferences)
    known = tools.memory.items() if wanted else {}
    if known is None:
        known = _list(tools)
    missing = {code: product for code, product in wanted.items() if code not in known and code not in problems}
    if missing and preferences.create_products:
        problems |= _create(tools, missing, known, books=books, preferences=preferences)
        tools.memory.remember_items(known)
    elif missing and preferences.require_products:
        known |= _list(tools)  # somebody may have made them since we last listed
        missing = {code: product for code, product in missing.items() if code not in known}
        problems |= {code: f"Xero has no item {code}, and the settings require one. Create it." for code in missing}
    return {code: known[code] for code in wanted if code in known}, problems


def _unfit(wanted: dict[str, Product], preferences: Preferences) -> dict[str, str]:
    if not preferences.create_products:
        return {}
    return {
        code: f"Product number {code} is longer than an item code in Xero ({ITEM_CODE_MAX} characters). Shorten it."
        for code in wanted
        if len(code) > ITEM_CODE_MAX
    }


def _list(tools: Tools) -> dict[str, Item]:
    found = {}
    for row in tools.xero.list_items():
        sales = row.get("SalesDetails") or {}
        found[row["Code"]] = Item(row["Code"], sales.get("AccountCode", ""), sales.get("TaxType", ""))
    tools.memory.remember_items(found)
    return found


def _create(
    tools: Tools, missing: dict[str, Product], known: dict[str, Item], *, books: Books, preferences: Preferences
) -> dict[str, str]:
    """Create items and add them to `known`; return by code why one could not be created."""
    account = preferences.sales_account or books.default_sales_account()
    problems: dict[str, str] = {}
    refused = False
    for chunk in _chunks(sorted(missing)):
        documents = [_document(missing[code], account, preferences.purchase_account) for code in chunk]
        started = tools.hold()
        key = ids.idempotency_key(tools.connection.id, ids.content_hash(documents), started)
        elements = tools.xero.create_items(documents, key=key)
        for code, element in zip(chunk, elements, strict=True):
            if element.ok:
                known[code] = Item(code, account)
            elif any(ALREADY_EXISTS in message for message in element.errors):
                refused = True
            else:
                problems[code] = f"Xero refuses item {code}: {' '.join(element.errors)}"
    if refused:  # somebody made them since we last listed
        known |= _list(tools)
    return problems


def _document(product: Product, sales_account: str, purchase_account: str) -> Payload:
    document: Payload = {"Code": product.number, "Name": product.name[:50]}
    if product.description:
        document["Description"] = product.description[:4000]
    if sales_account:
        document["SalesDetails"] = {"AccountCode": sales_account}
    if purchase_account:
        document["PurchaseDetails"] = {"AccountCode": purchase_account}
    return document


def _chunks(codes: list[str]) -> Iterable[list[str]]:
    return (codes[start : start + CHUNK] for start in range(0, len(codes), CHUNK))
