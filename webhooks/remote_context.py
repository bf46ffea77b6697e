"""Turns a RemoteExecutionContext of Dataverse, whatever is missing or odd in it, into events.

The same document comes by webhook and by Service Bus. Above its size limit Dataverse takes out the parameters and
images: the event then rests on PrimaryEntityName and PrimaryEntityId alone.
Source: Microsoft Learn, "Use webhooks", "Understand the execution context"; recorded payloads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Final

from core import columns, ids
from core.event import OWN_TAG, Event
from webhooks.reading import Read, find_guid, find_text, without_repeats

LINE: Final = "invoicedetail"
FOLLOWED: Final = frozenset({"invoice", LINE, columns.DETAILS.name, columns.SETTINGS.name, "account", "contact"})
# Rows that matter for the sake of an invoice, and the columns that name it.
INVOICE_COLUMNS: Final = {
    LINE: ("invoiceid",),
    columns.DETAILS.name: ("stl3_dynamicsinvoiceid", "stl3_invoice"),
}
# What one body may ask for, so that none comes to many times its size. A row that moved names two invoices, and the
# 256 KB above which Dataverse takes out the rows hold fewer than these.
INVOICES_MAX: Final = 4
EVENTS_MAX: Final = 4_000
STATE_MESSAGES: Final = frozenset({"setstate", "setstatedynamicentity"})
STATE_COLUMNS: Final = ("statecode", "statuscode")

_COLUMN_NAME: Final = re.compile(r"[a-z0-9_]{1,128}", re.ASCII)

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A row that the message is about: the values it brought, where it brought any."""

    record_id: str
    values: Document


def organisation_of(context: Document) -> str | None:
    """Return the id of the organisation that speaks."""
    return find_guid(_unwrapped(context.get("OrganizationId")))


def read_context(context: Document, organisation: str) -> Read:
    """Return the events of a context that `organisation` was proved to have sent, and what was left out."""
    if _is_echo(context):
        return Read(counts=Counter(echo=1))
    entity = (find_text(context.get("PrimaryEntityName")) or "").lower()
    message = find_text(context.get("MessageName"))
    if not entity or message is None:
        return Read(counts=Counter(unusable=1))
    if entity not in FOLLOWED:
        return Read(counts=Counter(not_followed=1))
    rows = _rows_of(context)
    if not rows:
        return Read(counts=Counter(unusable=1))
    events = list(islice(_events_of(context, organisation, entity, message, rows), EVENTS_MAX + 1))
    counts = Counter(too_many=1) if len(events) > EVENTS_MAX else Counter()
    return Read(without_repeats(events[:EVENTS_MAX]), counts)


def _events_of(context: Document, organisation: str, entity: str, message: str, rows: list[Row]) -> Iterator[Event]:
    images = [image for name in ("PreEntityImages", "PostEntityImages") for image in _images_of(context, name)]
    of_images = _invoices_of(entity, images)[:INVOICES_MAX]
    # Each of many rows may ask for it.
    whole = cache(lambda: ids.digest(repr(context)))
    for row in rows:
        version = _version_of(context, row, whole)
        invoices = list(dict.fromkeys([*_invoices_of(entity, [row.values]), *of_images]))[:INVOICES_MAX]
        yield from _events_of_row(organisation, entity, message, row, version, invoices)


def _events_of_row(
    organisation: str, entity: str, message: str, row: Row, version: str, invoices: list[str]
) -> Iterator[Event]:
    changed = _columns_of(message, row)
    for invoice_id in invoices:
        # The row that changed stays part of the version: two lines of one operation are two events. And it is an
        # update of the invoice, whatever happened to the row: a line that was deleted deletes no invoice.
        yield Event("dynamics", organisation, "invoice", invoice_id, "Update", f"{version}/{row.record_id}", changed)
    if not invoices:
        yield Event("dynamics", organisation, entity, row.record_id, message, version, changed)


def _rows_of(context: Document) -> list[Row]:
    """The rows named by Target (Create, Update, Delete), EntityMoniker (SetState) or Targets (…Multiple)."""
    parameters = _pairs(context.get("InputParameters"))
    several = parameters.get("Targets")
    if several is not None:
        listed = several.get("Entities") if isinstance(several, dict) else several
        found = [_row_of(target, None) for target in listed] if isinstance(listed, list) else []
        return [row for row in found if row is not None]
    target = parameters.get("Target", parameters.get("EntityMoniker"))
    primary = find_guid(_unwrapped(context.get("PrimaryEntityId")))
    created = find_guid(_unwrapped(_pairs(context.get("OutputParameters")).get("id")))
    row = _row_of(target, primary or created)
    return [row] if row is not None else []


def _row_of(target: Any, known_id: str | None) -> Row | None:
    fields = target if isinstance(target, dict) else {}
    record_id = known_id or find_guid(_unwrapped(fields.get("Id")))
    return None if record_id is None else Row(record_id, _pairs(fields.get("Attributes")))


def _columns_of(message: str, row: Row) -> tuple[str, ...]:
    if message.lower() in STATE_MESSAGES:
        return STATE_COLUMNS
    return tuple(sorted(name for name in row.values if _COLUMN_NAME.fullmatch(name)))


def _version_of(context: Document, row: Row, whole: Callable[[], str]) -> str:
    """Two real changes never share it, two deliveries of one change do.

    The operation alone is not enough: one request may change a row twice. Without any, `whole` stands for all that
    the context says.
    """
    parts = (context.get("OperationId"), row.values.get("modifiedon"), context.get("OperationCreatedOn"))
    known = [text for part in parts if (text := find_text(_unwrapped(part)))]
    return "/".join(known) or whole()


def _invoices_of(entity: str, sources: list[Document]) -> list[str]:
    """A line that moved names two: the one it left is in the pre-image."""
    found = [
        invoice_id
        for name in INVOICE_COLUMNS.get(entity, ())
        for values in sources
        if (invoice_id := _reference(values.get(name)))
    ]
    return list(dict.fromkeys(found))


def _images_of(context: Document, name: str) -> list[Document]:
    images = _pairs(context.get(name)).values()
    return [_pairs(image.get("Attributes")) for image in images if isinstance(image, dict)]


def _is_echo(context: Document) -> bool:
    """The tag of a write stands in its own context or in one of those around it."""
    around: Any = context
    while isinstance(around, dict):
        if _unwrapped(_pairs(around.get("SharedVariables")).get("tag")) == OWN_TAG:
            return True
        around = around.get("ParentContext")
    return False


def _reference(value: Any) -> str | None:
    """Return the id in a lookup, a wrapped GUID or a plain text."""
    value = _unwrapped(value)
    if isinstance(value, dict):
        value = _unwrapped(value.get("Id"))
    return find_guid(value)


def _unwrapped(value: Any) -> Any:
    """Some serialisers write `{"__type": "Guid:#System", "__value": …}` for a plain value."""
    return value["__value"] if isinstance(value, dict) and "__value" in value else value


def _pairs(value: Any) -> Document:
    """Return a collection, which is an array of key and value, as a dict; an empty one for anything else."""
    if not isinstance(value, list):
        return {}
    return {
        pair["key"]: pair.get("value")
        for pair in value
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }
