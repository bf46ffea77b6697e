"""Everything running for real: Redis, web, dispatcher, workers, poller, simulators; for tests that kill things."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from demo.company import Company
from demo.sale import Sale
from demo.stack import Stack
from demo.story import plan, save
from demo.watch import Watcher, came_true
from tests.contract import openapi
from tests.described import ACCOUNTING, complaints_of

WAIT_S = 60.0


@dataclass
class City:
    """A company between running processes; `hears` is whether Dynamics and Xero tell it what happens."""

    stack: Stack
    company: Company
    watcher: Watcher
    hears: bool = True

    def sale(self, kind: int = 0) -> Sale:
        """Save one invoice of a kind of the demo's story."""
        sale = plan(self.company, kind + 1, datetime.now(UTC).date())[kind]  # noqa: TID251 - a person's today
        save(self.company, sale)
        return sale

    def until_true(self, *sales: Sale) -> None:
        """Wait until all has come true that the story expects: one document, one details row, one history row."""
        self.until(lambda: self._look(sales) and all(came_true(sale) for sale in sales), "the story to come true")

    def _look(self, sales: tuple[Sale, ...]) -> bool:
        self.watcher.look(sales)
        return True

    def until(self, done: Callable[[], bool], what: str) -> None:
        pause, waited_s = threading.Event(), 0.0
        while not done():
            assert waited_s < WAIT_S, f"waited {WAIT_S:.0f} s for {what}; logs in {self.stack.folder}"
            step_s = min(0.1 + waited_s / 10, 0.5)  # a look is dear, and what takes long need not be seen at once
            pause.wait(step_s)
            waited_s += step_s

    def inject(self, side: str, **fault: Any) -> None:
        self._control("POST", side, "faults", fault)

    def release(self, side: str) -> None:
        self._control("DELETE", side, "faults")

    def held(self, side: str) -> int:
        return int(self._control("GET", side, "faults")["held"])

    def calls(self, side: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control("GET", side, "calls")["calls"]
        return found

    def rows(self, set_name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control("GET", "dynamics", f"rows/{set_name}")["rows"]
        return found

    def invoices_in_xero(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._control("GET", "xero", f"state/{self.company.tenant_id}")["Invoices"]
        return found

    def close(self) -> None:
        """Stop everything; no request to Xero may have been other than the published description says."""
        wrong = [
            complaint
            for call in self.calls("xero")
            if call["path"].startswith(ACCOUNTING) and openapi.is_available()
            for complaint in complaints_of(call["method"], call["path"], call["query"], call["body"].encode())
        ]
        self.stack.stop()
        self.stack.remove_data()
        assert wrong == []

    def switch_webhooks(self, **switches: Any) -> None:
        self._control("POST", "dynamics", "webhook-switches", switches)

    def _control(self, method: str, side: str, path: str, document: Any = None) -> Any:
        address = f"{self.stack.addresses[side]}/_control/{path}"
        verify = self.stack.addresses["ca_bundle"]
        answer = requests.request(method, address, json=document, verify=verify, timeout=10)
        answer.raise_for_status()
        return json.loads(answer.content)


@dataclass
class Cities:
    """The city of a module's tests; after a test that failed a new one, so that it fails no other."""

    session: pytest.Session
    open: Callable[[], City]
    _city: City | None = field(default=None, init=False)
    _failed_before: int = field(default=0, init=False)

    def sound_city(self) -> City:
        """Return the city, which no test has failed in. The logs of one that is replaced stay for its reader."""
        failed = self.session.testsfailed
        if self._city is not None and failed > self._failed_before:
            self._city.stack.stop()
            self._city = None
        if self._city is None:
            self._city, self._failed_before = self.open(), failed
        return self._city

    def close(self) -> None:
        if self._city is not None:
            self._city.close()


def shared_cities(session: pytest.Session, open_: Callable[[], City]) -> Iterator[Cities]:
    """What the fixture of a module yields from: its cities, and the end of the last one."""
    cities = Cities(session, open_)
    yield cities
    cities.close()


def open_city(*, workers: int = 2, poll_interval_s: int = 3600) -> City:
    """Start everything. With the default interval no poll helps: what comes true came by events and the sweeper."""
    stack = Stack(workers=workers, poll_interval_s=poll_interval_s)
    try:
        stack.start_simulators()
        company = Company(stack)
        company.found()
        stack.start_connector()
        company.join()
    except BaseException:
        stack.stop()
        raise
    return City(stack, company, Watcher(company))


def open_deaf_city(*, workers: int = 2) -> City:
    """Start everything; nobody posts anything, and a poll every two seconds finds what has happened."""
    city = open_city(workers=workers, poll_interval_s=2)
    city.switch_webhooks(drop=1.0)
    city._control("POST", "xero", "webhooks", {"url": None})
    city.stack.kill("poll")  # a poller that starts now knows the connection at once
    city.stack.start("poll")
    city.hears = False
    return city
