"""What people do in Xero between running processes, and how long anybody waits until it shows in Dynamics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import redis

from core import columns
from core.redis import open_redis
from demo.sale import Sale
from pipeline.broker import open_broker, wake_lane
from pipeline.lanes import Entity, Lanes
from pipeline.schedule import POLLS
from tests.processes.city import City

SUMMARY, BY_IDS = "summaryOnly=true", "IDs="
# The first list may have been asked for before the act, the second one names it; a slow machine gets another one.
LISTS_MAX = 3
CREATE = columns.ACTION["Create"]


@dataclass
class Stories:
    """A city whose invoices are approved in Xero."""

    city: City

    def sell(self, kind: int = 1) -> Sale:
        """Return a sale whose document stands approved in Xero, all that it has led to done."""
        sale = self.city.sale(kind)
        self.city.until_true(sale)
        if self.city.hears:  # between polls the lane is never empty for long
            self.city.until(lambda: self.ready() == 0, "the lane to be empty")
        return sale

    def act(self, action: str, **arguments: Any) -> Any:
        """Let a person act in Xero's own pages; return what the page then shows."""
        acting = {"tenant_id": self.city.company.tenant_id, "action": action, **arguments}
        return self.city._control("POST", "xero", "act", acting)["result"]

    def look(self, sale: Sale) -> dict[str, Any]:
        """Return where the invoice and its document stand, as Dynamics says it, and what the history tells."""
        self.city.watcher.look([sale])
        details, invoice = sale.facts["details"], sale.facts["invoice"]
        return {
            "status": details.get("stl3_xerostatus"),
            "due": details.get("stl3_amountdue"),
            "paid": details.get("stl3_amountpaid"),
            "state": invoice.get("statecode"),
            "due on the invoice": invoice.get("stl3_amountdue"),
            "told": [row["stl3_details"] for row in sale.facts["history"] if row["stl3_action"] != CREATE],
        }

    def follows(self, sale: Sale, words: str, rows: int = 1, **wanted: Any) -> dict[str, Any]:
        """Wait until Dynamics says what is wanted, and one of so many rows of history has these words."""

        def is_there() -> bool:
            seen = self.look(sale)
            said = any(words in text for text in seen["told"])
            return said and len(seen["told"]) == rows and wanted.items() <= seen.items()

        self.city.until(is_there, f"{wanted} and {words!r}")
        return self.look(sale)

    @contextmanager
    def in_time(self, xero_id: str) -> Iterator[None]:
        """Without webhooks: what is done in here about a document is found by the first poll that begins after it.

        With them there is no poll that could help.
        """
        after = max(call["number"] for call in self.city.calls("xero"))
        yield
        calls = self.city._control("GET", "xero", f"calls?after={after}")["calls"]
        invoices = [call for call in calls if call["path"] == "/api.xro/2.0/Invoices" and call["method"] == "GET"]
        read = next(n for n, call in enumerate(invoices) if BY_IDS in call["query"] and xero_id in call["query"])
        lists = sum(SUMMARY in call["query"] for call in invoices[:read])
        assert (lists == 0) if self.city.hears else (1 <= lists <= LISTS_MAX)

    def document_id(self, sale: Sale) -> str:
        return str(sale.facts["document"]["InvoiceID"])

    def total(self, sale: Sale) -> Decimal:
        return Decimal(sale.facts["document"]["Total"])

    def owes(self, customer: str) -> Decimal | None:
        accounts = {row["accountid"]: row for row in self.city.rows("accounts")}
        owed = accounts[self.city.company.customers[customer]]["stl3_amountowed"]
        return None if owed is None else Decimal(str(owed))

    def ready(self) -> int:
        """How much is due now or in work."""
        with self.redis() as client:
            lanes = Lanes(client)
            return lanes.count_ready(self.lane) + lanes.counts(self.lane)["working"]

    def is_due(self, entity: Entity) -> bool:
        with self.redis() as client:
            return Lanes(client).due_at(self.lane, entity) is not None

    def gather_now(self, entity: Entity) -> None:
        """Wait until an entity is due with what gathers for five minutes, and spare us these."""
        self.city.until(lambda: self.is_due(entity), f"{entity} to be due")
        with self.redis() as client:
            lanes = Lanes(client)
            lanes.mark(self.lane, [entity], due_at=lanes.now())
        broker = open_broker(self.redis_url)
        wake_lane(broker, self.lane)
        broker.close()

    def poll_now(self) -> None:
        """Let the poller find the connection's poll due at its next look, however short ago the last one was."""
        with self.redis() as client:
            client.delete(f"polled:{self.lane}")
            client.zadd(POLLS, {self.lane: 0})

    @property
    def lane(self) -> str:
        return self.city.company.connection_id

    @property
    def redis_url(self) -> str:
        return f"unix://{self.city.stack.folder / 'redis' / 'redis.sock'}?db=0"

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        client = open_redis(self.redis_url)
        try:
            yield client
        finally:
            client.close()

    def logged(self, process: str, event: str) -> list[dict[str, Any]]:
        lines = self.city.stack.log_of(process).read_text().splitlines()
        found = (json.loads(line) for line in lines if line.startswith("{"))
        return [line for line in found if line.get("event") == event]
