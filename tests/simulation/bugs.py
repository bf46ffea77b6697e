"""Deliberate bugs, planted into the product from outside: the net of `simulate` has to catch every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from core.errors import Unknown
from core.event import Event
from pipeline import (
    amend,
    attempts,
    deletions,
    details,
    ending,
    lane_scripts,
    poll,
    rows,
    rows_from_xero,
    rows_of_cancelling,
    to_xero,
)
from pipeline.dispatch import Dispatcher
from pipeline.lanes import Lanes, Lease
from pipeline.outcomes import AttemptEnded
from tests.simulation.installation import Installation

Patch = pytest.MonkeyPatch


def intent_after_the_call(patch: Patch) -> None:
    """The Xero details row says nothing of an attempt before Xero has answered."""

    def nothing(_tools: Any, members: Sequence[Any], _key: str, _started: datetime) -> list[Any]:
        return list(members)

    patch.setattr(attempts, "_write_intents", nothing)


def gates_before_open_attempts(patch: Patch) -> None:
    """An attempt whose invoice may not go any more is not looked after."""
    real = to_xero._has_open_attempt

    def only_what_may_go(present: Any, tools: Any) -> bool:
        return real(present, tools) and to_xero._may_go(tools, present, tools.hold())

    patch.setattr(to_xero, "_has_open_attempt", only_what_may_go)


def look_first_off(patch: Patch) -> None:
    """An attempt of unknown outcome is closed without a look into Xero."""
    patch.setattr(attempts, "_candidates", lambda _tools, presents, _since: ((each, []) for each in presents))


def key_without_attempt(patch: Patch) -> None:
    """The Idempotency-Key is the same for every attempt with the same content."""
    real = attempts.ids.idempotency_key
    patch.setattr(attempts, "ids", _With(attempts.ids, idempotency_key=lambda a, b, _started: real(a, b, _LONG_AGO)))


def new_key_each_time(patch: Patch) -> None:
    """Sending an attempt again has another Idempotency-Key."""
    real, numbers = attempts.ids.idempotency_key, count()
    fresh = lambda a, b, started: real(a, f"{b} {next(numbers)}", started)  # noqa: E731
    patch.setattr(attempts, "ids", _With(attempts.ids, idempotency_key=fresh))


def lease_unchecked(patch: Patch) -> None:
    """Whoever once had the lane goes on writing, and two may have it."""
    real = lane_scripts.ACQUIRE
    patch.setattr(Lease, "hold", lambda self: Lanes(self._scripts.client).now())
    patch.setattr(lane_scripts, "ACQUIRE", real.replace("'NX', 'PX'", "'PX'"))


def write_back_without_if_match(patch: Patch) -> None:
    """A row is overwritten whatever has become of it since it was read."""
    real = details.change_details

    def unconditional(*args: Any, **kwargs: Any) -> Any:
        return replace(real(*args, **kwargs), if_match=None, if_none_match=None)

    for module in (amend, attempts, deletions, ending, rows, rows_from_xero, rows_of_cancelling):
        patch.setattr(module, "change_details", unconditional)


def watermark_from_local_clock(patch: Patch) -> None:
    """Changes are asked for since our own time of the last poll."""
    real = poll.find_due

    def by_our_clock(tools: Any, **kwargs: Any) -> Any:
        return replace(real(tools, **kwargs), read_at=kwargs["now"])

    patch.setattr(poll, "find_due", by_our_clock)
    patch.setattr(poll, "OVERLAP", timedelta())


def acknowledged_before_marked(patch: Patch) -> None:
    """The dispatcher acknowledges a message before it has marked what it points at."""
    real = Installation._handle

    def handle(self: Installation, dispatcher: Dispatcher, tag: str, text: str) -> None:
        dispatcher.redis.hdel("model:unacked", tag)
        real(self, dispatcher, tag, text)

    patch.setattr(Installation, "_handle", handle)


def key_remembered_before_marked(patch: Patch) -> None:
    """The dispatcher remembers an event before it has marked what it points at."""
    real = Dispatcher._fresh

    def fresh(self: Dispatcher, events: Sequence[Event]) -> list[Event]:
        found = real(self, events)
        self._remember(found)
        return found

    patch.setattr(Dispatcher, "_fresh", fresh)


def key_of_event_too_wide(patch: Patch) -> None:
    """Two changes of one record share an idempotency key."""
    patch.setattr(Event, "key", property(lambda self: f"{self.side} {self.entity} {self.record_id}"))


def missing_link_taken_for_deletion(patch: Patch) -> None:
    """One proof is enough: an invoice whose row has lost its link counts as deleted, and nobody asks for it."""
    real = to_xero.read_invoices

    def read(tools: Any, invoice_ids: Any) -> dict[str, Any]:
        return {
            key: replace(one, invoice=None) if _is_unlinked(one) else one
            for key, one in real(tools, invoice_ids).items()
        }

    patch.setattr(to_xero, "read_invoices", read)
    patch.setattr(deletions, "_look", lambda _tools, invoice_ids: dict.fromkeys(invoice_ids, False))


def unknown_taken_for_failed(patch: Patch) -> None:
    """A call without an answer counts as one that made nothing."""
    real = attempts._send

    def send(tools: Any, members: Sequence[Any], *rest: Any) -> list[Any]:
        try:
            return real(tools, members, *rest)
        except Unknown:
            return [AttemptEnded(member.present) for member in members]

    patch.setattr(attempts, "_send", send)


def attempt_sent_when_old(patch: Patch) -> None:
    """An attempt is sent again although Xero has forgotten its key."""
    patch.setattr(attempts, "SEND_WITHIN", timedelta(days=1))


def attempt_closed_at_once(patch: Patch) -> None:
    """An attempt that is not found in Xero is closed, however young it is."""
    patch.setattr(attempts, "CLOSE_AFTER", timedelta())


def fingerprint_kept(patch: Patch) -> None:
    """The fingerprint is not cleared before an update whose outcome may stay unknown."""
    real = amend._intent
    patch.setattr(amend, "_intent", lambda pair: {k: v for k, v in real(pair).items() if k != "stl3_fingerprint"})


def marks_forgotten_at_the_end(patch: Patch) -> None:
    """What is marked while it is worked on is forgotten when that work ends."""
    line = "redis.call('ZREM', KEYS[2], ARGV[i])\n"
    script = lane_scripts.SETTLE.replace(line, line + "    redis.call('ZREM', KEYS[1], ARGV[i])\n")
    patch.setattr(lane_scripts, "SETTLE", script)


def claimed_work_not_returned(patch: Patch) -> None:
    """What a dead worker had claimed does not become due again."""
    script = lane_scripts.ACQUIRE.replace("redis.call('ZADD', KEYS[1], 'LT', now, entity)", "")
    patch.setattr(lane_scripts, "ACQUIRE", script)


def no_sweeper(patch: Patch) -> None:
    """Nobody wakes a lane whose wake-up was lost."""
    patch.setattr(Lanes, "sweep", lambda _self: [])


def no_poll_of_dynamics(patch: Patch) -> None:
    """Nobody looks in Dynamics for what no event has told."""
    patch.setattr(poll, "_poll_dynamics", lambda _app, _tools: 0)


def no_poll_of_xero(patch: Patch) -> None:
    """Nobody looks in Xero for what no event has told."""
    patch.setattr(poll, "poll_xero", lambda _app, _tools: 0)


def answers_by_position(patch: Patch) -> None:
    """The elements of an answer belong to the documents in another order than they were sent."""
    real = attempts._outcome
    held: list[Any] = []

    def outcome(tools: Any, member: Any, element: Any) -> Any:
        held.append(element)
        return real(tools, member, held[-2] if len(held) > 1 and element.ok else element)

    patch.setattr(attempts, "_outcome", outcome)


BUGS: Mapping[str, Callable[[Patch], None]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        intent_after_the_call,
        gates_before_open_attempts,
        look_first_off,
        key_without_attempt,
        new_key_each_time,
        lease_unchecked,
        write_back_without_if_match,
        watermark_from_local_clock,
        acknowledged_before_marked,
        key_remembered_before_marked,
        key_of_event_too_wide,
        missing_link_taken_for_deletion,
        unknown_taken_for_failed,
        attempt_sent_when_old,
        attempt_closed_at_once,
        fingerprint_kept,
        marks_forgotten_at_the_end,
        claimed_work_not_returned,
        no_sweeper,
        no_poll_of_dynamics,
        no_poll_of_xero,
        answers_by_position,
    )
}
_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def _is_unlinked(present: Any) -> bool:
    details = present.details
    return details is not None and bool(details.xero_invoice_id) and not details.is_linked


class _With:
    """A module with some names replaced."""

    def __init__(self, module: Any, **names: Any) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Plant a bug for a while; None plants none. Raises KeyError for an unknown name."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            BUGS[name](patch)
        yield
