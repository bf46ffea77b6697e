"""Events for Azure: the messages that an environment would put on a queue, a topic or an event hub."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.dataverse.environment import Environment, Event
from simulators.dataverse.payload_out import LEFT_OUT, Step, encode, event_document

SIZE_MAX = 192 * 1024
CONTRACTS = frozenset({1, 2, 4, 5, 6, 7})
_CLAIMS = "http://schemas.microsoft.com/xrm/2011/Claims"


@dataclass(frozen=True, slots=True)
class BusMessage:
    """One message: the same document as a webhook's body, with the names of what it is about as properties."""

    path: str
    body: bytes
    application_properties: dict[str, str]
    content_type: str = "application/json"


def bus_message(env: Environment, event: Event, step: Step, path: str) -> BusMessage:
    """Return the message of one event and step; over 192 KB without the members that make it large."""
    document = event_document(env, event, step)
    properties = {
        f"{_CLAIMS}/Organization": env.host,
        f"{_CLAIMS}/User": step.impersonated_user_id or event.caller.user_id,
        f"{_CLAIMS}/InitiatingUser": event.caller.user_id,
        f"{_CLAIMS}/EntityLogicalName": event.table,
        f"{_CLAIMS}/RequestName": event.message,
        f"{_CLAIMS}/InitiatingUserAgent": event.caller.user_agent,
    }
    body = encode(document)
    if len(body) > SIZE_MAX:
        body = encode({name: value for name, value in document.items() if name not in LEFT_OUT})
        properties[f"{_CLAIMS}/MessageMaxSizeExceeded"] = "true"
    return BusMessage(path, body, properties)
