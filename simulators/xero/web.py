"""The Flask shell of the accounting API: a table of routes, and a wire that seats calls in flight."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from simulators.wire import Wire
from simulators.xero import accounting, credit_endpoints, payment_endpoints
from simulators.xero.accounting import Handler, get_plain, list_plain
from simulators.xero.call import Answer
from simulators.xero.credit_endpoints import delete_allocation, get_prepaid, list_prepaid, write_allocations
from simulators.xero.gate import Gate, Request
from simulators.xero.settling import CREDIT_NOTE, OVERPAYMENT, PREPAYMENT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from simulators.clock import Clock

API_PREFIX = "/api.xro/2.0"
SEATED = "xero.seated"
_INVOICES, _CONTACTS, _SETTINGS = ("accounting.invoices",), ("accounting.contacts",), ("accounting.settings",)
_ITEMS = _SETTINGS + _INVOICES
_PAYMENTS = ("accounting.payments",)
_PLAIN = {
    "Accounts": "accounts",
    "TaxRates": "tax_rates",
    "BrandingThemes": "branding_themes",
    "Currencies": "currencies",
}

Route = tuple[str, str, tuple[str, ...], Handler]


def routes() -> list[Route]:
    """Return method, path, the scopes of which one is needed, and handler of every endpoint."""
    table: list[Route] = []
    for resource, scopes, listing, single, writing, updating in (
        ("Invoices", _INVOICES, *_handlers(accounting, "invoices", "invoice")),
        ("Contacts", _CONTACTS, *_handlers(accounting, "contacts", "contact")),
        ("Items", _ITEMS, *_handlers(accounting, "items", "item")),
        ("CreditNotes", _INVOICES, *_handlers(credit_endpoints, "credit_notes", "credit_note")),
        ("Payments", _PAYMENTS, *_handlers(payment_endpoints, "payments", "payment")),
    ):
        table += [
            ("GET", f"/{resource}", scopes, listing),
            ("PUT", f"/{resource}", scopes, writing),
            ("POST", f"/{resource}", scopes, writing),
            ("GET", f"/{resource}/<path:key>", scopes, single),
            ("POST", f"/{resource}/<path:key>", scopes, updating),
        ]
    for plural, name in _PLAIN.items():
        table.append(("GET", f"/{plural}", _SETTINGS, partial(list_plain, plural=plural, table_name=name)))
        table.append(("GET", f"/{plural}/<path:key>", _SETTINGS, partial(get_plain, plural=plural, table_name=name)))
    return [
        *table,
        *_credit_routes(),
        ("PUT", "/Accounts", _SETTINGS, accounting.write_accounts),
        ("PUT", "/TaxRates", _SETTINGS, accounting.write_tax_rates),
        ("GET", "/TrackingCategories", _SETTINGS, accounting.list_tracking_categories),
        ("GET", "/TrackingCategories/<path:key>", _SETTINGS, accounting.get_tracking_category),
        ("GET", "/Organisation", _SETTINGS, accounting.get_organisation),
        ("POST", "/Organisation", _SETTINGS, accounting.not_implemented),
        ("GET", "/Organisation/Actions", _SETTINGS, accounting.get_actions),
    ]


def _credit_routes() -> list[Route]:
    """Over- and prepayments can only be read and applied here; bank transactions, which make them, are not served."""
    table: list[Route] = []
    for kind, scopes in ((CREDIT_NOTE, _INVOICES), (OVERPAYMENT, _PAYMENTS), (PREPAYMENT, _PAYMENTS)):
        single = f"/{kind.plural}/<path:key>"
        table.append(("PUT", f"{single}/Allocations", scopes, partial(write_allocations, kind=kind)))
        table.append(("DELETE", f"{single}/Allocations/<part>", scopes, partial(delete_allocation, kind=kind)))
        if kind is not CREDIT_NOTE:
            table.append(("GET", f"/{kind.plural}", scopes, partial(list_prepaid, kind=kind)))
            table.append(("GET", single, scopes, partial(get_prepaid, kind=kind)))
    return table


def _handlers(module: ModuleType, plural: str, singular: str) -> tuple[Handler, Handler, Handler, Handler]:
    names = (f"list_{plural}", f"get_{singular}", f"write_{plural}", f"update_{singular}")
    listing, single, writing, updating = (getattr(module, name) for name in names)
    return listing, single, writing, updating


def accounting_blueprint(gate: Gate) -> Blueprint:
    """Serve the accounting API below /api.xro/2.0."""
    blueprint = Blueprint("accounting", __name__, url_prefix=API_PREFIX)
    for method, path, scopes, handler in routes():
        view = partial(_serve, gate, scopes, handler)
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "-"), view, methods=[method])
    return blueprint


def _serve(
    gate: Gate, scopes: tuple[str, ...], handler: Handler, key: str | None = None, part: str | None = None
) -> ResponseReturnValue:
    asked = Request(
        method=request.method,
        path=request.path,
        query=request.query_string.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        params={name.lower(): value for name, value in request.args.items()},
        body=request.get_data(),
        key=key,
        seated=request.environ.get(SEATED, True),
        part=part,
    )
    return respond(gate.run(asked, scopes, handler))


def respond(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status)
    if answer.content_type is None:
        del response.headers["Content-Type"]
    else:
        response.headers["Content-Type"] = answer.content_type
    response.headers.update(answer.headers)
    return response


class SeatedWire(Wire):
    """A wire that counts a call as in flight from its arrival to its end: delays and broken connections included."""

    def __init__(self, app: WSGIApplication, clock: Clock, gate: Gate) -> None:
        super().__init__(app, clock)
        self._gate = gate

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        lane = None
        if environ.get("PATH_INFO", "").startswith(API_PREFIX):
            asked = {
                "authorization": environ.get("HTTP_AUTHORIZATION", ""),
                "xero-tenant-id": environ.get("HTTP_XERO_TENANT_ID", ""),
            }
            lane = self._gate.lane(asked)
        if lane is None:
            return super().__call__(environ, start_response)
        seated = self._gate.limiter.enter(lane, self._gate.identity.apps[lane[0]].limits)
        environ[SEATED] = seated
        try:
            return super().__call__(environ, start_response)
        finally:
            if seated:
                self._gate.limiter.leave(lane)
