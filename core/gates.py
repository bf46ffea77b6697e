"""The gates that an invoice must pass before it goes to Xero (rules C1 to C8), each with a tick or a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from core.connections import IN_SERVICE, Connection
from core.invoice import ACTIVE, Details, Invoice, Line

Midnight = Literal["the zone's", "UTC's", "a zone's in the east", "a zone's in the west"]

BUNDLE_PARTS = frozenset({3, 4})  # invoicedetail.producttypecode: components, counted by their bundle


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate: `waiting` is what stands in "waiting for", `remedy` what a person can do; both empty when open."""

    rule: str
    question: str
    is_open: bool
    waiting: str = ""
    remedy: str = ""


def delivered_on(delivered_at: datetime, zone: ZoneInfo) -> date:
    """Return Date Delivered as the date that a person typed (rule C11)."""
    return taken_for(delivered_at, zone)[0]


def taken_for(delivered_at: datetime, zone: ZoneInfo) -> tuple[date, Midnight]:
    """Return the date that Date Delivered is taken for, and whose midnight it is.

    Dynamics stores a date typed in a user's zone as that zone's midnight in UTC. Midnight in the connection's
    zone is its day; 00:00:00Z is the UTC day; anything else is midnight somewhere else: from noon UTC on it was
    typed east of Greenwich, where the next day had begun.
    """
    local = delivered_at.astimezone(zone)
    if local.time() == time(0):
        return local.date(), "the zone's"
    utc = delivered_at.astimezone(UTC)
    if utc.time() == time(0):
        return utc.date(), "UTC's"
    if utc.hour >= 12:
        return utc.date() + timedelta(days=1), "a zone's in the east"
    return utc.date(), "a zone's in the west"


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of `day` in `zone`, in UTC."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def gates_of(invoice: Invoice, details: Details | None, connection: Connection, now: datetime) -> list[Gate]:
    """Return every gate of this invoice for this connection, in the order of the rules."""
    chosen = invoice.connector_id == connection.id
    exported = details is not None and details.export_status != "No"
    return [
        Gate("C1", "Its connector is chosen", chosen, "connector", "Choose this connector on the invoice."),
        Gate("C2", "It is active", invoice.state == ACTIVE, "an active invoice", "Activate the invoice."),
        Gate("C3", "It has a price list", bool(invoice.price_list_id), "price list", "Choose a price list."),
        Gate("C4", "It has a customer", bool(invoice.customer_id), "customer", "Choose a customer."),
        _date_gate(invoice, connection, now),
        Gate("C6", "It has lines", bool(billed_lines(invoice)), "at least one line", "Add a product."),
        Gate("C7", "Its export status is No", not exported, "export status No", "Set export status to No."),
        Gate(
            "C8",
            "The connection is in service",
            connection.state == IN_SERVICE,
            "the connection to be in service",
            connection.state_reason or "Ask the administrator to put the connection back in service.",
        ),
    ]


def billed_lines(invoice: Invoice) -> list[Line]:
    """Return the lines that count: not the components of a bundle (rule C38)."""
    return [line for line in invoice.lines if line.product_type not in BUNDLE_PARTS]


def waiting_text(gates: list[Gate]) -> str:
    """Return what "waiting for" says (rule C9); empty when every gate is open."""
    return "; ".join(gate.waiting for gate in gates if not gate.is_open)


def opens_at(invoice: Invoice, connection: Connection, now: datetime) -> datetime | None:
    """Return when the date gate will open by itself, if it is what holds the invoice (rule C5)."""
    if invoice.delivered_at is None:
        return None
    starts = start_of(delivered_on(invoice.delivered_at, connection.zone), connection.zone)
    return starts if starts > now else None


def _date_gate(invoice: Invoice, connection: Connection, now: datetime) -> Gate:
    question = "Date Delivered is set and not in the future"
    if invoice.delivered_at is None:
        return Gate("C5", question, is_open=False, waiting="Date Delivered", remedy="Fill in Date Delivered.")
    day = delivered_on(invoice.delivered_at, connection.zone)
    if start_of(day, connection.zone) <= now:
        return Gate("C5", question, is_open=True)
    waiting = f"goes on {day.day} {day:%b %Y} (Date Delivered)"
    return Gate("C5", question, is_open=False, waiting=waiting, remedy="Wait, or set an earlier Date Delivered.")
