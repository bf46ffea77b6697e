"""An act in Xero, what is raised of it, and our nets: the event, the poll's list, the round of the night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from core.event import Event
from pipeline.dispatch import GATHER
from pipeline.nightly import day_of
from pipeline.watermarks import Nights
from tests.simulation.hearing import Hearing
from tests.simulation.test_nightly import go_to_night
from tests.simulation.updating import document, export
from tests.world import Line, World

Raised = list[tuple[str, str]]


@dataclass
class Scene:
    """An invoice over 18.00 that stands approved in Xero, everything about it settled and heard."""

    world: World
    hearing: Hearing = field(init=False)
    heard: list[Event] = field(default_factory=list)
    invoice_id: str = ""

    def __post_init__(self) -> None:
        self.hearing = Hearing(self.world)
        self.world.choose(status="Authorised")
        self.invoice_id = self.export(duedate="2026-12-24")

    def export(self, *lines: Line, **row: Any) -> str:
        invoice_id = export(self.world, *lines, **row)
        self.hearing.hear()
        return invoice_id

    @property
    def xero_id(self) -> str:
        return str(document(self.world, self.invoice_id)["InvoiceID"])

    def rest(self, **delta: float) -> None:
        """Let time pass until no list of a poll has anything of what has been; of the calendar as much as is said."""
        self.world.settle()
        self.world.pass_time(minutes=12)
        self.world.settle()
        self.world.pass_time(**delta)

    def act(self, act: Callable[[], Any]) -> Raised:
        """Let somebody act a minute later; return category and type of each event that Xero sends of it."""
        self.world.pass_time(minutes=1)
        act()
        self.heard = self.hearing.hear()
        return [(event.entity, event.message) for event in self.heard]

    def standing(self) -> tuple[Any, ...]:
        """Status, due and paid on the details row; state and amount due of the invoice."""
        details, invoice = self.world.details(self.invoice_id), self.world.invoice(self.invoice_id)
        amounts = (details["stl3_amountdue"], details["stl3_amountpaid"])
        return details["stl3_xerostatus"], *amounts, invoice["statecode"], invoice["stl3_amountdue"]


Net = Callable[[Scene], None]


def events(scene: Scene) -> None:
    """What was heard, and nothing but that: no poll."""
    scene.world.dispatch(*scene.heard)
    scene.world.work()
    scene.world.pass_time(seconds=GATHER.total_seconds())
    scene.world.work()
    assert scene.world.interrupted == []


def polls(scene: Scene) -> None:
    """No event came: the next poll."""
    scene.world.poll()
    scene.world.work()
    assert scene.world.interrupted == []


def nights(scene: Scene) -> None:
    """Neither events nor the lists of the polls told of it: the round of the night."""
    go_to_night(scene.world)
    world = scene.world
    yesterday = day_of(world.connection, world.clock.now()) - timedelta(days=1)
    Nights(world.redis, world.connection.id).save(yesterday)
    polls(scene)
    for _ in range(3):  # what it has marked becomes due bit by bit
        world.pass_time(seconds=30)
        world.work()


def without_round(net: Net) -> Net:
    """The same on a day whose round of the night has been made already."""

    def cast(scene: Scene) -> None:
        world = scene.world
        Nights(world.redis, world.connection.id).save(day_of(world.connection, world.clock.now()))
        net(scene)

    return cast


def caught_by(net: Net, scene: Scene, looks: Callable[[], Any], before: Any, after: Any) -> None:
    """Dynamics has it by this net and had not before; what comes after that changes nothing any more."""
    assert looks() == before

    net(scene)

    assert looks() == after
    scene.world.settle()
    assert looks() == after


def missed_by(net: Net, scene: Scene, looks: Callable[[], Any]) -> None:
    before = looks()
    net(scene)
    assert looks() == before
