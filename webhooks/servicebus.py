"""Turns a message of a Service Bus queue into events, or into the reason why it is dead-lettered.

The body is the document that a webhook posts; what a webhook has as headers comes as application properties, whose
keys are URLs. Who may send is settled by the queue's key, so a message is believed for the organisations that are
connected here, and for no other.
Source: Microsoft Learn, "Work with event data in your Azure Event Hub solution", "Write a listener for Azure";
Microsoft.Xrm.Sdk.ClaimTypes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from webhooks import remote_context
from webhooks.reading import NotJson, Read, parsed

ORGANISATION_CLAIM: Final = "http://schemas.microsoft.com/xrm/2011/Claims/Organization"
BODY_BYTES_MAX: Final = 1024 * 1024  # Dataverse stops at 192 KB

_BINARY_XML: Final = "application/msbin1"
_TEXT_XML: Final = frozenset({"application/xml", "text/xml"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is dead-lettered; both texts are constants, so that nothing personal gets into them."""

    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message said, or why nobody will ever be able to use it."""

    read: Read = field(default_factory=Read)
    refusal: Refusal | None = None


NO_DATA: Final = Refusal("NoBody", "The message has no binary body.")
BINARY_XML: Final = Refusal(
    "BinaryXml", "The endpoint writes .NET binary XML. Register it with the message format JSON."
)
TEXT_XML: Final = Refusal("Xml", "The endpoint writes XML. Register it with the message format JSON.")
TOO_LARGE: Final = Refusal("TooLarge", "The body is larger than anything that Dynamics sends.")
NOT_JSON: Final = Refusal("NotJson", "The body is not JSON in UTF-8.")
NO_OBJECT: Final = Refusal("NotAContext", "The body is JSON, but not an execution context of Dynamics.")
NO_ORGANISATION: Final = Refusal("NoOrganisation", "The execution context names no organisation.")
OTHER_HOST: Final = Refusal(
    "OrganisationMismatch", "The message comes from an environment that is not the organisation that its body names."
)


def read_message(
    body: bytes | None,
    content_type: str | None,
    properties: Mapping[Any, Any] | None,
    find_hosts: Callable[[str], frozenset[str]],
) -> Verdict:
    """Return the events of one message, or its refusal; raises nothing but what `find_hosts` raises.

    `body` is None where the message has no binary body. Keys and values of `properties` may be bytes, as the SDK
    gives them, or text. `find_hosts` returns the hosts of the environments at which an organisation is connected, as
    `host_of` writes them; none for an organisation that is unknown here.
    """
    context = _context_of(body, content_type)
    if isinstance(context, Refusal):
        return Verdict(refusal=context)
    organisation = remote_context.organisation_of(context)
    if organisation is None:
        return Verdict(refusal=NO_ORGANISATION)
    hosts = find_hosts(organisation)
    if not hosts:
        return Verdict(Read(counts=Counter(unknown_organisation=1)))
    claim = _claim_in(properties)
    if claim is not None and (host_of(_text_of(claim)) or None) not in hosts:
        # A copy of an environment keeps the endpoint of the original, and some of it its organisation id.
        return Verdict(refusal=OTHER_HOST)
    return Verdict(remote_context.read_context(context, organisation))


def host_of(address: str) -> str:
    """Return the host in an address or in a host with or without port; empty for what is neither.

    The Web API of an environment answers at `contoso.api.crm4…`, too; that is the environment `contoso.crm4…`.
    """
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return host.lower().rstrip(".").replace(".api.crm", ".crm", 1)


def _context_of(body: bytes | None, content_type: str | None) -> dict[str, Any] | Refusal:
    """Each wrong message format has a reason of its own: that is what an administrator can mend."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == _BINARY_XML:
        return BINARY_XML
    if kind in _TEXT_XML:
        return TEXT_XML
    if body is None:
        return NO_DATA
    if len(body) > BODY_BYTES_MAX:
        return TOO_LARGE
    try:
        document = parsed(body)
    except NotJson:
        return NOT_JSON
    return document if isinstance(document, dict) else NO_OBJECT


def _claim_in(properties: Mapping[Any, Any] | None) -> Any:
    for key, value in (properties or {}).items():
        if _text_of(key) == ORGANISATION_CLAIM:
            return value
    return None


def _text_of(value: Any) -> str:
    """Return a text; empty for anything that is none, which then contradicts every host."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
