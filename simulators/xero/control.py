"""The control API of the simulated Xero, for tests, demos and benchmarks in other processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.wire import CONTROL_PREFIX
from simulators.xero.codec import dumps
from simulators.xero.credit_views import allocation_view
from simulators.xero.gate import Breakdown
from simulators.xero.invoice_views import invoice_view
from simulators.xero.items import item_view
from simulators.xero.refusals import Refusal
from simulators.xero.settings_pages import NotAllowed
from simulators.xero.settling import KINDS

if TYPE_CHECKING:
    from simulators.xero.simulator import XeroSimulator

ACTIONS = frozenset(
    {"create_contact", "edit_contact", "rename_contact", "archive_contact", "restore_contact", "merge_contact"}
    | {"set_contact_terms", "create_invoice", "edit_invoice", "edit_line", "add_line", "remove_line"}
    | {"submit_invoice", "approve_invoice", "void_invoice", "delete_invoice", "pay", "remove_payment", "credit"}
    | {"create_credit_note", "edit_credit_note", "approve_credit_note", "void_credit_note", "delete_credit_note"}
    | {"allocate_credit_note", "allocate_overpayment", "allocate_prepayment", "remove_allocation", "refund"}
    | {"receive_overpayment", "receive_prepayment", "spend_overpayment", "spend_prepayment"}
    | {"void_overpayment", "void_prepayment"}
    | {"create_item", "set_stock", "add_account", "alter_account", "archive_account", "restore_account"}
    | {"add_tax_rate", "alter_tax_rate", "archive_tax_rate", "set_lock_dates", "set_payment_terms"}
    | {"add_tracking_category", "add_tracking_option", "archive_tracking_option", "archive_tracking_category"}
    | {"delete_account", "add_theme", "rename_theme", "delete_theme", "disconnect_app"}
)
_LIMITS = ("minute", "day", "concurrent", "app_minute")
_SWITCHES = ("duplicate", "drop", "reorder")


def xero_control_blueprint(simulator: XeroSimulator) -> Blueprint:
    """Serve what only this simulator has below /_control."""
    control = Blueprint("xero_control", __name__, url_prefix=CONTROL_PREFIX)
    control.register_error_handler(NotAllowed, _refuse)
    routes = _Routes(simulator)
    for method, path, view in (
        ("POST", "/apps", routes.add_app),
        ("POST", "/organisations", routes.add_organisation),
        ("POST", "/refresh-token", routes.refresh_token),
        ("POST", "/limits", routes.limits),
        ("POST", "/act", routes.act),
        ("GET", "/state/<tenant_id>", routes.state),
        ("POST", "/verify-webhook", routes.verify_webhook),
        ("POST", "/webhooks", routes.webhooks),
        ("POST", "/breakdowns", routes.breakdowns),
        ("POST", "/refusals", routes.refusals),
    ):
        control.add_url_rule(path, path, view, methods=[method])
    return control


def _refuse(error: NotAllowed) -> ResponseReturnValue:
    return jsonify(error=str(error)), 400


@dataclass(frozen=True, slots=True)
class _Routes:
    """One method per route."""

    simulator: XeroSimulator

    def add_app(self) -> ResponseReturnValue:
        """The arguments of `add_app`."""
        app = self.simulator.add_app(**request.get_json())
        return jsonify(client_id=app.client_id, webhook_key=app.subscription.key)

    def add_organisation(self) -> ResponseReturnValue:
        """The arguments of `add_organisation`."""
        organisation = self.simulator.add_organisation(**request.get_json())
        return jsonify(tenant_id=organisation.tenant_id, name=organisation.name)

    def refresh_token(self) -> ResponseReturnValue:
        """{"client_id", "tenant_ids"} and, if wanted, "user" and "scopes"."""
        return jsonify(refresh_token=self.simulator.refresh_token(**request.get_json()))

    def limits(self) -> ResponseReturnValue:
        """{"client_id", "minute", "day", "concurrent", "app_minute"}: what is named changes."""
        asked = request.get_json()
        limits = self.simulator.identity.apps[asked["client_id"]].limits
        for name in _LIMITS:
            setattr(limits, name, int(asked.get(name, getattr(limits, name))))
        return jsonify({name: getattr(limits, name) for name in _LIMITS})

    def act(self) -> ResponseReturnValue:
        """{"tenant_id", "action", ...}: what a person does; the rest are the action's arguments."""
        asked: dict[str, Any] = request.get_json()
        action = asked.pop("action")
        if action not in ACTIONS:
            return jsonify(error=f"no action {action}"), 400
        person = self.simulator.user(self.simulator.organisations[asked.pop("tenant_id")])
        return _json({"result": getattr(person, action)(**asked)})

    def state(self, tenant_id: str) -> ResponseReturnValue:
        """The documents, contacts, items and payments of an organisation as Xero's JSON."""
        with self.simulator.lock:
            held = self.simulator.organisations[tenant_id]
            invoices = [invoice_view(held, each, "paged", unit_places=4) for each in held.invoices.values()]
            items = [item_view(item, 4) for item in held.items.values()]
            return _json(
                {
                    "Invoices": invoices,
                    "Contacts": list(held.contacts.values()),
                    "Items": items,
                    "Payments": list(held.payments.values()),
                    "CreditNotes": list(held.credit_notes.values()),
                    "Overpayments": list(held.overpayments.values()),
                    "Prepayments": list(held.prepayments.values()),
                    "Allocations": [
                        allocation_view(KINDS[each["_kind"]], each) | {"IsDeleted": each["IsDeleted"]}
                        for each in held.allocations.values()
                    ],
                }
            )

    def verify_webhook(self) -> ResponseReturnValue:
        """{"client_id"}: run the intent to receive now."""
        return jsonify(self.simulator.verify_webhook(self._client_id()))

    def webhooks(self) -> ResponseReturnValue:
        """{"client_id", "url", "duplicate", "drop", "reorder"}: what is named changes."""
        asked = request.get_json()
        subscription = self.simulator.identity.apps[self._client_id()].subscription
        if "url" in asked:
            self.simulator.set_webhook(self._client_id(), asked["url"])
        for name in _SWITCHES:
            setattr(subscription, name, asked.get(name, getattr(subscription, name)))
        return jsonify(url=subscription.url, status=subscription.status, waiting=len(subscription.backlog))

    def breakdowns(self) -> ResponseReturnValue:
        """The fields of `Breakdown`: errors inside Xero, which idempotency keys replay."""
        self.simulator.gate.breakdowns.append(Breakdown(**request.get_json()))
        return jsonify(breakdowns=len(self.simulator.gate.breakdowns))

    def refusals(self) -> ResponseReturnValue:
        """{"tenant_id"} and the fields of `Refusal`: what Xero refuses for a reason of its own."""
        asked = request.get_json()
        held = self.simulator.organisations[asked.pop("tenant_id")]
        held.refusals.append(Refusal(**asked))
        return jsonify(refusals=len(held.refusals))

    def _client_id(self) -> str:
        """Return the app that the request names, or the only one there is."""
        named = request.get_json().get("client_id")
        return str(named or next(iter(self.simulator.identity.apps)))


def _json(body: Any) -> Response:
    return Response(dumps(body), content_type="application/json")
