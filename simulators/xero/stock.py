"""Stock of tracked items: bills and credited sales add to it, sales and credited bills take, voiding gives back."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from simulators.xero.arithmetic import ZERO
from simulators.xero.codec import Record
from simulators.xero.state import Organisation

NOT_ENOUGH = "Insufficient stock. Items are eligible for backorder."
_TAKING = frozenset({"ACCREC", "ACCPAYCREDIT"})
_MOVES = frozenset({"AUTHORISED", "PAID"})


def stock_errors(organisation: Organisation, old: Record, new: Record) -> list[str]:
    """Refuse a change that sells more of a tracked item than there is."""
    changes = _changes(organisation, old, new)
    short = any(
        change < 0 and organisation.items[item_id]["QuantityOnHand"] + change < 0
        for item_id, change in changes.items()
    )
    return [NOT_ENOUGH] if short else []


def move_stock(organisation: Organisation, old: Record, new: Record) -> None:
    """Let the items follow a saved document; with backorders the quantity on hand may fall below zero.

    Their update time stays, as a contact's stays when its balance changes: the simulator's decision.
    """
    for item_id, change in _changes(organisation, old, new).items():
        item = organisation.items[item_id]
        organisation.items.save({**item, "QuantityOnHand": item["QuantityOnHand"] + change})


def _changes(organisation: Organisation, old: Record, new: Record) -> dict[str, Decimal]:
    """Return by item how much more (or less) is on hand after the document changed from `old` to `new`."""
    before, after = _effect(organisation, old), _effect(organisation, new)
    return {item_id: after[item_id] - before[item_id] for item_id in sorted({*before, *after})}


def _effect(organisation: Organisation, document: Record) -> defaultdict[str, Decimal]:
    effect: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    if document.get("Status") not in _MOVES:
        return effect
    sign = -1 if document["Type"] in _TAKING else 1
    for line in document["LineItems"]:
        item = organisation.items.get(line.get("Item", {}).get("ItemID"))
        if item is not None and item["IsTrackedAsInventory"]:
            effect[item["ItemID"]] += sign * line["Quantity"]
    return effect
