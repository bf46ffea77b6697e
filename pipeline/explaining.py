"""Explains where an invoice stands and what to do: facts → words; the verdict first, then everything behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core import gates
from core.connections import IN_SERVICE
from core.gates import Gate
from core.invoice import CANCELLED, Details, Invoice
from core.money import round_to
from pipeline.explaining_ends import explain_end, handled_words, is_failure, note_words, under_way_words
from pipeline.explaining_words import document_of, going, told, why
from pipeline.facts import Facts

Row = tuple[str, str]

FARTHEST = timedelta(hours=14)  # how far the easternmost zone is ahead of UTC
DAY = timedelta(days=1)
NOTHING_TO_DO = "Nothing: it has been exported."


@dataclass(frozen=True, slots=True)
class Explanation:
    """`verdict` is the answer in a line, `advice` what to do about it, in lines; both as people read them.

    `gates` are empty where there is no invoice to look at.
    """

    number: str
    verdict: str
    advice: tuple[str, ...]
    invoice: tuple[Row, ...]
    gates: tuple[Gate, ...]
    date: tuple[Row, ...]
    xero: tuple[Row, ...]
    work: tuple[Row, ...]


def explain(facts: Facts) -> Explanation:
    """Return what to tell a person about this invoice."""
    found = gates.gates_of(facts.invoice, facts.details, facts.connection, facts.now) if facts.invoice else []
    return Explanation(
        number=_number(facts),
        verdict=_verdict(facts, found),
        advice=_advice(facts, found),
        invoice=_who(facts),
        gates=tuple(_as_exported(gate, facts) for gate in found),
        date=_date(facts),
        xero=_xero(facts),
        work=_work(facts),
    )


def _as_exported(gate: Gate, facts: Facts) -> Gate:
    """An exported invoice needs no second export: a closed gate asks for nothing, unless a change waits for it.

    A paid one, say, is not active, and nobody should make it so; nor one whose cancellation is carried to Xero. A
    connection out of service is to be repaired.
    """
    details = facts.details
    if details is not None and _is_cancelled(facts, details) and not gate.is_open and gate.rule not in ("C7", "C8"):
        return replace(gate, remedy=NOTHING_TO_DO)
    if details is None or details.export_status != "Yes" or gate.is_open or gate.rule == "C8":
        return gate
    return gate if gate.waiting in details.waiting_for else replace(gate, remedy=NOTHING_TO_DO)


def _is_cancelled(facts: Facts, details: Details) -> bool:
    return bool(details.xero_invoice_id) and facts.invoice is not None and facts.invoice.state == CANCELLED


def _verdict(facts: Facts, found: list[Gate]) -> str:
    details = facts.details
    if details is not None and _is_elsewhere(facts, details):
        return f"It went through another connection ({details.connection_id}), with which its document stays."
    if details is not None:
        if is_failure(facts, details):
            return f"It failed: {_failure(facts)}"
        if details.attempt_started is not None:
            since = told(details.attempt_started, facts)
            return f"An attempt to create it in Xero is open since {since}: its outcome is looked up first."
        if said := explain_end(facts):
            return said[0]
        if details.export_status == "Yes":
            change = f" {details.waiting_for[0].upper()}{details.waiting_for[1:]}." if details.waiting_for else ""
            return f"It is in Xero: {document_of(facts, details)}.{change}"
    if facts.invoice is None:
        return "It is gone from Dynamics, or the connector may not read it any more; it was not in Xero."
    if waiting := gates.waiting_text(found):
        return f"It waits: {waiting}."
    if facts.trouble:
        return f"It waits for the administrator: {facts.trouble}"
    return going(facts)


def _number(facts: Facts) -> str:
    return facts.invoice.number if facts.invoice is not None else ""


def _advice(facts: Facts, found: list[Gate]) -> tuple[str, ...]:
    """What opens the gates, or after a failure the rest of what its history says."""
    details, closed = facts.details, [gate for gate in found if not gate.is_open]
    if details is not None:
        if _is_elsewhere(facts, details):
            return ()
        if is_failure(facts, details):
            return tuple(_failure_text(facts).split("\n")[1:])
        if details.attempt_started is not None:
            return ()
        if said := explain_end(facts):
            return said[1]
        if details.export_status == "Yes":
            closed = [gate for gate in closed if gate.waiting and gate.waiting in details.waiting_for]
    return tuple(gate.remedy for gate in closed)


def _is_elsewhere(facts: Facts, details: Details) -> bool:
    """Rule C63."""
    bound = details.xero_invoice_id or details.attempt_started
    return bool(bound) and details.connection_id != facts.connection.id


def _failure(facts: Facts) -> str:
    """The first line of what its history says: Xero's own words, as a rule."""
    text = _failure_text(facts).split("\n", 1)[0]
    return text or "its history does not say why; set Export status to No to try again."


def _failure_text(facts: Facts) -> str:
    return next((entry.text for entry in facts.history if not entry.worked), "")


def _who(facts: Facts) -> tuple[Row, ...]:
    invoice, details = facts.invoice, facts.details
    rows = [("Connection", f"{facts.connection.name} ({facts.connection.id})")]
    if facts.connection.state != IN_SERVICE:
        rows.append(("Its state", f"{facts.connection.state}: {facts.connection.state_reason}".rstrip(": ")))
    if facts.trouble:
        rows.append(("To repair", facts.trouble))
    rows.append(("Invoice id", facts.invoice_id))
    if invoice is not None:
        rows += [
            ("Invoice", f"{invoice.number} {invoice.name}".strip()),
            ("Kind", invoice.kind),
            ("Customer", _customer(invoice)),
        ]
        if invoice.connector_id not in ("", facts.connection.id):
            rows.append(("Connector on it", f"another one ({invoice.connector_id})"))
    if details is not None and details.connection_id != facts.connection.id:
        rows.append(("Xero details", f"of another connection ({details.connection_id})"))
    return tuple(rows)


def _customer(invoice: Invoice) -> str:
    if invoice.customer is not None:
        return f"{invoice.customer.name} ({invoice.customer.kind})"
    return "chosen, but it is deleted or cannot be read" if invoice.customer_id else "none"


def _date(facts: Facts) -> tuple[Row, ...]:
    """Date Delivered: what is stored, the day it is taken for and why (rule C11), and when that day begins."""
    invoice, zone = facts.invoice, facts.connection.zone
    if invoice is None or invoice.delivered_at is None:
        return ()
    stored = invoice.delivered_at.astimezone(UTC)
    day, whose = gates.taken_for(stored, zone)
    rows = [
        ("Stored", f"{stored:%Y-%m-%d %H:%M:%S} UTC"),
        ("Taken for", f"{day.day} {day:%b %Y}: {_reason(stored, whose, facts.connection.timezone)}"),
    ]
    since_midnight = timedelta(hours=stored.hour, minutes=stored.minute, seconds=stored.second)
    if whose == "a zone's in the west" and since_midnight >= DAY - FARTHEST:
        meant, typed_at = day + DAY, _offset(DAY - since_midnight)
        doubt = (
            f"if it was typed in a zone more than 12 hours ahead ({typed_at}: New Zealand in summer, Tonga, Samoa, "
            f"Kiribati), {meant.day} {meant:%b %Y} was meant. Set the time zone of the connection to that zone."
        )
        rows.append(("But", doubt))
    starts = gates.start_of(day, zone)
    if starts > facts.now:
        rows.append(("Goes", f"just after {told(starts, facts)}, if the other gates are open then"))
    return tuple(rows)


def _reason(stored: datetime, whose: gates.Midnight, timezone: str) -> str:
    if whose == "the zone's":
        return f"this is midnight in {timezone}, the connection's time zone."
    if whose == "UTC's":
        return f"this is midnight in UTC (and not in {timezone}), so the day as it is written."
    since_midnight = timedelta(hours=stored.hour, minutes=stored.minute, seconds=stored.second)
    start = f"this is midnight neither in {timezone} nor in UTC, so it was typed in another zone:"
    if whose == "a zone's in the east":
        return f"{start} from 12:00 UTC on one in the east ({_offset(DAY - since_midnight)}), a day on."
    return f"{start} before 12:00 UTC one in the west ({_offset(-since_midnight)}), the same day."


def _amount(number: Decimal | None) -> str:
    """In the document's currency; Xero keeps cents of any."""
    return "" if number is None else f"{round_to(number, 2)}"


def _offset(ahead: timedelta) -> str:
    minutes = abs(int(ahead.total_seconds())) // 60
    return f"UTC{'-' if ahead < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _xero(facts: Facts) -> tuple[Row, ...]:
    details, in_xero = facts.details, facts.in_xero
    if details is None:
        return (("Xero details", "none yet: no worker has seen this invoice with its connector"),)
    rows = [("Export status", details.export_status)]
    optional = (
        ("Waiting for", details.waiting_for),
        ("Open attempt", f"since {told(details.attempt_started, facts)}" if details.attempt_started else ""),
        ("Under way", under_way_words(facts, details)),
        ("Number", details.xero_number),
        ("Status", in_xero.status.capitalize()),
        ("Amount due", _amount(details.amount_due)),
        ("Amount paid", _amount(details.amount_paid or None)),
        ("Amount credited", _amount(details.amount_credited or None)),
        ("Credit note", note_words(details)),
        ("Dealt with as", handled_words(details)),
        ("Last synced", told(in_xero.exported_at, facts) if in_xero.exported_at else ""),
        ("Link", in_xero.url),
    )
    rows += [(label, text) for label, text in optional if text]
    for entry in facts.history:
        at = told(entry.at, facts) if entry.at else "?"
        rows.append((f"{at} {entry.action}", f"{'Successful' if entry.worked else 'Failed'}: {entry.text}"))
    return tuple(rows)


def _work(facts: Facts) -> tuple[Row, ...]:
    work = facts.work
    rows = []
    if work.is_claimed:
        rows.append(("In work", "a worker has it now"))
    if work.due_at is not None:
        rows.append(("Due", f"{'since' if work.due_at <= facts.now else 'at'} {told(work.due_at, facts)}"))
    if not rows:
        rows.append(("Due", "no: nothing asks for work on it now"))
    if work.rests_until is not None:
        rows.append(("Lane", f"waits, next try {told(work.rests_until, facts)}: {why(work.trouble)}"))
    rows += [
        ("Put aside", f"{told(letter.at, facts)}, {letter.error}, reference {letter.reference}")
        for letter in work.dead
    ]
    return tuple(rows)
