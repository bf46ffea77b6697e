"""Makes the two systems agree about a batch of records: each kind is brought as far as it can go now.

A plain function: whoever calls it (actor, simulation test) has claimed the records and holds the lane.
"""

from __future__ import annotations

from collections.abc import Collection

from core.connections import PAUSED
from pipeline.balances import refresh
from pipeline.from_xero import follow
from pipeline.lanes import BALANCE_KINDS, CUSTOMER_KINDS, Entity
from pipeline.outcomes import Report
from pipeline.reading import read_preferences
from pipeline.reference import sync_reference
from pipeline.strays import settle_strays
from pipeline.to_xero import carry
from pipeline.tools import Tools
from pipeline.zone import in_zone

_OWING = {"xero": BALANCE_KINDS, "dynamics": CUSTOMER_KINDS}


def reconcile(tools: Tools, entities: Collection[Entity]) -> Report:
    """Do what these records (at most 50) need.

    Safe to run any number of times, in any order, from the start after a crash anywhere. Of a connection that a
    person has paused nothing is followed in Xero: the poll, or the night, finds it when the connection goes on.
    Raises what `core.errors` names; whatever was not finished is then still due.
    """
    report = Report()
    tools = in_zone(tools, read_preferences(tools))
    if tools.connection.state == PAUSED:
        entities = [entity for entity in entities if (entity.side, entity.kind) == ("dynamics", "invoice")]
    # A document that no details row names comes first: the invoice might get a second one.
    if ids := _ids(entities, "xero", "stray"):
        settle_strays(tools, ids, report)
    if ids := _ids(entities, "dynamics", "invoice"):
        carry(tools, ids, report)
    if ids := _ids(entities, "xero", "invoice"):
        follow(tools, ids, report)
    if owing := [entity for entity in entities if entity.kind in _OWING[entity.side]]:
        refresh(tools, owing, report)
    if _ids(entities, "xero", "reference"):
        sync_reference(tools, report)
    return report


def _ids(entities: Collection[Entity], side: str, kind: str) -> list[str]:
    return [entity.id for entity in entities if (entity.side, entity.kind) == (side, kind)]
