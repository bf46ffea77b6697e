"""How long an effect takes to show in the other system, both ways, through real processes on loopback."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from demo.acts import pay_in_xero
from demo.company import Company
from demo.sale import EXPORTED, PAID, Sale
from demo.stack import Stack
from demo.story import now, plan, save
from demo.watch import Watcher, dynamics_state, latency_ms, state_of

SETTLE_S = 60.0
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in ms over `count` acts, `per_second` of them; of `missing` ones the effect never showed."""

    count: int
    per_second: float
    missing: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class Latencies:
    """`to_xero`: from a save in Dynamics to the document. `to_dynamics`: from a payment in Xero to Paid."""

    to_xero: Latency
    to_dynamics: Latency


def measure(*, count: int, per_second: float, today: date, progress: Callable[[str, int], None]) -> Latencies:
    """Run everything, save `count` invoices and then pay them, one after the other; return how long each took.

    Two invoices before them let the processes open their connections and read the books; they are not counted.
    `progress` is told what is done and how many times. Raises DemoFailed when a process does not come up.

    The payment is measured from before the control call that makes it until the simulated Dynamics commits the
    transaction by which the Xero details row says PAID and the invoice is Paid. The simulator notes that moment
    itself, on the clock of this machine, so nothing that looks on slows anything down or rounds it.
    """
    stack, pause = Stack(), threading.Event()
    try:
        stack.start_simulators()
        company = Company(stack)
        company.found()
        stack.start_connector()
        company.join()
        watcher = Watcher(company)
        planned = plan(company, 10 * (count + WARM_UP), today)
        sales = [sale for sale in planned if sale.expected == EXPORTED][: count + WARM_UP]
        for number, sale in enumerate(sales):
            save(company, sale)
            progress("Saving", number)
            pause.wait(1 / per_second)
        _settle(watcher, sales, _is_exported, pause)
        there = _summary(sales[WARM_UP:], _is_exported, per_second)
        for number, sale in enumerate(filter(_is_exported, sales)):
            sale.in_xero, sale.acted_at = True, now()
            pay_in_xero(company, sale)
            progress("Paying", number)
            pause.wait(1 / per_second)
        _settle(watcher, sales, _is_paid, pause)
        back = _summary(sales[WARM_UP:], _is_paid, per_second)
    finally:
        stack.stop()
        stack.remove_data()
    return Latencies(there, back)


def _is_exported(sale: Sale) -> bool:
    return state_of(sale) == EXPORTED


def _is_paid(sale: Sale) -> bool:
    return sale.facts["details"].get("stl3_xerostatus") == "PAID" and dynamics_state(sale) == PAID


def _settle(watcher: Watcher, sales: list[Sale], is_done: Callable[[Sale], bool], pause: threading.Event) -> None:
    waited_s = 0.0
    watcher.look(sales)
    while waited_s < SETTLE_S and not all(map(is_done, sales)):
        pause.wait(0.5)
        waited_s += 0.5
        watcher.look(sales)


def _summary(sales: list[Sale], is_done: Callable[[Sale], bool], per_second: float) -> Latency:
    times = sorted(ms for sale in sales if is_done(sale) and (ms := latency_ms(sale)) is not None)
    p50, p90, p99, slowest = _percentiles(times)
    return Latency(len(sales), per_second, len(sales) - len(times), p50, p90, p99, slowest)


def _percentiles(times: list[float]) -> tuple[float | None, float | None, float | None, float | None]:
    if len(times) < 2:
        return None, None, None, None
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return round(cuts[49], 1), round(cuts[89], 1), round(cuts[98], 1), round(times[-1], 1)
