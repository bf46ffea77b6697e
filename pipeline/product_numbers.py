"""Finds products whose numbers Xero would take for one item code (rule C30)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from clients.odata import odata_in, rows_path
from mappers.items import Use, folded_code, item_code
from pipeline.reading import read_batch
from pipeline.tools import Tools


def find_collisions(tools: Tools, uses: Mapping[str, Use]) -> dict[str, str]:
    """Return by product number, in words, why it cannot be an item code: that of another product is the same in Xero.

    Dynamics tells numbers apart by the blanks before them, Xero does not: the product without blanks keeps the item.
    One call, and none where no number has blanks around it. Raises Transient, Limited or Disconnected.
    """
    odd = sorted(number for number in uses if number != item_code(number) and item_code(number))
    if not odd:
        return {}
    query = {
        "$select": "productid,name,productnumber",
        "$filter": odata_in("productnumber", sorted({item_code(number) for number in odd})),
    }
    (rows,) = read_batch(tools, rows_path("products", query))
    owners = {row["productid"]: (row["productnumber"], row["name"]) for row in rows}
    owners |= {uses[number].product.id: (number, uses[number].product.name) for number in odd}
    alike: dict[str, list[str]] = defaultdict(list)
    for number, name in owners.values():
        alike[folded_code(number)].append(f"“{name}” ({number})")
    told = {number: sorted(alike[folded_code(number)]) for number in odd}
    return {
        number: f"Products {' and '.join(names)} would be the same item in Xero. Change one of the product numbers."
        for number, names in told.items()
        if len(names) > 1
    }
