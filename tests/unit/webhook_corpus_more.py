"""More bad input for both webhooks: sizes, what the words mean, and wrong values at every place of a sample."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from core.event import OWN_TAG
from tests.unit.webhook_corpus import (
    CANARY,
    LIMIT,
    OTHER,
    Case,
    Source,
    case,
    dynamics_context,
    several_context,
    xero_delivery,
    xero_event,
)
from tests.unit.webhook_world import INVOICE, ORGANISATION, TENANT, context, image, target

Path = tuple[str | int, ...]

WRONG: Final[tuple[Any, ...]] = (
    *(None, True, -1, 10**30, 1.5, "", CANARY, "\ud800\x00", [], {}, [[{CANARY: CANARY}], CANARY]),
    *({CANARY: CANARY}, {"__value": {"__value": None}}, {"Id": OTHER}, OTHER, [{"key": "Target", "value": CANARY}]),
)


def transport() -> Iterator[Case]:
    """F16: more than anybody sends, lengths that are not true, other encodings and types of content."""
    whole: dict[Source, bytes] = {
        "xero": json.dumps(xero_delivery(xero_event())).encode(),
        "dynamics": json.dumps(context()).encode(),
    }
    for source, body in whole.items():
        full = body + b" " * (LIMIT - len(body))
        yield case(source, "1 MB", full, status=200, events=1)
        for name, much in {
            "1 MB and a byte": full + b" ",
            "2 MB": full + full,
            "10 MB of keys": _keys(600_000),
        }.items():
            yield case(source, name, much, status=413, events=0)
        bomb = gzip.compress(b"0" * 100_000_000, 1)
        for name, packed in {"gzip": gzip.compress(body), "gzip bomb": bomb, "deflate": zlib.compress(body)}.items():
            headers = {"content-encoding": name.split()[0]}
            status = 200 if source == "xero" else 400
            yield case(source, name, packed, status=status, events=0, headers=headers)
        for kind in (
            *("", "text/plain", "application/xml", "application/json; charset=utf-16", "application/octet-stream"),
            *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "\xff"),
            "a" * 10_000,
        ):
            headers = {"content-type": kind}
            yield case(source, f"content type {kind[:40]!r}", body, status=200, events=1, headers=headers)
        for length in ("1048577", "1073741824", "9" * 18, "9" * 30):
            yield case(source, f"says {length} bytes", body, status=413, events=0, length=length)
        for length in (str(len(body) + 1), "1048576"):
            yield case(source, f"says {length} bytes and ends", body, status=400, events=0, length=length)
        for length in (str(len(body) - 1), "1", "0", "", "-1", "+5", "1e3", "0x10", "5,5", " ", "abc", "\xb2"):
            refused = 401 if source == "xero" else 400
            yield case(source, f"says {length!r} bytes", body, status=refused, events=0, length=length)
        yield case(source, "without end or length", b"x" * 65536, status=413, events=0, endless=True)
        for name, header in {
            "override of the method": {"x-http-method-override": "DELETE"},
            "another host": {"host": f"{CANARY}.example"},
            "another address": {"x-original-url": "/healthz", "x-rewrite-url": "/healthz"},
            "a cookie": {"cookie": f"session={CANARY}"},
            "an authorization": {"authorization": f"Bearer {CANARY}"},
            "a range": {"range": "bytes=0-1", "if-match": CANARY},
            "a correlation that is none": {"x-ms-correlation-request-id": CANARY},
            "500 headers": {f"x-{CANARY}-{number}": CANARY for number in range(500)},
        }.items():
            yield case(source, name, body, status=200, events=1, headers=header)


def meanings() -> Iterator[Case]:
    """F11, F13, F14, and events that nobody expected: counted or harmless, and never of another tenant."""
    for name, changes, events in (
        ("a foreign tenant (F13)", {"tenantId": OTHER}, 0),
        ("a tenant that was disconnected (F11)", {"tenantId": "c2cc9b6e-9458-4c7d-93cc-f02b81b05950"}, 0),
        ("no tenant at all", {"tenantId": "00000000-0000-0000-0000-000000000000"}, 0),
        ("the organisation in Dynamics as tenant", {"tenantId": ORGANISATION}, 0),
        ("a tenant with a joker", {"tenantId": TENANT[:-1] + "%"}, 0),
        ("a tenant and more", {"tenantId": f"{TENANT} OR 1=1"}, 0),
        ("several tenants", {"tenantId": [TENANT, OTHER]}, 0),
        ("the tenant in capitals", {"tenantId": TENANT.upper()}, 1),
        ("the tenant in braces", {"tenantId": f"{{{TENANT}}}"}, 1),
        ("no resource", {"resourceId": "00000000-0000-0000-0000-000000000000"}, 0),
        ("another address as resource", {"resourceUrl": f"http://169.254.169.254/{CANARY}"}, 1),
        ("an unknown category", {"eventCategory": "PAYROLL"}, 0),
        ("a category of another product", {"eventCategory": "SUBSCRIPTION"}, 0),
        ("a category in other letters", {"eventCategory": "Invoice"}, 1),
        ("a category with a space", {"eventCategory": "INVOICE "}, 0),
        ("an unknown type", {"eventType": "EXPLODE"}, 1),
        ("a type in other letters", {"eventType": "update"}, 1),
        ("a type of 1 kB", {"eventType": CANARY * 100}, 0),
        ("1970", {"eventDateUtc": "1970-01-01T00:00:00"}, 1),
        ("30 days old (F14)", {"eventDateUtc": "2026-02-18T14:05:09.450"}, 1),
        ("the year 9999", {"eventDateUtc": "9999-12-31T23:59:59.999"}, 1),
        ("no date", {"eventDateUtc": "yesterday"}, 1),
        ("a date with zone", {"eventDateUtc": "2026-03-20T14:05:09.450+99:00"}, 1),
        ("an empty date", {"eventDateUtc": ""}, 0),
        ("a key of Redis as date", {"eventDateUtc": "x\r\nFLUSHALL\r\n"}, 0),
        ("more members", {CANARY: {CANARY: [CANARY]}}, 1),
    ):
        yield case("xero", name, xero_delivery(xero_event(**changes)), status=200, events=events)
    event = xero_event()
    for name, document, events in (
        ("a sequence that jumps", xero_delivery(event, firstEventSequence=10**18, lastEventSequence=10**30), 1),
        ("a sequence backwards", xero_delivery(event, firstEventSequence=9, lastEventSequence=-9), 1),
        ("the same 1,000 times (F14)", xero_delivery(*[event] * 1000), 1),
        ("foreign ones between (F13)", xero_delivery(event, xero_event(tenantId=OTHER), xero_event(tenantId="x")), 1),
        ("odd ones between", xero_delivery(None, 1, "x", [], {}, event, [event], {"events": [event]}), 1),
        ("100,000 that are nothing", xero_delivery(*[0] * 100_000), 0),
        ("2,500 of them", xero_delivery(*[xero_event(eventDateUtc=f"t{n}") for n in range(2500)]), 2500),
        ("2,500 foreign ones", xero_delivery(*[xero_event(tenantId=f"{n:032x}") for n in range(1, 2500)]), 0),
    ):
        yield case("xero", name, document, status=200, events=events)
    yield from _meanings_of_contexts()


def _meanings_of_contexts() -> Iterator[Case]:
    for name, organisation in {
        "another organisation with our secret (F13)": OTHER,
        "the tenant in Xero as organisation": TENANT,
        "our organisation and more": f"{ORGANISATION} ",
        "several organisations": [ORGANISATION, OTHER],
        "wrapped: another": {"__value": OTHER},
        "no organisation": "00000000-0000-0000-0000-000000000000",
    }.items():
        refused = case("dynamics", name, context(OrganizationId=organisation), status=403, events=0)
        yield refused
    foreign = {"OrganizationId": OTHER, "OrganizationName": OTHER, "PrimaryEntityId": OTHER}
    images = {"PreEntityImages": image(OrganizationId=OTHER, organizationid=OTHER, invoiceid=OTHER)}
    for name, document, events in (
        ("another organisation around it", context(ParentContext=foreign), 1),
        ("another organisation in its values", context(InputParameters=target(OrganizationId=OTHER)), 1),
        ("another organisation in images (F13)", context("invoicedetail", **images), 1),
        ("our organisation in capitals", context(OrganizationId=ORGANISATION.upper()), 1),
        ("a record of somebody else", context(PrimaryEntityId=OTHER, UserId=OTHER, BusinessUnitId=OTHER), 1),
        ("an unknown table", context(CANARY), 0),
        ("a table with more behind", context("invoice;drop"), 0),
        ("an unknown message", context(message="Explode"), 1),
        ("a message of 1 kB", context(message=CANARY * 100), 0),
        ("1970", context(InputParameters=target(modifiedon="/Date(0)/")), 1),
        ("the year 9999", context(InputParameters=target(modifiedon="/Date(253402300799999)/")), 1),
        ("before the beginning", context(OperationCreatedOn="/Date(-99999999999999999)/"), 1),
        ("an echo", context(SharedVariables=[{"key": "tag", "value": OWN_TAG}]), 0),
        ("parameters doubled", context(InputParameters=target(name=1) * 500), 1),
        ("the same row 1,000 times", context(InputParameters=_targets([INVOICE] * 1000)), 1),
        ("2,000 rows", context(InputParameters=_targets([f"{n:032x}" for n in range(1, 2001)])), 2000),
        ("2,000 rows and no version", _rows_without_version(), 2000),
        ("2,000 rows without an id", context(InputParameters=_targets([""] * 2000)), 0),
    ):
        yield case("dynamics", name, document, status=200, events=events)


def places_of(document: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a document, the whole of it first."""
    yield path
    if isinstance(document, dict):
        for name, value in document.items():
            yield from places_of(value, (*path, name))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from places_of(value, (*path, index))


def value_at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def with_value(document: Any, path: Path, value: Any) -> Any:
    """Return the document with another value at a place."""
    if not path:
        return value
    changed = deepcopy(document)
    value_at(changed, path[:-1])[path[-1]] = value
    return changed


def without(document: Any, path: Path) -> Any:
    changed = deepcopy(document)
    del value_at(changed, path[:-1])[path[-1]]
    return changed


def wrong_values(source: Source, name: str, document: Any, *, seen: set[Path] | None = None) -> Iterator[Case]:
    """F16: each wrong value at each place, and each place left out.

    `seen` keeps the places of all samples of one sender: values of a kind stand at places of the same shape (the
    same names, any index), and one of them is enough.
    """
    shapes = seen if seen is not None else set()
    for path in places_of(document):
        shape = tuple("*" if isinstance(step, int) else step for step in path)
        if seen is not None and shape in shapes:
            continue
        shapes.add(shape)
        shown = "/".join(map(str, path))
        for value in WRONG:
            yield case(source, f"{name}: {shown} = {value!r:.30}", with_value(document, path, value))
        if path:
            yield case(source, f"{name}: {shown} left out", without(document, path))


def own_samples() -> Iterator[Case]:
    """Wrong values at every single place of samples of our own."""
    yield from wrong_values("xero", "delivery", xero_delivery(xero_event()))
    yield from wrong_values("dynamics", "context", dynamics_context())
    yield from wrong_values("dynamics", "several", several_context())


def _rows_without_version() -> dict[str, Any]:
    return context(OperationId=None, InputParameters=_targets([f"{n:032x}" for n in range(1, 2001)]))


def _keys(number: int) -> bytes:
    return b"{" + b",".join(b'"%s%d":0' % (CANARY.encode(), key) for key in range(number)) + b"}"


def _targets(record_ids: list[str]) -> list[dict[str, Any]]:
    return [{"key": "Targets", "value": {"Entities": [{"Id": record_id} for record_id in record_ids]}}]
