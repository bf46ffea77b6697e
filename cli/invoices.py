"""Finds the invoices that a person names: by invoice ID, GUID or link, across connections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from clients.dataverse import rows_path, text_literal
from core import columns
from core.connections import Connection
from core.errors import ConnectorError, Misconfigured
from mappers.dynamics import DETAILS_SELECT, to_details
from pipeline.app import App
from pipeline.reading import read_batch

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID_OF_LINK = re.compile(rf"[?&]id=(?:\{{|%7b)?({_GUID})")
_ANY_ID = re.compile(_GUID)
NAME_MAX = 300  # as long as an invoice ID can be
SHOWN_MAX = 80
HOW_TO_NAME = "Give the invoice ID of Dynamics (not the number in Xero), the GUID or a link."
_DETAILS = f"{DETAILS_SELECT},_stl3_invoice_value"


Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Located:
    """An invoice in Dynamics; `owner` is the connection id that it or its document belongs to, empty if none."""

    invoice_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class Hit:
    """An invoice as seen by one connection."""

    connection: Connection
    invoice_id: str


def chosen(app: App, connection_id: str | None) -> list[Connection]:
    """Return that connection, or all. Raises Misconfigured when there is none, or none of that id."""
    if connection_id is None:
        every = list(app.connections.list_all())
        if not every:
            raise Misconfigured("There are no connections yet. `connector connections import` makes them.")
        return every
    found = app.connections.find(connection_id)
    if found is None:
        raise Misconfigured(f"There is no connection {connection_id}. `connector connections list` shows them.")
    return [found]


def find_invoices(app: App, connection: Connection, named: str) -> list[Located]:
    """Return the invoices of this name in the connection's Dynamics, deleted ones too that were exported; one call.

    Raises Transient, Limited or Disconnected.
    """
    invoice_id, named = id_in(named), named.strip()
    if not invoice_id and not _may_be_a_number(named):
        return []
    of_invoice = f"invoiceid eq {invoice_id}" if invoice_id else f"invoicenumber eq {text_literal(named)}"
    of_details = (
        f"stl3_dynamicsinvoiceid eq {text_literal(invoice_id)}"
        if invoice_id
        else f"stl3_dynamicsnumber eq {text_literal(named)}"
    )
    invoices, details = read_batch(
        app.connect(connection, app.lanes.now),
        rows_path("invoices", {"$select": "invoiceid,_stl3_connector_value", "$filter": of_invoice}),
        rows_path(columns.DETAILS.set_name, {"$select": _DETAILS, "$filter": of_details}),
    )
    owners = {row["invoiceid"]: row.get("_stl3_connector_value") or "" for row in invoices}
    for row in details:
        key = row["stl3_dynamicsinvoiceid"]
        if key not in owners and not invoice_id and row.get("_stl3_invoice_value"):
            continue  # the invoice lives and has another number by now
        found = to_details(row)
        if found.is_bound or not owners.get(key):
            owners[key] = found.connection_id
    return [Located(key, owner) for key, owner in sorted(owners.items())]


def locate(app: App, named: str, connection_id: str | None) -> tuple[list[Hit], list[str]]:
    """Return every invoice of this name with the connection that it belongs to, and what could not be asked.

    One that belongs to no connection, or to none of those asked, comes with each that could have it. Raises
    Misconfigured when there is none.
    """
    hits: list[Hit] = []
    failures: list[str] = []
    by_organization: dict[str, list[Connection]] = {}
    for connection in chosen(app, connection_id):
        by_organization.setdefault(connection.dynamics_organization_id, []).append(connection)
    for connections in by_organization.values():
        for located in _find_by_any(app, connections, named, failures):
            owners = [connection for connection in connections if connection.id == located.owner]
            hits += [Hit(connection, located.invoice_id) for connection in owners or connections]
    if not hits and failures:
        raise Misconfigured("\n".join([f"Dynamics could not be asked for {shown(named)}:", *failures]))
    if not hits:
        raise Misconfigured(f"{not_found([named])} {HOW_TO_NAME}")
    return hits, failures


def each_of(
    names: Iterable[str], look: Callable[[str], tuple[list[Found], list[str]]]
) -> tuple[list[Found], list[str], list[str]]:
    """Return what `look` finds for these names, what could not be asked, and what there is to say of the others.

    A name that is not found does not keep the others from their answer.
    """
    found: list[Found] = []
    failures: list[str] = []
    wrong: list[str] = []
    for named in dict.fromkeys(names):
        try:
            hits, failed = look(named)
        except Misconfigured as error:
            wrong.append(str(error))
        else:
            found += hits
            failures += failed
    return found, list(dict.fromkeys(failures)), list(dict.fromkeys(wrong))


def not_found(names: Sequence[str]) -> str:
    return f"Not found in Dynamics: {', '.join(map(shown, names))}."


def shown(named: str) -> str:
    """Return what a person named, fit for a line of a terminal."""
    plain = "".join(character if character.isprintable() else "?" for character in named.strip())
    return (plain if len(plain) <= SHOWN_MAX else f"{plain[:SHOWN_MAX]}…") or "(an empty name)"


def id_in(named: str) -> str:
    """Return the invoice's GUID in what a person named; empty if it holds none.

    A link may hold the id of an app before the invoice's, and that of the organisation behind the #.
    """
    address = named.lower().split("#", 1)[0]
    if found := _ID_OF_LINK.search(address):
        return found[1]
    every: list[str] = _ANY_ID.findall(address)
    return every[-1] if every else ""


def _may_be_a_number(named: str) -> bool:
    """Whether Dynamics can be asked: nothing else is an invoice ID, and some of it is no text at all."""
    return 0 < len(named) <= NAME_MAX and named.isprintable()


def _find_by_any(app: App, connections: Sequence[Connection], named: str, failures: list[str]) -> list[Located]:
    """Connections to one Dynamics see the same invoices: the first that can ask is enough."""
    for connection in connections:
        try:
            return find_invoices(app, connection, named)
        except ConnectorError as error:
            failures.append(f"{connection.name}: {error}")
    return []
