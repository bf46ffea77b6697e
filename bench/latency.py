"""How long it takes from a save in Dynamics until the document stands in Xero, through real processes on loopback."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from demo.company import Company
from demo.stack import Stack
from demo.story import EXPORTED, Sale, plan, save
from demo.watch import Watcher, latency_ms, state_of

SETTLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in ms over `count` invoices saved at `per_second`; `missing` never reached Xero."""

    count: int
    per_second: float
    missing: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float


def measure(*, count: int, per_second: float, today: date, progress: Callable[[int], None]) -> Latency:
    """Run everything, save `count` invoices one after the other, and return how long each took.

    Two invoices before them let the processes open their connections and read the books; they are not counted.
    `progress` is told how many have been saved. Raises DemoFailed when a process does not come up.
    """
    stack = Stack()
    try:
        stack.start_simulators()
        company = Company(stack)
        company.found()
        stack.start_connector()
        company.join()
        sales = [sale for sale in plan(company, 10 * (count + 2), today) if sale.expected == EXPORTED][: count + 2]
        pause = threading.Event()
        for number, sale in enumerate(sales):
            save(company, sale)
            progress(number)
            pause.wait(1 / per_second)
        _settle(Watcher(company), sales, pause)
    finally:
        stack.stop()
        stack.remove_data()
    return _summary(sales[2:], per_second)


def _settle(watcher: Watcher, sales: list[Sale], pause: threading.Event) -> None:
    waited_s = 0.0
    watcher.look(sales)
    while waited_s < SETTLE_S and not all(state_of(sale) == EXPORTED for sale in sales):
        pause.wait(0.5)
        waited_s += 0.5
        watcher.look(sales)


def _summary(sales: list[Sale], per_second: float) -> Latency:
    times = sorted(ms for sale in sales if (ms := latency_ms(sale)) is not None)
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return Latency(
        count=len(sales),
        per_second=per_second,
        missing=len(sales) - len(times),
        p50_ms=round(cuts[49], 1),
        p90_ms=round(cuts[89], 1),
        p99_ms=round(cuts[98], 1),
        max_ms=round(times[-1], 1),
    )
