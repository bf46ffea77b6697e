"""Which exported invoices have changed since the two systems agreed, and which of them have to wait (rule C61)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from clients.odata import odata_in, rows_path
from core import columns, gates
from core.invoice import ACTIVE, PAID, Details, Invoice
from mappers.agreements import NOBODY, Agreement, read_agreement
from mappers.dynamics import fingerprint
from mappers.standing import DEAD_STATUSES
from pipeline.outcomes import Outcome, Present, Rejoined, Report, Waits
from pipeline.reading import read_batch
from pipeline.tools import Tools

# The document exists: it may be dated in the future, and it stays with its connection (rules C5, C7, C63).
NOT_FOR_UPDATES = frozenset({"C1", "C7"})
WAITS_FOR = "its change waits for: "
NEW_ONE_WAITS_FOR = "a new document of it waits for: "


@dataclass(frozen=True, slots=True)
class Exported:
    """An invoice whose document is in Xero, and what its Xero details row says."""

    present: Present
    invoice: Invoice
    details: Details

    @property
    def xero_id(self) -> str:
        return self.details.xero_invoice_id

    @property
    def agreement(self) -> Agreement:
        return read_agreement(self.details.agreed_document)

    @property
    def is_forced(self) -> bool:
        """A person asks for it: export status No (rules C7, C61)."""
        return self.details.export_status == "No"

    @property
    def has_changed(self) -> bool:
        """Whether there may be something to carry over; what failed waits for its person (rule C60)."""
        if self.details.export_status == "Yes":
            return self.invoice.state == ACTIVE and fingerprint(self.invoice) != self.details.fingerprint
        return self.is_forced

    def connector_before(self, connection_id: str) -> str:
        """Return the connector that the history last told of; at first it is that of the connection."""
        known = self.agreement.connector_id or connection_id
        return "" if known == NOBODY else known


def is_exported(present: Present) -> bool:
    return present.details is not None and bool(present.details.xero_invoice_id)


def sort_out(tools: Tools, presents: Iterable[Present], report: Report) -> tuple[list[Exported], list[Outcome]]:
    """Return which of these exported invoices have to be compared with Xero, and what there is to say of others."""
    known = [
        Exported(present, present.invoice, present.details)
        for present in presents
        if present.invoice is not None and present.details is not None
    ]
    outcomes: list[Outcome] = list(_rejoined(tools, [one for one in known if one.has_changed], report))
    told = {outcome.present.invoice_id for outcome in outcomes}
    changed: list[Exported] = []
    for one in known:
        if one.present.invoice_id in told:
            continue
        text = waiting_text(tools, one) if one.has_changed else ""
        if one.has_changed and not text:
            changed.append(one)
        elif text != one.details.waiting_for and one.details.export_status != "Failed":
            outcomes.append(Waits(one.present, text))
    return changed, outcomes


def waiting_text(tools: Tools, one: Exported) -> str:
    """Return what the change waits for; empty when it may go."""
    found = gates.gates_of(one.invoice, one.details, tools.connection, tools.hold())
    closed = [gate for gate in found if not gate.is_open and gate.rule not in NOT_FOR_UPDATES]
    if one.invoice.delivered_at is not None:
        closed = [gate for gate in closed if gate.rule != "C5"]
    if one.invoice.state == PAID:
        # A person asks for a document of an invoice that was paid since: it is looked at all the same (rule C7).
        closed = [gate for gate in closed if gate.rule != "C2"]
    begins = NEW_ONE_WAITS_FOR if one.is_forced and one.details.xero_status in DEAD_STATUSES else WAITS_FOR
    return f"{begins}{gates.waiting_text(closed)}" if closed else ""


def _rejoined(tools: Tools, changed: Sequence[Exported], report: Report) -> Iterable[Rejoined]:
    """Rule C63: another connector, or none, on an exported invoice only leaves a row of history."""
    mine = tools.connection.id
    moved = [one for one in changed if one.invoice.connector_id != one.connector_before(mine)]
    names = _names(tools, {mine, *(one.invoice.connector_id for one in moved)} - {""}) if moved else {}
    for one in moved:
        before = replace(one.invoice, connector_id=one.connector_before(mine))
        is_all = not one.is_forced and fingerprint(before) == one.details.fingerprint
        if not is_all:
            report.later(one.present.invoice_id, tools.hold())
        yield Rejoined(one.present, _words(names, one.invoice.connector_id, mine), is_all)


def _words(names: Mapping[str, str], connector_id: str, mine: str) -> str:
    home = f"“{names.get(mine, mine)}”"
    if connector_id == mine:
        return f"The connector of this invoice is {home} again, the connection that its document went through."
    changed = f"was changed to “{names.get(connector_id, connector_id)}”" if connector_id else "was removed"
    return f"The connector of this invoice {changed}. The document stays with the connection {home}."


def _names(tools: Tools, connector_ids: Iterable[str]) -> dict[str, str]:
    id_column = columns.CONNECTOR.id_column
    query = {"$select": f"{id_column},{columns.NAME}", "$filter": odata_in(id_column, sorted(connector_ids))}
    (rows,) = read_batch(tools, rows_path(columns.CONNECTOR.set_name, query))
    return {row[id_column]: row[columns.NAME] for row in rows}
