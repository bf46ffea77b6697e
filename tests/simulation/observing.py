"""What there is after a run, on both sides, and what must be true of it at rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from core import columns
from core.connections import Connection
from pipeline.app import App
from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.dataverse.people import Person
from simulators.xero import XeroSimulator
from simulators.xero.invoice_views import invoice_view
from simulators.xero.state import Organisation

PUT_INVOICES = ("PUT", "/api.xro/2.0/Invoices")
SUCCESSFUL = columns.SYNC_STATUS["Successful"]


class Observing:
    """The eyes of a world."""

    clock: Clock
    xero: XeroSimulator
    org: Organisation
    dynamics: DataverseSimulator
    sales: Person
    redis: redis.Redis
    app: App
    connection: Connection
    polled: list[Any]  # the calls to Xero that polls have made

    # What the world does, given by `World`.
    pass_time: Callable[..., None]
    poll: Callable[..., int]
    work: Callable[..., None]

    def documents(self, organisation: Organisation | None = None) -> list[dict[str, Any]]:
        """The invoices in Xero that live, as Xero shows them."""
        found = self.all_documents(organisation)
        return [invoice for invoice in found if invoice["Status"] not in ("VOIDED", "DELETED")]

    def all_documents(self, organisation: Organisation | None = None) -> list[dict[str, Any]]:
        held = organisation or self.org
        return [invoice_view(held, invoice, "paged", unit_places=4) for invoice in held.invoices.values()]

    def documents_of(self, invoice_id: str) -> list[dict[str, Any]]:
        return [document for document in self.documents() if invoice_id in (document["Url"] or "")]

    def assert_exported_once(self, *invoice_ids: str) -> None:
        """One live document, one details row that names it, created once by the history; nothing open (I1, I2)."""
        for invoice_id in invoice_ids:
            (document,) = self.documents_of(invoice_id)
            details = self.details(invoice_id)
            assert self.status(invoice_id) == "Yes"
            assert details["stl3_xeroinvoiceid"] == document["InvoiceID"]
            assert (details["stl3_attemptstarted"], details["stl3_attemptkey"]) == (None, None)
            assert details["stl3_waitingfor"] is None
            created = {"stl3_syncstatus": SUCCESSFUL, "stl3_action": columns.ACTION["Create"]}
            rows = [row for row in self.history(invoice_id) if created.items() <= row.items()]
            assert [row["stl3_details"].split("\n")[0] for row in rows] == [
                f"Invoice has been created in Xero - {document['InvoiceID']}"
            ]

    def assert_quiet(self, connection: Connection | None = None) -> None:
        """Nothing due, and after the poll's overlap a poll is one call to either side that writes nothing (I5)."""
        assert self.app.lanes.counts((connection or self.connection).id) == {"due": 0, "working": 0}
        self.assert_quiet_but_later(connection)

    def assert_quiet_but_later(self, connection: Connection | None = None) -> None:
        """Quiet, though something may become due later by the calendar."""
        assert self.left_soon((connection or self.connection).id) == 0
        self.pass_time(minutes=11)
        self.poll(connection)
        self.work(connection)
        self.pass_time(minutes=11)
        before = self.rows_of_ours()
        self.xero.wire.forget_calls()
        self.dynamics.wire.forget_calls()
        assert self.poll(connection) == 0
        self.work(connection)
        assert self.xero_calls() == ["GET /api.xro/2.0/Invoices"]
        assert len(self.dynamics_calls()) == 1
        assert self.rows_of_ours() == before

    def rows_of_ours(self) -> dict[str, list[dict[str, Any]]]:
        return {name: self.dynamics.rows(name) for name in (columns.DETAILS.set_name, columns.HISTORY.set_name)}

    def details(self, invoice_id: str) -> dict[str, Any]:
        (row,) = self.all_details(invoice_id)
        return row

    def all_details(self, invoice_id: str) -> list[dict[str, Any]]:
        rows = self.dynamics.rows(columns.DETAILS.set_name)
        return [row for row in rows if row["stl3_dynamicsinvoiceid"] == invoice_id]

    def status(self, invoice_id: str) -> str | None:
        return columns.EXPORT_STATUS.label(self.details(invoice_id)["stl3_exportstatus"])

    def history(self, invoice_id: str) -> list[dict[str, Any]]:
        rows = self.dynamics.rows(columns.HISTORY.set_name)
        return [row for row in rows if row["_stl3_invoice_value"] == invoice_id]

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        return self.sales.get("invoice", invoice_id)

    def xero_calls(self, *, polls: bool = True) -> list[str]:
        """Every call to Xero; without `polls` those that the poll makes to see what has moved are left out."""
        left_out = [] if polls else self.polled
        calls = [call for call in self.xero.wire.calls if not any(call is each for each in left_out)]
        return [f"{call.method} {call.path}" for call in calls if "/api.xro/" in call.path]

    def dynamics_calls(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.dynamics.wire.calls if "/api/data/" in call.path]

    def sent_keys(self) -> list[str]:
        """The Idempotency-Key of each call that created invoices."""
        calls = self.xero.wire.calls
        return [call.headers["idempotency-key"] for call in calls if (call.method, call.path) == PUT_INVOICES]

    def left_soon(self, lane: str) -> int:
        """How much is in work or due within the hour."""
        soon = self.clock.now().timestamp() + 3600
        working = self.app.lanes.counts(lane)["working"]
        return working + self.redis.zcount(f"lane:{lane}:due", "-inf", int(soon * 1000))
