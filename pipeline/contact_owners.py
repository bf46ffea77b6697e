"""Which customers in Dynamics a Xero contact belongs to, and the other way round, without asking Xero (D8, C20)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from clients.http import Payload
from clients.odata import rows_path
from core import columns
from core.errors import Rejected
from pipeline.reading import read_batch
from pipeline.tools import Tools

log = structlog.get_logger()

Pair = tuple[str, str]  # a customer's id and a contact's


def list_owners(tools: Tools, contact_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return, by contact id, the customers whose documents name that contact."""
    (rows,) = read_batch(tools, owners_path(tools, contact_ids))
    owners: dict[str, set[str]] = {contact_id: set() for contact_id in contact_ids}
    for customer_id, contact_id in to_pairs(rows):
        owners[contact_id].add(customer_id)
    return owners


def list_contacts_of(tools: Tools, customer_ids: Sequence[str]) -> Mapping[str, set[str]]:
    """Return, by customer id, the contacts that their documents name."""
    (rows,) = read_batch(tools, contacts_path(tools, customer_ids))
    named: dict[str, set[str]] = defaultdict(set)
    for customer_id, contact_id in to_pairs(rows):
        named[customer_id].add(contact_id)
    return named


def owners_path(tools: Tools, contact_ids: Iterable[str]) -> str:
    """Return the path of the pairs of these contacts (at least one), for whoever reads it along with other things."""
    return _pairs_path(tools, _one_of("stl3_xerocontactid", contact_ids))


def contacts_path(tools: Tools, customer_ids: Iterable[str]) -> str:
    """Return the path of the pairs of these customers (at least one)."""
    return _pairs_path(tools, _one_of("stl3_contactof", customer_ids))


def to_pairs(rows: Iterable[Payload]) -> list[Pair]:
    return [(row["stl3_contactof"], row["stl3_xerocontactid"]) for row in rows]


def list_named_contacts(tools: Tools) -> set[str]:
    """Return all contacts that documents of this connection name for a customer, page after page."""
    query = _pairs_query(tools, "")
    return {contact_id for _, contact_id in to_pairs(tools.dataverse.fetch(columns.DETAILS.set_name, query))}


def find_numbered(tools: Tools, contact_ids: Collection[str]) -> dict[str, str]:
    """Return the customer of each of these contacts whose ContactNumber may be the id of one.

    Not every contact that nobody here knows is read in Xero: those that have a number are listed once a day, a
    thousand a call. Raises Transient, Limited or Disconnected.
    """
    if not contact_ids:
        return {}
    known = tools.memory.numbered(contact_ids)
    if known is not None:
        return known
    try:
        numbers = {
            contact["ContactID"]: number
            for contact in tools.xero.list_contacts_numbered()
            if (number := _as_id(contact.get("ContactNumber")))
        }
    except Rejected as error:
        # More contacts than Xero searches at once: those that documents name are enough to go on with.
        log.warning("contacts.unlisted", connection=tools.connection.id, reference=error.reference)
        tools.memory.keep_numbered()
        return tools.memory.numbered(contact_ids) or {}
    tools.memory.remember_numbered(numbers)
    return {contact_id: numbers[contact_id] for contact_id in contact_ids if contact_id in numbers}


def _as_id(number: object) -> str:
    try:
        return str(UUID(str(number)))
    except ValueError:
        return ""


def _one_of(column: str, ids: Iterable[str]) -> str:
    values = "".join(f"<value>{UUID(one)}</value>" for one in ids)
    assert values, "an empty list would match nothing: do not ask"
    return f"""<condition attribute="{column}" operator="in">{values}</condition>"""


def _pairs_path(tools: Tools, condition: str) -> str:
    return rows_path(columns.DETAILS.set_name, {"fetchXml": _pairs_query(tools, condition)})


def _pairs_query(tools: Tools, condition: str) -> str:
    """The pairs of customer and contact that Xero details of this connection name, under this condition.

    The rows say themselves whose contact it is: their invoices may have another customer by now.
    """
    return f"""<fetch distinct="true">
      <entity name="{columns.DETAILS.name}">
        <attribute name="stl3_xerocontactid" />
        <attribute name="stl3_contactof" />
        <filter type="and">
          <condition attribute="stl3_connectionid" operator="eq" value="{tools.connection.id}" />
          <condition attribute="stl3_xerocontactid" operator="not-null" />
          <condition attribute="stl3_contactof" operator="not-null" />
          {condition}
        </filter>
        <order attribute="stl3_xerocontactid" />
        <order attribute="stl3_contactof" />
      </entity>
    </fetch>"""
