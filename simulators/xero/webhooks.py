"""Webhooks going out: one immediate retry, then every 15 minutes for a day, then disabled; later the replay."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import datetime, timedelta

from simulators.clock import Clock
from simulators.outbox import Delivery, Outbox
from simulators.xero.subscription import Numbered, Subscription, headers, payload

TIMEOUT_S = 5.0
RETRY_EVERY = timedelta(minutes=15)
RETRY_FOR = timedelta(hours=24)
KEPT_FOR = timedelta(days=31)
EVENTS_MAX = 100
OVERTAKING_S = 3.0
SERIES = (True, False, True, False)
"""The intent to receive: which of its deliveries are signed correctly."""

Probe = Callable[[Delivery], str | None]
"""Makes one delivery and returns what is wrong with the answer to a right (status 200) or wrong (401) signature."""


class Webhooks:
    """Composes, retries and replays deliveries. The caller holds the simulator's lock."""

    def __init__(self, clock: Clock, chance: random.Random, outbox: Outbox) -> None:
        self._clock = clock
        self._chance = chance
        self._outbox = outbox

    def raise_events(self, subscription: Subscription, events: list[Numbered]) -> None:
        """Send the events of one change together, or keep them while the subscription is not healthy."""
        lost = min(subscription.drop, len(events))
        subscription.drop -= lost
        self._send(subscription, events[lost:])

    def settle(self, subscription: Subscription, delivery: Delivery, status: int | None) -> None:
        """React to the outcome of a delivery; only 2xx is success, and silence is failure."""
        if delivery.context.get("copy"):
            return
        if status is not None and 200 <= status < 300:
            if subscription.failing is delivery:
                self.revive(subscription)
            return
        if subscription.failing is None and subscription.status == "OK":
            subscription.status, subscription.failing = "RETRY", delivery
            delivery.context["first_failed_at"] = self._clock.now()
            self._again(delivery, self._clock.now())
        elif subscription.failing is delivery:
            self._retry_or_disable(subscription, delivery)
        else:
            self._keep(subscription, delivery.context["events"])

    def revive(self, subscription: Subscription) -> None:
        """Healthy again: replay in order what was kept, unless it is older than 31 days."""
        subscription.status, subscription.failing = "OK", None
        oldest = self._clock.now() - KEPT_FOR
        kept, subscription.backlog = [each for each in subscription.backlog if each.event.at >= oldest], []
        for start in range(0, len(kept), EVENTS_MAX):
            self._send(subscription, kept[start : start + EVENTS_MAX])

    def verify(self, subscription: Subscription, probe: Probe) -> dict[str, bool]:
        """Run the intent to receive; one wrong answer fails it. Passing enables the subscription."""
        passed = {True: True, False: True}
        for correct in SERIES:
            delivery = self._compose(subscription, [])
            if not correct:
                signed = delivery.headers["x-xero-signature"]
                delivery.headers["x-xero-signature"] = ("/" if signed[0] != "/" else "+") + signed[1:]
            delivery.context["expected_status"] = 200 if correct else 401
            passed[correct] &= probe(delivery) is None
        outcome = {"signed_accepted": passed[True], "forged_refused": passed[False], "passed": all(passed.values())}
        if outcome["passed"]:
            self.revive(subscription)
        else:
            subscription.status, subscription.failing = "DISABLED", None
        return outcome

    def _send(self, subscription: Subscription, events: list[Numbered]) -> None:
        if not events:
            return
        if subscription.status != "OK":
            self._keep(subscription, events)
            return
        delivery = self._compose(subscription, events)
        if subscription.reorder:
            delivery.due_at += timedelta(seconds=self._chance.uniform(0, OVERTAKING_S))
        self._outbox.add(delivery)
        if subscription.duplicate:
            again = self._compose(subscription, events)
            again.body, again.headers, again.due_at = delivery.body, delivery.headers, delivery.due_at
            again.context["copy"] = True
            self._outbox.add(again)

    def _keep(self, subscription: Subscription, events: list[Numbered]) -> None:
        subscription.backlog = sorted([*subscription.backlog, *events], key=lambda each: each.number)

    def _retry_or_disable(self, subscription: Subscription, delivery: Delivery) -> None:
        now = self._clock.now()
        if now + RETRY_EVERY - delivery.context["first_failed_at"] > RETRY_FOR:
            subscription.status, subscription.failing = "DISABLED", None
            self._keep(subscription, delivery.context["events"])
        else:
            self._again(delivery, now + RETRY_EVERY)

    def _again(self, delivery: Delivery, due_at: datetime) -> None:
        """Send the same bytes once more."""
        delivery.due_at = due_at
        delivery.context["attempt"] += 1
        self._outbox.add(delivery)

    def _compose(self, subscription: Subscription, events: list[Numbered]) -> Delivery:
        assert subscription.url is not None, "a subscription without URL sends nothing"
        body = payload(events, "".join(self._chance.choices(string.ascii_uppercase, k=20)))
        return Delivery(
            url=subscription.url,
            headers=headers(subscription.key, body),
            body=body,
            due_at=self._clock.now(),
            timeout_s=TIMEOUT_S,
            context={"subscription": subscription, "events": events, "attempt": 1},
        )
