"""What people cancel and delete in Dynamics between running processes, and what there has to be in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core import columns
from demo import acts
from demo.company import ADMIN_APP, WebApi
from demo.sale import CANCELLED, CREDITED, DELETED, Sale, Then
from demo.story import go_on
from demo.watch import step_of
from mappers.cancelling import GONE, read_cancelling
from pipeline.broker import open_broker, wake_lane
from pipeline.lane_scripts import keys_of
from pipeline.lanes import Entity, Lanes
from pipeline.memory import Memory
from tests.processes.xero_stories import Stories

SALES, BILL = 1, 12
# Changes to a details row: what is about to be done, and what came of it.
INTENT, OUTCOME = r'"stl3_cancelling": ?"', r'"stl3_handledstate": ?"'
BATCH = r"POST /api/data/v9.2/\$batch"


class Cancellations(Stories):
    """Stories of invoices that are cancelled and deleted, and of workers that die meanwhile."""

    def choose(self, **labels: str) -> None:
        """Change the settings; without events they are a minute old at most, which is not waited for here."""
        self.city.company.choose(**labels)
        with self.redis() as client:
            Memory(client, self.lane).forget_preferences()

    def tells(self, sale: Sale, *words: str) -> dict[str, Any]:
        """Wait until a row of history has these words and nothing is due; return the Xero details."""

        def are_told() -> bool:
            self.city.watcher.look([sale])
            return any(all(each in row["stl3_details"] for each in words) for row in sale.facts["history"])

        self.city.until(are_told, f"{words} to be told")
        self.city.until(lambda: self.is_idle(sale), "nothing to be due")
        return self.details(sale)

    def act_on(self, sale: Sale, then: Then) -> None:
        """Let the next person act on a sale that has come true."""
        sale.then = (then,)
        go_on(self.city.company, sale, step_of(sale))

    def comes_to(self, sale: Sale) -> None:
        """Wait until all has come true, and nothing is due any more; the end is then looked at once more."""
        self.city.until_true(sale)
        self.city.until(lambda: self.is_idle(sale), "nothing to be due")
        self.city.until_true(sale)
        assert_ended_once(sale)

    def is_idle(self, sale: Sale) -> bool:
        xero_id = sale.facts["details"]["stl3_xeroinvoiceid"] or ""
        mine = (Entity("dynamics", "invoice", sale.invoice_id), Entity("xero", "invoice", xero_id))
        return self.ready() == 0 and not any(self.is_due(entity) for entity in mine)

    @contextmanager
    def dead_worker(self, side: str = "xero") -> Iterator[None]:
        """Kill the worker while a call is held, and start the next one after what is done in here."""
        self.city.until(lambda: self.city.held(side) == 1, f"a call to {side} to be held")
        self.city.stack.kill("work-1")
        yield
        self.city.stack.start("work-1")
        self.take_over()

    def hold(self, side: str, match: str, kind: str, content: str = "") -> None:
        self.city.inject(side, match=match, content=content, kind=kind, delay_s=60)

    def hold_write(self, content: str, kind: str) -> None:
        """With a call to Xero held: let it go, and hold the change to Dynamics that follows and has this content."""
        self.city.until(lambda: self.city.held("xero") == 1, "a call to Xero to be held")
        self.hold("dynamics", BATCH, kind, content)
        self.city.release("xero")

    def take_over(self) -> None:
        """The lease of a dead worker runs out after 15 seconds, which are not waited for here."""
        with self.redis() as client:
            client.delete(*keys_of(self.lane, "lease", "rung"))
        self.wake()

    def wake(self) -> None:
        broker = open_broker(self.redis_url)
        wake_lane(broker, self.lane)
        broker.close()

    def due_in_s(self, sale: Sale) -> float:
        """How many seconds from now the invoice is due; -1 if it is not marked."""
        with self.redis() as client:
            lanes = Lanes(client)
            due_at = lanes.due_at(self.lane, Entity("dynamics", "invoice", sale.invoice_id))
            return -1.0 if due_at is None else (due_at - lanes.now()).total_seconds()

    def let_seven_minutes_pass(self, sale: Sale) -> None:
        """Wait until it is put off for them, and let it look as if what was begun had been begun so long ago."""
        self.city.until(lambda: self.due_in_s(sale) > 60, "it to be put off")
        details = self.details(sale)
        begun = read_cancelling(details["stl3_cancelling"])
        assert begun is not None
        longer = replace(begun, since=begun.since - timedelta(minutes=8))
        admin = WebApi(self.city.stack.addresses, ADMIN_APP)
        admin.update(columns.DETAILS.set_name, details[columns.DETAILS.id_column], {"stl3_cancelling": longer.text})
        self.gather_now(Entity("dynamics", "invoice", sale.invoice_id))

    def details(self, sale: Sale) -> dict[str, Any]:
        self.city.watcher.look([sale])
        found: dict[str, Any] = sale.facts["details"]
        return found

    def is_begun(self, sale: Sale, doing: str) -> bool:
        begun = read_cancelling(self.details(sale).get("stl3_cancelling") or "")
        return begun is not None and begun.doing == doing


def void() -> Then:
    """Cancelled while setting B10 is Void."""
    words = "Invoice has been voided in Xero"
    act = acts.cancel_in_dynamics
    return Then("Cancelled in Dynamics", act, words, rows=2, status="VOIDED", state=CANCELLED)


def delete_draft() -> Then:
    """An invoice whose document is a draft is deleted in Dynamics."""
    words = "Invoice has been deleted in Xero"
    return Then("Deleted in Dynamics", acts.delete_in_dynamics, words, rows=2, status="DELETED", state=DELETED)


def assert_ended_once(sale: Sale) -> None:
    """One note that settles the document, or none; one row of history that says so; nothing under way."""
    details, document, notes = (sale.facts[name] for name in ("details", "document", "notes"))
    act = columns.ACTION["Cancel" if sale.state == CANCELLED else "Delete"]
    told = [row for row in sale.facts["history"] if row["stl3_action"] == act]
    assert len(told) == 1, [row["stl3_details"] for row in sale.facts["history"]]
    assert told[0]["stl3_syncstatus"] == columns.SYNC_STATUS["Successful"]
    assert details["stl3_exportstatus"] == columns.EXPORT_STATUS["Yes"]
    assert details["stl3_handledstate"] == ("3" if sale.state == CANCELLED else GONE)
    assert details["stl3_cancelling"] is None
    if sale.status != CREDITED:
        assert notes == []
        return
    (note,), (applied,) = notes, document["CreditNotes"]
    assert (note["Status"], note["CreditNoteID"]) == ("PAID", applied["CreditNoteID"])
    assert Decimal(note["Total"]) == Decimal(document["Total"]) == Decimal(applied["AppliedAmount"])
    assert Decimal(note["TotalTax"]) == Decimal(document["TotalTax"])
    assert (details["stl3_creditnoteid"], details["stl3_creditnotenumber"]) == (
        note["CreditNoteID"],
        note["CreditNoteNumber"],
    )
