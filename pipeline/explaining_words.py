"""Words that several explanations of an invoice share: its time, its document, when it goes."""

from __future__ import annotations

from datetime import datetime

from core.invoice import Details
from pipeline.facts import Facts
from pipeline.troubles import Trouble


def told(moment: datetime, facts: Facts) -> str:
    """Return the connection's time, as in the history in Dynamics."""
    local = moment.astimezone(facts.connection.zone)
    return f"{local.day} {local:%b %Y %H:%M:%S} ({local:%Z})"


def why(trouble: Trouble) -> str:
    """Return why a lane rests."""
    words = trouble.words.rstrip(".") or "a limit, or a fault that is tried again"
    return f"{words} ({trouble.failures} failures in a row)" if trouble.failures > 1 else words


def document_of(facts: Facts, details: Details) -> str:
    """Return what the document is called, and its status as Dynamics knows it."""
    number = details.xero_number or "a document without a number"
    return ", ".join(part for part in (number, facts.in_xero.status.capitalize()) if part)


def going(facts: Facts) -> str:
    """Return when it goes, nothing being in its way."""
    work = facts.work
    if work.is_claimed:
        return "It is being worked on now."
    if work.rests_until is not None:
        return f"It waits, next try {told(work.rests_until, facts)}: {why(work.trouble)}."
    if work.due_at is not None and work.due_at <= facts.now:
        return "It is due and goes within seconds, if a worker is running."
    if work.due_at is not None:
        return f"It may go, and is looked at again at {told(work.due_at, facts)}."
    return "It may go, but nothing has marked it yet: the next poll will, or `connector sync` does now."
