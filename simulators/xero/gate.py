"""The way of an accounting call: token, tenant, scope, limits, idempotency key, and only then the handler."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from simulators.clock import Clock
from simulators.xero.accounting import Handler
from simulators.xero.call import JSON, Answer, Call, Refused
from simulators.xero.codec import dumps
from simulators.xero.idempotency import METHODS, IdempotencyKeys, fingerprint
from simulators.xero.identity import AccessToken, App, Identity
from simulators.xero.limits import Lane, Limiter
from simulators.xero.state import Organisation

BROAD = {"accounting.invoices": "accounting.transactions", "accounting.payments": "accounting.transactions"}


@dataclass(frozen=True, slots=True)
class Request:
    """The HTTP request as the gate needs it; header names lower-cased."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    key: str | None
    seated: bool
    part: str | None = None


@dataclass
class Breakdown:
    """An error inside Xero: the next matching calls answer `status`, before or after doing their work."""

    match: str
    status: int = 500
    after: bool = True
    times: int = 1


@dataclass
class Gate:
    """Decides on every accounting call. `lock` guards all state."""

    clock: Clock
    identity: Identity
    organisations: dict[str, Organisation]
    limiter: Limiter
    lock: threading.RLock
    keys: IdempotencyKeys = field(default_factory=IdempotencyKeys)
    breakdowns: list[Breakdown] = field(default_factory=list)

    def run(self, request: Request, scopes: tuple[str, ...], handler: Handler) -> Answer:
        """Answer the call; `scopes` are those of which one must be granted, without `.read`."""
        now = self.clock.now()
        headers = {"Xero-Correlation-Id": self._new_id()}
        try:
            with self.lock:
                token = self._token(request, now)
                app, organisation = self._tenant(request, token)
                _check_scope(token, scopes, writes=request.method != "GET", instance=self._new_id())
            lane = (app.client_id, organisation.tenant_id)
            refusal = self.limiter.count(lane, app.limits, now, seated=request.seated)
            headers |= self.limiter.headers(lane, app.limits, now)
            answer = refusal or self._once(request, app, organisation, handler)
        except Refused as refused:
            answer = refused.answer
        if answer.body and "json" not in request.headers.get("accept", ""):
            answer = _xml(answer)
        return replace(answer, headers={**headers, **answer.headers})

    def lane(self, headers: Mapping[str, str]) -> Lane | None:
        """Return whose seats a call takes, or None when it will be refused before limits matter."""
        with self.lock:
            token = self.identity.access_tokens.get(_bearer(headers))
            tenant_id = self._tenant_id(headers, token) if token else None
            return (token.grant.client_id, tenant_id) if token and tenant_id else None

    def _once(self, request: Request, app: App, organisation: Organisation, handler: Handler) -> Answer:
        def work() -> Answer:
            return self._work(request, app, organisation, handler)

        key = request.headers.get("idempotency-key")
        if not key or request.method not in METHODS:
            return work()
        asked = (request.method, request.path, request.query, organisation.tenant_id)
        print_ = fingerprint(*(part.encode() for part in asked), request.body)
        return self.keys.run(app.client_id, key, print_, work, self.clock.now)

    def _work(self, request: Request, app: App, organisation: Organisation, handler: Handler) -> Answer:
        broken = self._breakdown(f"{request.method} {request.path}?{request.query}")
        if broken is not None and not broken.after:
            return Answer(broken.status)
        call = Call(
            organisation=organisation,
            client_id=app.client_id,
            method=request.method,
            params=request.params,
            body=request.body,
            now=self.clock.now(),
            key=request.key,
            modified_since=request.headers.get("if-modified-since"),
            part=request.part,
        )
        with self.lock:
            try:
                answer = handler(call)
            except Refused as refused:
                answer = refused.answer
        return answer if broken is None else Answer(broken.status)

    def _breakdown(self, call: str) -> Breakdown | None:
        with self.lock:
            for broken in self.breakdowns:
                if re.search(broken.match, call):
                    broken.times -= 1
                    if broken.times <= 0:
                        self.breakdowns.remove(broken)
                    return broken
        return None

    def _token(self, request: Request, now: datetime) -> AccessToken:
        token = self.identity.access_tokens.get(_bearer(request.headers))
        if token is None:
            raise Refused(problem(401, "Unauthorized", "AuthenticationUnsuccessful", self._new_id()))
        if now >= token.expires_at:
            detail = f"TokenExpired: token expired at {token.expires_at:%m/%d/%Y %H:%M:%S}"
            raise Refused(problem(401, "Unauthorized", detail, self._new_id()))
        return token

    def _tenant(self, request: Request, token: AccessToken) -> tuple[App, Organisation]:
        tenant_id = self._tenant_id(request.headers, token)
        if tenant_id is None:
            raise Refused(problem(403, "Forbidden", "AuthenticationUnsuccessful", self._new_id()))
        return self.identity.apps[token.grant.client_id], self.organisations[tenant_id]

    def _tenant_id(self, headers: Mapping[str, str], token: AccessToken) -> str | None:
        connected = [connection.tenant_id for connection in self.identity.connections_of(token.grant)]
        asked = headers.get("xero-tenant-id", "").lower()
        is_custom = self.identity.apps[token.grant.client_id].kind == "custom"
        if not asked and is_custom:
            return connected[0] if connected else None
        return asked if asked in connected else None

    def _new_id(self) -> str:
        with self.lock:
            return self.identity.new_id()


def problem(status: int, title: str, detail: str, instance: str) -> Answer:
    """Return a refusal before the handler: `Type` is null here, and written."""
    fields = dumps({"Title": title, "Status": status, "Detail": detail, "Instance": instance, "Extensions": {}})
    return Answer(status, '{"Type":null,' + fields[1:], JSON)


def _bearer(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _check_scope(token: AccessToken, scopes: tuple[str, ...], *, writes: bool, instance: str) -> None:
    wanted = {*scopes, *(BROAD[scope] for scope in scopes if scope in BROAD)}
    wanted |= set() if writes else {f"{scope}.read" for scope in wanted}
    if not wanted & set(token.grant.scopes):
        raise Refused(problem(401, "Unauthorized", "AuthorizationUnsuccessful", instance))


def _xml(answer: Answer) -> Answer:
    """A caller that did not ask for JSON gets XML: only its root, enough to notice the missing header."""
    root = "Response" if answer.status == 200 else "ApiException"
    body = f'<?xml version="1.0" encoding="utf-8"?><{root} xmlns:xsd="http://www.w3.org/2001/XMLSchema" />'
    return replace(answer, body=body, content_type="text/xml; charset=utf-8")
