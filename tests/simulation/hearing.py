"""Xero's webhook on its real way: signed deliveries to our web application, and its events to the dispatcher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from werkzeug.test import Client

from core.event import Event
from simulators.outbox import Delivery, deliver_due
from simulators.xero.simulator import DEFAULT_WEBHOOK_KEY
from tests.world import World
from webhooks.app import Parts, create_app

ADDRESS = "https://connector.example/webhooks/xero"


@dataclass
class Hearing:
    """A subscription of the app in Xero; `events` are all that came out of its deliveries so far."""

    world: World
    events: list[Event] = field(default_factory=list)
    _heard: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        tenant_id = self.world.org.tenant_id
        self.world.xero.set_webhook("xero-app", ADDRESS)
        parts = Parts(
            publish=self._publish,
            find_endpoint=lambda _key: None,
            read_endpoint=lambda _key: None,
            knows_xero_tenant=lambda tenant: tenant == tenant_id,
            xero_webhook_keys=(DEFAULT_WEBHOOK_KEY,),
        )
        self._client = Client(create_app(parts))

    def hear(self) -> list[Event]:
        """Let Xero post what it has to post; return the events, which nobody has dispatched yet."""
        self._heard = []
        deliver_due(self.world.xero.outbox, self._post, self.world.xero.settle)
        return self._heard

    def deliver(self) -> list[Event]:
        """Let Xero post what it has to post, and the dispatcher take the events; return them."""
        heard = self.hear()
        self.world.dispatch(*heard)
        return heard

    def _publish(self, events: Sequence[Event]) -> None:
        self._heard += events
        self.events += events

    def _post(self, delivery: Delivery) -> int:
        path = urlsplit(delivery.url).path
        return self._client.post(path, data=delivery.body, headers=delivery.headers).status_code
