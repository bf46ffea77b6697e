"""How a connection's lane is shown to people, and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.connections import Connection
from pipeline.lane_facts import LaneFacts

GOES = "no: what is due goes at once"
PROBE = "one record goes ahead, the others follow if that works"


def lane_rows(connection: Connection, facts: LaneFacts) -> list[tuple[str, str]]:
    """Return labels and texts; times are the connection's."""
    rows = [("Due", str(facts.due)), ("In work", str(facts.working))]
    if facts.oldest_due_at is not None:
        since = "since" if facts.oldest_due_at <= facts.now else "at"
        rows.append(("First due", f"{since} {_local(facts.oldest_due_at, connection)}"))
    rows.append(("Waits", _waits(connection, facts)))
    if facts.trouble.failures:
        began = f", the first {_local(facts.trouble.since, connection)}" if facts.trouble.since else ""
        rows.append(("Failures in a row", f"{facts.trouble.failures}{began}"))
    if facts.rests_until is not None and facts.trouble.is_open:
        rows.append(("Then", PROBE))
    letters = "`connector dead list` shows them" if facts.dead else ""
    rows.append(("Dead letters", f"{facts.dead} {f'({letters})' if letters else ''}".strip()))
    if words := facts.undelivered.words(connection):
        rows.append(("Webhooks", words))
    return rows


def lane_json(facts: LaneFacts | None) -> dict[str, Any]:
    """Return the same as JSON; `lane` and `webhooks` are null where Redis could not be asked."""
    if facts is None:
        return {"lane": None, "webhooks": None}
    trouble, undelivered = facts.trouble, facts.undelivered
    waits = {
        "next_try_at": facts.rests_until,
        "class": trouble.kind,
        "side": trouble.side or None,
        "words": trouble.words,
        "is_open": trouble.is_open,
    }
    return {
        "lane": {
            "due": facts.due,
            "working": facts.working,
            "oldest_due_at": facts.oldest_due_at,
            "failures": trouble.failures,
            "failing_since": trouble.since,
            "waits": waits if facts.rests_until is not None else None,
            "dead": facts.dead,
        },
        "webhooks": {
            "undelivered": undelivered.count,
            "since": undelivered.since,
            "why": undelivered.why,
            "not_shown": undelivered.hidden,
        },
    }


def _waits(connection: Connection, facts: LaneFacts) -> str:
    if facts.rests_until is None:
        return GOES
    words = facts.trouble.words.rstrip(".") or "a limit, or a fault that is tried again"
    return f"waiting, next try {_local(facts.rests_until, connection)}: {words}"


def _local(moment: datetime, connection: Connection) -> str:
    local = moment.astimezone(connection.zone)
    return f"{local.day} {local:%b %Y %H:%M:%S} ({local:%Z})"
