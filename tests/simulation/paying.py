"""A few invoices that are sold, bought, paid, credited, edited, cancelled and deleted, as Hypothesis likes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pipeline.nightly import SPREAD
from simulators.wire import Fault
from tests.logs import log_plainly
from tests.simulation.chronicle import Chronicle
from tests.simulation.ends import Ends, Rest
from tests.simulation.hearing import Hearing
from tests.simulation.ledger import Ledger
from tests.simulation.offices import BOOKS, ENDINGS, KINDS, Offices
from tests.simulation.standings import ACTIVE, Followed, complaints_of_balances
from tests.simulation.taps import Crash
from tests.world import START, World

PAYMENTS = ("pay all", "pay all", "pay half", "remove a payment", "remove a payment")
CREDITS = (
    "credit all",
    "credit half",
    "remove an allocation",
    "remove an allocation",
    "loose credit note",
    "end a note",
)
ADVANCES = (
    "overpayment all",
    "overpayment half",
    "prepayment half",
    "remove an allocation",
    "loose overpayment",
    "refund",
)
DESK = ("description", "rename", "price", "line", "No", "complete", "partial", "open")
SERIOUS = ("delete", "end")
MEANWHILE = (
    "cancel",
    "cancel",
    "delete",
    "open",
    "No",
    "pay all",
    "pay half",
    "credit all",
    "end",
    "approve",
    "price",
)
PLACES = st.integers(0, 2)
MOSTLY = st.integers(0, 3).map(bool)
WAYS = st.sampled_from(["Credit note", "Void"])
SELDOM = st.integers(0, 3).map(lambda number: number == 3)


class Paying(RuleBasedStateMachine):
    """Whatever happens, once everything works and nobody acts, Dynamics says what Xero's books say."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.folder = tempfile.TemporaryDirectory()
        self.travelling = time_machine.travel(START, tick=False)
        self.world = World(Path(self.folder.name), self.travelling.start())
        self.world.customers["Adatum"] = self.world.add_customer("Adatum")
        self.hearing = Hearing(self.world)
        self.ledger = Ledger(self.world.org)
        self.chronicle = Chronicle(self.world, [self.world.org])
        self.offices = Offices(self.world, self.chronicle)
        self.rests: dict[str, Rest] = {}
        self.dies_at: tuple[int, bool] | None = None
        self.is_whole = True

    def teardown(self) -> None:
        try:
            if self.is_whole:
                self.settle()
                self.night()
        finally:
            self.world.engine.dispose()
            self.travelling.stop()
            self.folder.cleanup()
            log_plainly()

    @initialize(
        status=st.sampled_from(["AUTHORISED", "AUTHORISED", "DRAFT"]),
        kinds=st.permutations(KINDS),
        by_xero=st.booleans(),
        automatic=MOSTLY,
        cancel_by=WAYS,
    )
    def begin(
        self, status: str, kinds: list[dict[str, Any]], *, by_xero: bool, automatic: bool, cancel_by: str
    ) -> None:
        """Three invoices, two of them of one customer, in Xero."""
        self.status, self.offices.kinds = status, kinds
        self.world.choose(status=status, use_xero_number=by_xero)
        self.settings_change(automatic=automatic, cancel_by=cancel_by, heard=True)
        self.offices.invoice_ids = [self.offices.sell(place) for place in range(3)]
        self.world.settle()
        self.rest()

    # -- what people do --------------------------------------------------------------------------------------

    @rule(place=PLACES, act=st.sampled_from(PAYMENTS))
    def payments(self, place: int, act: str) -> None:
        self.offices.at_cashier(place, act)

    @rule(place=PLACES, act=st.sampled_from(CREDITS))
    def credits(self, place: int, act: str) -> None:
        self.offices.at_cashier(place, act)

    @rule(place=PLACES, act=st.sampled_from(ADVANCES))
    def advances(self, place: int, act: str) -> None:
        self.offices.at_cashier(place, act)

    @rule(place=PLACES, what=st.sampled_from(BOOKS), really=SELDOM)
    def bookkeeper_acts(self, place: int, what: str, *, really: bool) -> None:
        if what not in SERIOUS or really:
            self.offices.somebody_acts(place, what)

    @rule(place=PLACES, what=st.sampled_from(DESK))
    def sales_office_acts(self, place: int, what: str) -> None:
        self.offices.in_dynamics(place, what)

    @rule(place=PLACES, what=st.sampled_from(ENDINGS), really=st.booleans())
    def sales_office_ends(self, place: int, what: str, *, really: bool) -> None:
        if what != "delete" or really:
            self.offices.in_dynamics(place, what)

    @rule(
        place=PLACES, what=st.sampled_from(("cancel", "open", "No")), other=st.sampled_from(("open", "No", "cancel"))
    )
    def sales_office_hesitates(self, place: int, what: str, other: str) -> None:
        """One right after the other."""
        self.offices.in_dynamics(place, what)
        self.offices.in_dynamics(place, other)

    @rule(place=PLACES)
    def another_is_sold(self, place: int) -> None:
        self.offices.sell_again(place)

    @rule(automatic=MOSTLY, cancel_by=WAYS, heard=st.booleans())
    def settings_change(self, *, automatic: bool, cancel_by: str, heard: bool) -> None:
        self.world.choose(create_credit_notes=automatic, cancel_by=cancel_by)
        self.chronicle.choose(automatic=automatic, by_void=cancel_by == "Void")
        self.world.pass_time(milliseconds=1)
        if heard:
            self.world.dispatch(self.world.settings_event())

    @rule(days=st.sampled_from([None, None, None, 0, 40]))
    def bookkeeper_locks(self, days: int | None) -> None:
        """The books up to so many days ago; more often nothing is locked any more."""
        day = None if days is None else (self.world.clock.now() - timedelta(days=days)).date()
        self.offices.cashier.person.set_lock_dates(period=day)
        self.chronicle.lock(day)
        self.world.pass_time(milliseconds=1)

    @rule(place=PLACES, what=st.sampled_from(MEANWHILE), number=st.integers(1, 25))
    def meanwhile(self, place: int, what: str, number: int) -> None:
        """Somebody does something while a worker is between two calls."""
        left = number

        def count(_name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                self.world.tap.close()
                self.offices.somebody_acts(place, what)

        self.dies_at = None
        self.world.tap.before = count
        self.until_it_dies(self.world.work)

    # -- what machines do ------------------------------------------------------------------------------------

    @rule(how=st.sampled_from(["all", "last", "reversed", "twice", "lost"]))
    def events_arrive(self, how: str) -> None:
        """Those that are held back come with a later delivery."""
        self.offices.events += self.hearing.hear()
        held = self.offices.events
        come, self.offices.events = (held[-1:], held[:-1]) if how == "last" else (held, [])
        come = come[::-1] if how == "reversed" else come
        for _ in range({"lost": 0, "twice": 2}.get(how, 1)):
            if not self.until_it_dies(lambda: self.world.dispatch(*come)):
                self.offices.events += come  # not acknowledged

    @rule(what=st.sampled_from(["work", "poll", 1, 5, 12, 60]))
    def machines_move(self, what: str | int) -> None:
        """One of them, or time passes, in minutes."""
        match what:
            case "work":
                self.until_it_dies(self.world.work)
            case "poll":
                self.until_it_dies(self.world.poll)
            case int(minutes):
                self.world.pass_time(minutes=minutes)

    @rule()
    def all_goes_on(self) -> None:
        """Ten minutes as they mostly are."""
        for _ in range(2):
            self.events_arrive("all")
            for what in ("work", "poll", "work", 5):
                self.machines_move(what)

    @rule(side=st.sampled_from(["xero", "dynamics"]), kind=st.sampled_from(["drop-before", "drop-after"]))
    def answer_is_lost(self, side: str, kind: Any) -> None:
        getattr(self.world, side).wire.inject(Fault(match="Invoices|batch", kind=kind))

    @rule(number=st.integers(1, 25), after=st.booleans(), forgets=SELDOM)
    def next_one_dies(self, number: int, *, after: bool, forgets: bool) -> None:
        """At this call of those that leave its process; or Redis loses everything."""
        if forgets:
            self.world.redis.flushall()
        else:
            self.dies_at = (number, after)

    def until_it_dies(self, act: Callable[[], Any]) -> bool:
        """Return whether it lived to the end."""
        if self.dies_at is not None:
            number, after = self.dies_at
            self.world.tap.crash_at(number, after=after)
            self.dies_at = None
        try:
            act()
        except Crash:
            self.world.die()
            return False
        finally:
            self.world.tap.close()
        return True

    # -- what must be ----------------------------------------------------------------------------------------

    @rule()
    def settle(self) -> None:
        """Everything works, nobody acts."""
        self.is_whole = False
        self.dies_at = None
        self.world.xero.wire.release()
        self.world.dynamics.wire.release()
        self.world.settle()
        self.world.pass_time(minutes=12)
        self.world.settle()
        assert not (wrong := self.complaints()), wrong
        self.rest()
        self.is_whole = True

    def night(self) -> None:
        """After the round of the night the balances are right as well, overdue by the calendar; then all is quiet."""
        now = self.world.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        left = (midnight - now).total_seconds() + 24 * 3600 + SPREAD.total_seconds()
        self.world.pass_time(seconds=left)
        self.world.settle()
        assert not (wrong := self.complaints()), wrong
        books = {self.world.connection.id: self.world.org}
        assert not (wrong := complaints_of_balances(self.world, books)), wrong
        assert list(self.world.app.dead.list_all()) == []
        assert self.world.described.complaints == []
        self.world.assert_quiet()

    def rest(self) -> None:
        """Remember how everything rests; what is judged next is what happens from here on."""
        self.rests |= {invoice_id: self.ends(invoice_id).rest() for invoice_id in self.offices.exported()}

    def complaints(self) -> list[str]:
        wrong = [f"{key}: {complaint}" for key in self.offices.exported() for complaint in self.complaints_of(key)]
        missing = set(self.offices.every_id()) - set(self.offices.exported())
        wrong += [f"{key}: {complaint}" for key in sorted(missing) for complaint in self.complaints_of_missing(key)]
        return wrong + self.ledger.complaints()

    def complaints_of(self, invoice_id: str) -> Iterator[str]:
        yield from self.followed(invoice_id).complaints()
        yield from self.ends(invoice_id).complaints()

    def complaints_of_missing(self, invoice_id: str) -> Iterator[str]:
        """Only what ended before it was sent stays here (rule E7), or what Xero or its row keeps from going."""
        made = [key for key, row in self.world.org.invoices.items() if invoice_id in (row["Url"] or "")]
        if any(not self.chronicle.stands[key][-1].is_over for key in made):
            yield "has a document that no row names"
        if invoice_id not in self.offices.deleted and self.world.invoice(invoice_id)["statecode"] == ACTIVE:
            rows = self.world.all_details(invoice_id)
            if not rows or (self.world.status(invoice_id) != "Failed" and not rows[0]["stl3_waitingfor"]):
                yield "is not in Xero, and nothing says why"

    def ends(self, invoice_id: str) -> Ends:
        since = self.rests.get(invoice_id, Rest(START))
        return Ends(self.world, self.ledger.balance, self.chronicle, invoice_id, since)

    def followed(self, invoice_id: str) -> Followed:
        return Followed(
            self.world,
            self.world.org,
            invoice_id,
            is_deleted=invoice_id in self.offices.deleted,
            act=self.offices.acts.get(invoice_id),
            status_at_first=self.status,
        )
