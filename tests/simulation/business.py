"""A random run of everything that people do on both sides, while calls fail, limits are hit and processes die."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from core.connections import Connection
from core.event import Event
from pipeline.nightly import day_of
from pipeline.reference import REFERENCE
from simulators.dataverse.errors import Refused
from simulators.wire import Fault
from simulators.xero.state import Organisation
from tests.simulation.chaos import FROZEN_LONG_S, Chaos, Move
from tests.simulation.chronicle import Chronicle
from tests.simulation.ends import Rest
from tests.simulation.guard import Guard
from tests.simulation.hearing import Hearing
from tests.simulation.in_dynamics import OWN_COLUMNS, InDynamics
from tests.simulation.in_xero import InXero
from tests.simulation.ledger import Ledger
from tests.simulation.trading import Trade
from tests.world import World

STEPS = 100
SECOND_CONNECTION = 0.3
LOST, HEARD = 0.2, 0.7
MINUTES_TO_REST = 300


@dataclass
class Business(Chaos):
    """Invoices of every kind, edited and approved and deleted by people; `guard` watches our writes to Xero."""

    def __post_init__(self) -> None:
        world, chance = self.world, self.chance
        self.frozen_s = FROZEN_LONG_S
        self.joined = [world.connection]
        world.dynamics.customise({"columns": OWN_COLUMNS})
        world.customers["Adatum"] = world.add_customer("Adatum")
        trade = Trade(world, chance)
        organisations = [world.org]
        if chance.random() < SECOND_CONNECTION:
            second, organisation = world.join_second()
            self.joined.append(second)
            organisations.append(organisation)
        self.chronicle = Chronicle(world, organisations)
        self.ledgers = {organisation.tenant_id: Ledger(organisation) for organisation in organisations}
        self.rests: dict[str, Rest] = {}
        self.office = InDynamics(world, chance, trade, self.joined, self.chronicle)
        for connection in self.joined:
            self.office.choose(connection=connection, create_credit_notes=True)
        self.books = [InXero(world, chance, organisation, self.chronicle) for organisation in organisations]
        self.invoice_ids = self.office.invoice_ids
        self.guard = Guard(world)
        self.hearing = Hearing(world)
        self.events: list[Event] = []

    @property
    def connections(self) -> list[Connection]:
        return self.joined

    def books_of_connections(self) -> dict[str, Organisation]:
        return {one.id: books.organisation for one, books in zip(self.joined, self.books, strict=True)}

    def open_of(self, document_id: str) -> Decimal:
        """Return what is open of a document by the books."""
        return sum((ledger.balance(document_id) for ledger in self.ledgers.values()), Decimal(0))

    def moves(self) -> list[Move]:
        """Mostly people; faults as in `Chaos`."""
        return [
            (5, self.save),
            (16, self.office_acts),
            (5, self.office_ends),
            (8, self.bookkeeper_acts),
            (3, self.events_arrive),
            (1, self.sync_reference),
            (1, self.set_settings),
            (4, self.meanwhile),
            (2, self.retry),
            (6, self.mark),
            (10, self.work),
            (2, self.poll),
            (4, self.crash),
            (3, self.break_wire),
            (1, self.limit),
            (1, self.delay),
            (2, self.freeze),
            (9, self.wait),
            (1, self.world.redis.flushall),
        ]

    def step(self) -> None:
        super().step()
        self.world.pass_time(milliseconds=1)  # Xero's update times tell no two acts of a moment apart
        self.office.note_nets()

    def save(self) -> None:
        if len(self.invoice_ids) < self.invoices_max:
            self.office.save()

    def office_acts(self) -> None:
        with suppress(Refused):  # what Dynamics' own form does not let them do
            self.office.act()
        self.office.note_nets()

    def office_ends(self) -> None:
        """Mostly Dynamics tells of it."""
        with suppress(Refused):
            self.office.end()
        if self.office.touched and self.chance.random() < HEARD:
            self.world.mark(self.office.touched[-1])

    def mark(self) -> None:
        """Events of what was touched last, and of something else."""
        touched = self.office.touched[-2:]
        if touched:
            self.world.mark(*touched, self.chance.choice(self.invoice_ids))

    def bookkeeper_acts(self) -> None:
        self.chance.choice(self.books).act()

    def events_arrive(self) -> None:
        """What Xero has told of the first connection, or some of it: late, in another order, twice, or not at all."""
        self.events += self.hearing.hear()
        self.chance.shuffle(self.events)
        count = self.chance.randint(0, len(self.events))
        come, self.events = self.events[:count], self.events[count:]
        if self.chance.random() < LOST:
            return
        for _ in range(self.chance.choice((1, 1, 2))):
            self.world.dispatch(*come)

    def sync_reference(self) -> None:
        """Somebody wants the choices in Dynamics to be those of Xero."""
        for connection in self.connections:
            self.world.app.lanes.mark(connection.id, [REFERENCE], due_at=self.world.app.lanes.now())

    def set_settings(self) -> None:
        self.office.set_settings()

    def retry(self) -> None:
        self.office.retry_what_failed()

    def meanwhile(self) -> None:
        """Somebody does something while a worker is between two calls."""
        left = self.chance.randint(1, 25)
        act: Callable[[], None] = self.chance.choice((self.office_acts, self.office_ends, self.bookkeeper_acts))

        def count(_name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.world.tap.close()
                act()

        self.world.tap.before = count
        self.mark()
        self.work()
        self.world.tap.close()

    def freeze(self) -> None:
        self.guard.thaws = True
        super().freeze()
        self.guard.thaws = False

    def delay(self) -> None:
        """The next call that creates documents arrives long after its sender has given up."""
        self.guard.delays = True

    def limit(self) -> None:
        """Too many calls, says one of the two."""
        headers = {"Retry-After": str(self.chance.choice((1, 7, 60))), "X-Rate-Limit-Problem": "minute"}
        wire = self.chance.choice((self.world.xero.wire, self.world.dynamics.wire))
        wire.inject(
            Fault(match="api", kind="status-before", status=429, headers=headers, skip=self.chance.randint(0, 4))
        )

    def rest(self) -> None:
        """Nobody does anything any more, and everything works."""
        self.stop_faults()
        self.guard.delays = False
        for _ in range(2):  # what one connection lets go of, the other one takes
            for connection in self.connections:
                self.world.settle(minutes=MINUTES_TO_REST, connection=connection)

    def sleep(self) -> None:
        """Past the round of every connection's night, and everything has been done."""
        before = {one.id: day_of(one, self.world.clock.now()) for one in self.joined}
        while any(day_of(one, self.world.clock.now()) == before[one.id] for one in self.joined):
            self.world.pass_time(minutes=60)
        self.rest()

    def repair(self) -> None:
        """Somebody mends whatever kept invoices from going, and sends every one that is not right again."""
        for books in self.books:
            books.repair()
        self.sync_reference()
        self.rest()
        self.office.repair(lambda _invoice_id: True)
        self.office.note_nets()
        self.world.pass_time(minutes=2)

    def complaints_of_asking_again(self) -> list[str]:
        """Return what is wrong if what is right and asked for again is written again (rule C7)."""
        exported = [
            key for key in self.office.living() if self.world.all_details(key) and self.world.status(key) == "Yes"
        ]
        for invoice_id in exported:
            self.office.ask_again(invoice_id)
        writes = self.guard.writes.copy()
        self.rest()
        wrong = [f"{key}: written again" for key in writes if self.guard.writes[key] != writes[key]]
        return wrong + [f"{key}: {self.world.status(key)}" for key in exported if self.world.status(key) != "Yes"]


def run(world: World, seed: int) -> Business:
    business = Business(world, random.Random(f"business {seed}"))
    for _ in range(STEPS):
        business.step()
    business.rest()
    return business
