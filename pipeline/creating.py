"""Creates contacts and items in Xero, as many in a call as there may be; Xero itself refuses what it has already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clients.http import Payload
from clients.xero import Element
from core import ids
from core.errors import Rejected
from pipeline.tools import Tools

CHUNK = 50


def create_all(tools: Tools, create: Callable[..., list[Element]], documents: Sequence[Payload]) -> list[Element]:
    """Return what became of each document, in order; `create` is `Xero.create_contacts` or `Xero.create_items`.

    A call that is refused whole made nothing: its documents go one by one, so that only the culprit is refused.
    Raises Transient, Limited, Disconnected or Unknown (some may exist now; the next look finds them).
    """
    elements: list[Element] = []
    for start in range(0, len(documents), CHUNK):
        elements += _create(tools, create, documents[start : start + CHUNK])
    return elements


def _create(tools: Tools, create: Callable[..., list[Element]], documents: Sequence[Payload]) -> list[Element]:
    started = tools.hold()
    key = ids.idempotency_key(tools.connection.id, ids.content_hash(list(documents)), started)
    try:
        return create(documents, key=key)
    except Rejected as error:
        if len(documents) == 1:
            return [Element({}, error.messages or (str(error),), ())]
    return [element for document in documents for element in _create(tools, create, [document])]
