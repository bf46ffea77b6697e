"""One random run: a world, a source of chance, and the moves that may happen in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

from core.connections import Connection
from core.errors import ConnectorError
from pipeline.work import work
from simulators.wire import Fault, FaultKind
from tests.simulation.taps import Crash
from tests.world import Line, World

Move = tuple[int, Callable[[], None]]

FAULT_KINDS: tuple[FaultKind, ...] = ("drop-before", "drop-after", "status-before", "status-after")
FROZEN_S = (16, 55)  # shorter than what lies between our last sending (5 min) and Xero's forgetting (6 min)
FROZEN_LONG_S = (16, 900)  # past everything that anybody waits for: second documents come into being


@dataclass
class Chaos:
    """Plain invoices of a world, saved, edited and marked, while calls fail and processes die."""

    world: World
    chance: random.Random
    invoices_max: int = 6
    invoice_ids: list[str] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    frozen_s: tuple[int, int] = FROZEN_S

    @property
    def connections(self) -> list[Connection]:
        return [self.world.connection]

    def moves(self) -> list[Move]:
        """What may happen, each with its weight."""
        return [
            (4, self.save),
            (2, self.edit),
            (2, self.open),
            (4, self.mark),
            (6, self.work),
            (3, self.poll),
            (3, self.crash),
            (4, self.break_wire),
            (2, self.freeze),
            (4, self.wait),
            (1, self.world.redis.flushall),
        ]

    def step(self) -> None:
        weights, choices = zip(*self.moves(), strict=True)
        try:
            self.chance.choices(choices, weights)[0]()
        except Crash:
            self.world.die()

    def save(self) -> None:
        if len(self.invoice_ids) >= self.invoices_max:
            return
        product = self.chance.choice((None, "CHAIR-01", "DESK-02"))
        lines = [Line("Work", f"{self.chance.randint(1, 9999) / 100:.2f}", str(self.chance.randint(1, 9)), product)]
        lines += [Line("More", "0.35")] * self.chance.randint(0, 2)
        waits = {} if self.chance.random() < 0.7 else {"pricelevelid@odata.bind": None}
        customer = self.chance.choice(sorted(self.world.customers))
        invoice_id = self.world.save_invoice(*lines, customer=customer, **waits)
        self.invoice_ids.append(invoice_id)
        self.closed |= {invoice_id} if waits else set()

    def edit(self) -> None:
        if self.invoice_ids:
            invoice_id = self.chance.choice(self.invoice_ids)
            self.edited.add(invoice_id)
            line = self.world.lines(invoice_id)[0]
            price = Decimal(self.chance.randint(1, 9999)) / 100
            self.world.sales.update("invoicedetail", line["invoicedetailid"], {"priceperunit": price})

    def open(self) -> None:
        for invoice_id in sorted(self.closed):
            self.world.edit(invoice_id, **{"pricelevelid@odata.bind": f"/pricelevels({self.world.price_list})"})
        self.closed.clear()

    def mark(self) -> None:
        if self.invoice_ids:
            self.world.mark(*self.chance.choices(self.invoice_ids, k=self.chance.randint(1, 6)))

    def work(self) -> None:
        for connection in self.connections:
            self.world.work(connection)

    def poll(self) -> None:
        for connection in self.connections:
            self.world.poll(connection)

    def crash(self) -> None:
        self.world.tap.crash_at(self.chance.randint(1, 30), after=self.chance.random() < 0.5)
        self.mark()
        self.work()
        self.world.tap.close()

    def break_wire(self) -> None:
        wire = self.chance.choice((self.world.xero.wire, self.world.dynamics.wire))
        match = self.chance.choice((".", "PUT", "batch", "Invoices", "token"))
        kind, status = self.chance.choice(FAULT_KINDS), self.chance.choice((500, 502, 503))
        times = self.chance.randint(1, 3)
        wire.inject(Fault(match=match, kind=kind, status=status, times=times, skip=self.chance.randint(0, 6)))

    def freeze(self) -> None:
        """A worker freezes at some call past its lease, and another one works meanwhile."""
        left, seconds = self.chance.randint(1, 25), self.chance.randint(*self.frozen_s)

        def frozen(_name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.world.tap.close()
                self.world.pass_time(seconds=seconds)
                self.other_work()

        self.world.tap.before = frozen
        self.mark()
        self.work()
        self.world.tap.close()

    def other_work(self) -> None:
        for connection in self.connections:
            with suppress(ConnectorError):  # what the actor does
                work(self.world.new_process(), connection.id)

    def wait(self) -> None:
        self.world.pass_time(seconds=self.chance.choice((1, 5, 20, 60, 290, 310, 400, 430, 900)))

    def stop_faults(self) -> None:
        """Every wire carries again, and nothing happens meanwhile any more."""
        self.world.tap.close()
        self.world.xero.wire.release()
        self.world.dynamics.wire.release()

    def rest(self) -> None:
        """Everything works again."""
        self.open()
        self.stop_faults()
        self.world.settle(minutes=240)
