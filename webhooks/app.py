"""The web application for webhooks: proves who speaks, publishes the events to the inbox, then answers.

Beside them it leads people from Xero to their invoice, and says whether it is well.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from flask import Flask, Response, jsonify, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from core.addresses import OPEN_INVOICE
from core.endpoints import SECRET_HEADER, Endpoint
from core.errors import Transient
from core.event import Event
from webhooks import remote_context, xero
from webhooks.counters import Counters
from webhooks.opening import open_invoice
from webhooks.reading import NotJson, Read, find_guid, find_text, parsed

BODY_BYTES_MAX = 1024 * 1024
SECRET_PARAMETER = "code"  # noqa: S105 - what Dataverse calls it when its endpoint uses a webhook key

# Compared with when there is no endpoint, so that an unknown address takes as long as a wrong secret.
_NOBODY = Endpoint("", "", ("nobody-has-this-secret-and-nobody-can-offer-it",))

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application needs.

    `find_endpoint` may remember for some seconds what it found; `read_endpoint` must not. `publish` raises Transient
    when the inbox did not take the events. `problems` names what is not ready to serve. `find_dynamics_url` knows the
    address of each connection's Dynamics.
    """

    publish: Callable[[Sequence[Event]], None]
    find_endpoint: Callable[[str], Endpoint | None]
    read_endpoint: Callable[[str], Endpoint | None]
    knows_xero_tenant: Callable[[str], bool]
    xero_webhook_keys: tuple[str, ...] = field(repr=False)
    problems: Callable[[], list[str]] = list
    find_dynamics_url: Callable[[str], str | None] = lambda _connection_id: None
    counters: Counters = field(default_factory=Counters)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a delivery, and what to count."""

    status: int
    read: Read = field(default_factory=Read)
    organisation: str | None = None


def create_app(parts: Parts) -> Flask:
    """Return the WSGI application. Nothing is connected before the first request."""
    app = Flask("webhooks", static_folder=None)
    # Of a chunked body Werkzeug reads this much and says nothing about the rest: the byte too many tells (_body).
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX + 1

    @app.post("/webhooks/xero")
    def from_xero() -> Response:
        return _answered(parts, "xero", lambda: _receive_xero(parts))

    @app.post("/webhooks/dynamics/<key>")
    def from_dynamics(key: str) -> Response:
        return _answered(parts, "dynamics", lambda: _receive_dynamics(parts, key))

    @app.get(f"{OPEN_INVOICE}/<connection_id>/<invoice_id>")
    def to_invoice(connection_id: str, invoice_id: str) -> Response:
        return open_invoice(connection_id, invoice_id, parts.find_dynamics_url)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(alive=True)

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        problems = parts.problems()
        return jsonify(ready=not problems, problems=problems), 503 if problems else 200

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        response = error.get_response()
        allowed = response.headers.get("Allow")
        return Response(status=error.code, headers={"Allow": allowed} if allowed else None)

    return app


def _receive_xero(parts: Parts) -> Verdict:
    """Nothing of the body is looked at before its signature is right."""
    body = _body()
    if not xero.is_signed(body, request.headers.get(xero.SIGNATURE_HEADER), parts.xero_webhook_keys):
        return Verdict(401, Read(counts=Counter(wrong_signature=1)))
    return _published(parts, xero.read_delivery(body, parts.knows_xero_tenant), None)


def _receive_dynamics(parts: Parts, key: str) -> Verdict:
    endpoint = _authenticated(parts, key)
    if endpoint is None:
        return Verdict(401, Read(counts=Counter(wrong_secret=1)))
    try:
        context = parsed(_body())
    except NotJson:
        context = None
    if not isinstance(context, dict):
        return Verdict(400, Read(counts=Counter(unusable=1)), endpoint.organization_id)
    if remote_context.organisation_of(context) != find_guid(endpoint.organization_id):
        # A copy of an environment keeps the address and the secret of the original.
        return Verdict(403, Read(counts=Counter(other_organisation=1)), endpoint.organization_id)
    return _published(parts, remote_context.read_context(context, endpoint.organization_id), endpoint.organization_id)


def _body() -> bytes:
    try:
        body = request.get_data(cache=False)
    except (OSError, ParseException) as error:  # chunks that are none, found while they are read
        raise BadRequest from error
    if len(body) > BODY_BYTES_MAX:
        raise RequestEntityTooLarge
    return body


def _authenticated(parts: Parts, key: str) -> Endpoint | None:
    """Return the endpoint if the caller knows one of its secrets.

    A remembered endpoint may lack a secret that was made a moment ago, so a mismatch asks the store itself. What
    can't be a key is not asked for: at a NUL, PostgreSQL refuses, and that would look like a database that is away.
    """
    for find in (parts.find_endpoint, parts.read_endpoint):
        endpoint = find(key) if find_text(key) else None
        if _knows_secret(endpoint or _NOBODY) and endpoint is not None:
            return endpoint
    return None


def _knows_secret(endpoint: Endpoint) -> bool:
    offered = (request.headers.get(SECRET_HEADER), request.args.get(SECRET_PARAMETER))
    return any([endpoint.accepts(secret) for secret in offered])  # noqa: C419 - each takes its time


def _published(parts: Parts, read: Read, organisation: str | None) -> Verdict:
    """2xx means that the inbox has the events; the sender will not say it again."""
    if read.events:
        try:
            parts.publish(read.events)
        except Transient as error:
            log.warning("inbox.publish_failed", reason=str(error), events=len(read.events))
            return Verdict(503, Read(counts=Counter(not_taken=len(read.events))), organisation)
    return Verdict(200, read, organisation)


def _answered(parts: Parts, source: str, receive: Callable[[], Verdict]) -> Response:
    started = time.perf_counter()
    try:
        if (request.content_length or 0) > BODY_BYTES_MAX:
            raise RequestEntityTooLarge
        verdict = receive()
    except HTTPException as error:
        verdict = Verdict(error.code or 400, Read(counts=Counter(refused=1)))
    except Transient as error:
        log.warning("webhook.delayed", source=source, reason=str(error))
        verdict = Verdict(503, Read(counts=Counter(not_ready=1)))
    counts: Mapping[str, int] = {"accepted": len(verdict.read.events), **verdict.read.counts}
    parts.counters.add({**counts, f"status_{verdict.status}": 1}, prefix=source)
    log.info(
        "webhook.answered",
        source=source,
        status=verdict.status,
        organisation=verdict.organisation,
        organisations=sorted({event.organisation for event in verdict.read.events}),
        records=[event.record_id for event in verdict.read.events[:10]],
        correlation=find_guid(request.headers.get("x-ms-correlation-request-id")),
        took_ms=round((time.perf_counter() - started) * 1000, 1),
        **counts,
    )
    return Response(status=verdict.status)
