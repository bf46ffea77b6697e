"""The simulated Xero as tests and commands hold it: apps, organisations, people, webhooks, one lock."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Sequence

import requests

from simulators.clock import Clock
from simulators.control import control_blueprint
from simulators.outbox import Delivery, Outbox
from simulators.serving import Simulated
from simulators.xero.codec import Record
from simulators.xero.control import xero_control_blueprint
from simulators.xero.gate import Gate
from simulators.xero.identity import App, AppKind, Identity
from simulators.xero.identity_web import identity_blueprint
from simulators.xero.limits import Limiter, Limits
from simulators.xero.people import Person
from simulators.xero.state import Event, Organisation, create_organisation
from simulators.xero.subscription import Numbered, Subscription
from simulators.xero.terms import merge_terms
from simulators.xero.web import SeatedWire, accounting_blueprint
from simulators.xero.webhooks import Probe, Webhooks

DEFAULT_SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.contacts "
    "accounting.settings.read accounting.payments.read"
)
DEFAULT_WEBHOOK_KEY = "simulated-webhook-key-0123456789abcdefghijklmnopqrstuvwxyz=="


class XeroSimulator:
    """Everything of one simulated Xero. `wire` is the WSGI app; deterministic for a given clock and `chance`."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.outbox = Outbox(clock)
        self.organisations: dict[str, Organisation] = {}
        self.identity = Identity(clock, chance)
        self.limiter = Limiter()
        self.gate = Gate(clock, self.identity, self.organisations, self.limiter, self.lock)
        self.webhooks = Webhooks(clock, chance, self.outbox)
        flask = Simulated("simulated-xero")
        flask.register_blueprint(accounting_blueprint(self.gate))
        flask.register_blueprint(identity_blueprint(self.identity, self.organisations, self.lock))
        self.wire = SeatedWire(flask, clock, self.gate)
        flask.register_blueprint(control_blueprint(clock, self.wire))
        flask.register_blueprint(xero_control_blueprint(self))

    def add_app(
        self,
        *,
        client_id: str,
        client_secret: str = "",
        kind: AppKind = "web",
        scopes: str = DEFAULT_SCOPES,
        tenant_ids: Iterable[str] = (),
        webhook_key: str = DEFAULT_WEBHOOK_KEY,
        webhook_url: str | None = None,
        daily_limit: int = 5_000,
        minute_limit: int = 60,
        concurrent_limit: int = 5,
        redirect_uris: Sequence[str] = (),
    ) -> App:
        """Register an app and connect it to the tenants; `webhook_url` counts as verified already."""
        app = App(
            client_id=client_id,
            client_secret=client_secret,
            kind=kind,
            scopes=scopes,
            limits=Limits(minute=minute_limit, day=daily_limit, concurrent=concurrent_limit),
            subscription=Subscription(webhook_key, webhook_url),
            redirect_uris=tuple(redirect_uris),
        )
        with self.lock:
            self.identity.apps[client_id] = app
            user = client_id if kind == "custom" else "person"
            if tenant_ids:
                self.identity.consent(app, user, tuple(scopes.split()), list(tenant_ids))
        return app

    def add_organisation(
        self,
        *,
        name: str,
        region: str = "UK",
        base_currency: str | None = None,
        timezone: str | None = None,
        currencies: Iterable[str] = (),
        payment_terms: Record | None = None,
        tenant_id: str | None = None,
    ) -> Organisation:
        """Create an organisation with a chart of accounts, tax rates and themes; defaults come from the region.

        `payment_terms` as in GET /Organisation: {"Sales": {"Day": 20, "Type": "OFFOLLOWINGMONTH"}}.
        """
        terms, errors = merge_terms({}, payment_terms)
        if errors:
            raise ValueError("; ".join(errors))
        with self.lock:
            organisation = create_organisation(
                name=name,
                region=region,
                base_currency=base_currency,
                timezone=timezone,
                currencies=list(currencies),
                tenant_id=tenant_id,
                new_id=self.identity.new_id,
                now=self.clock.now(),
                publish=self._publish,
            )
            organisation.payment_terms = terms
            self.organisations[organisation.tenant_id] = organisation
        return organisation

    def refresh_token(
        self, client_id: str, tenant_ids: Iterable[str], *, user: str = "person", scopes: str | None = None
    ) -> str:
        """Return a first refresh token, as if `user` had just consented to connect the tenants."""
        with self.lock:
            app = self.identity.apps[client_id]
            granted = tuple((app.scopes if scopes is None else scopes).split())
            return self.identity.issue_refresh_token(self.identity.consent(app, user, granted, list(tenant_ids)))

    def access_token(self, client_id: str, *, user: str = "person") -> str:
        """Return a fresh access token without the token endpoint, for tests of other things."""
        with self.lock:
            app = self.identity.apps[client_id]
            name = client_id if app.kind == "custom" else user
            return self.identity.issue_access_token(self.identity.consent(app, name, tuple(app.scopes.split()), []))

    def user(self, organisation: Organisation) -> Person:
        """Act as a person in Xero's pages."""
        return Person(self, organisation)

    def set_webhook(self, client_id: str, url: str | None) -> Subscription:
        """Point an app's webhook elsewhere; it counts as verified until `verify_webhook` says otherwise."""
        with self.lock:
            subscription = self.identity.apps[client_id].subscription
            subscription.url = url
            if url is not None:
                self.webhooks.revive(subscription)
            return subscription

    def verify_webhook(self, client_id: str, probe: Probe | None = None) -> dict[str, bool]:
        """Run the intent to receive; return signed_accepted, forged_refused and passed."""
        return self.webhooks.verify(self.identity.apps[client_id].subscription, probe or _probe)

    def settle(self, delivery: Delivery, status: int | None) -> None:
        """React to the outcome of a webhook delivery."""
        with self.lock:
            self.webhooks.settle(delivery.context["subscription"], delivery, status)

    def _publish(self, organisation: Organisation, events: list[Event]) -> None:
        for app in self.identity.apps.values():
            subscription = app.subscription
            if subscription.url is None or not self.identity.is_connected(app.client_id, organisation.tenant_id):
                continue
            first = subscription.next_number
            subscription.next_number += len(events)
            numbered = [Numbered(first + index, organisation.tenant_id, event) for index, event in enumerate(events)]
            self.webhooks.raise_events(subscription, numbered)


def _probe(delivery: Delivery) -> str | None:
    """POST one delivery of the intent to receive and say what is wrong with the answer."""
    try:
        response = requests.post(
            delivery.url,
            data=delivery.body,
            headers=delivery.headers,
            timeout=delivery.timeout_s,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return f"no answer: {error}"
    expected = delivery.context["expected_status"]
    if response.status_code != expected:
        return f"Response not {expected}"
    if response.content:
        return "Response has a body"
    return "Response sets a cookie" if "Set-Cookie" in response.headers else None
