"""A few invoices that are sold, bought, paid, credited, edited and closed in any order, as Hypothesis likes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core import columns
from core.event import Event
from pipeline.nightly import SPREAD
from simulators.dataverse.errors import Refused
from simulators.wire import Fault
from simulators.xero.settings_pages import NotAllowed
from tests.simulation.cashier import Cashier
from tests.simulation.hearing import Hearing
from tests.simulation.standings import ACTIVE, CANCELLED, PAID, Act, Followed, complaints_of_balances
from tests.simulation.taps import Crash
from tests.world import START, Line, World

MERGES_MAX = 3  # of contacts that were merged into others the connector follows five
PURCHASE = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}
INCLUSIVE = {"stl3_lineamounttypes": columns.LINE_AMOUNT_TYPES["Inclusive"]}
WITHOUT_TAX = {"stl3_lineamounttypes": columns.LINE_AMOUNT_TYPES["No Tax"]}
KINDS: tuple[dict[str, Any], ...] = ({}, INCLUSIVE, PURCHASE, {"freightamount": 3}, WITHOUT_TAX)
PAYMENTS = ("pay all", "pay all", "pay half", "remove a payment", "remove a payment")
CREDITS = ("credit all", "credit half", "remove an allocation", "remove an allocation", "loose credit note")
ADVANCES = (
    "overpayment all",
    "overpayment half",
    "prepayment half",
    "remove an allocation",
    "loose overpayment",
    "refund",
)
EDITS = ("approve", "approve", "price", "line", "reference", "due date", "other contact", "rename", "merge", "end")
STATES = {
    "open": (ACTIVE, 1),
    "complete": (PAID, 100001),
    "partial": (PAID, 100002),
    "cancel": (CANCELLED, 100003),
}
DESK = ("description", "rename", "price", "line", "No", "delete", *STATES)
SERIOUS = ("delete", "cancel", "end")
PLACES = st.integers(0, 2)
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
        self.cashier = Cashier(self.world, self.world.org)
        self.events: list[Event] = []
        self.acts: dict[str, Act] = {}
        self.deleted: set[str] = set()
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
            structlog.reset_defaults()

    @initialize(status=st.sampled_from(["AUTHORISED", "AUTHORISED", "DRAFT"]), kinds=st.permutations(KINDS))
    def begin(self, status: str, kinds: list[dict[str, Any]]) -> None:
        """Three invoices, two of them of one customer, in Xero."""
        self.status = status
        self.world.choose(status=status)
        customers = sorted(self.world.customers)
        self.invoice_ids = [
            self.world.save_invoice(
                *(Line("Work", "10.00"), Line("More", "0.35")),
                customer=customers[n % 2],
                duedate="2026-11-26",
                **row,
            )
            for n, row in enumerate(kinds[:3])
        ]
        self.world.settle()

    # -- what people do --------------------------------------------------------------------------------------

    @rule(place=PLACES, act=st.sampled_from(PAYMENTS))
    def payments(self, place: int, act: str) -> None:
        self.in_xero(lambda: self.cashier.act(act, self.document_id(place)))

    @rule(place=PLACES, act=st.sampled_from(CREDITS))
    def credits(self, place: int, act: str) -> None:
        self.in_xero(lambda: self.cashier.act(act, self.document_id(place)))

    @rule(place=PLACES, act=st.sampled_from(ADVANCES))
    def advances(self, place: int, act: str) -> None:
        self.in_xero(lambda: self.cashier.act(act, self.document_id(place)))

    @rule(place=PLACES, what=st.sampled_from(EDITS), really=SELDOM)
    def bookkeeper_acts(self, place: int, what: str, *, really: bool) -> None:
        if what not in SERIOUS or really:
            self.in_xero(lambda: self.at_books(self.document_id(place), what, place))

    def at_books(self, key: str, what: str, place: int) -> None:
        person, document = self.cashier.person, self.world.org.invoices[key]
        contact_id, count = document["Contact"]["ContactID"], len(self.world.org.contacts)
        match what:
            case "approve":
                self.cashier.approve(key)
            case "price" if document["LineItems"]:
                person.edit_line(key, UnitAmount=f"{20 + place}.00")
            case "line":
                person.add_line(key, Description="Theirs", Quantity=1, UnitAmount="5.00")
            case "reference":
                person.edit_invoice(key, Reference=f"Seen {self.world.clock.now():%S.%f}")
            case "due date":
                person.edit_invoice(key, DueDate="2026-11-25")
            case "other contact":
                other = self.world.org.invoices[self.document_id(place + 1)]["Contact"]["ContactID"]
                person.edit_invoice(key, Contact={"ContactID": other})
            case "rename":
                person.rename_contact(contact_id, f"Renamed {count}")
            case "merge" if count < len(self.world.customers) + MERGES_MAX:
                self.merge(contact_id, f"Group {count}")
            case "end":
                is_draft = document["Status"] in ("DRAFT", "SUBMITTED")
                self.cashier.act("delete" if is_draft else "void", key)

    def merge(self, contact_id: str, name: str) -> None:
        heir = self.cashier.person.create_contact(Name=name)
        self.cashier.person.merge_contact(contact_id, into=heir["ContactID"])

    @rule(place=PLACES, what=st.sampled_from(DESK), really=SELDOM)
    def sales_office_acts(self, place: int, what: str, *, really: bool) -> None:
        invoice_id = self.invoice_ids[place]
        if invoice_id in self.deleted or (what in SERIOUS and not really):
            return
        with suppress(Refused):  # what Dynamics' own form does not let them do
            self.at_desk(invoice_id, what)
        version = f"{self.world.clock.now().timestamp()}"
        organisation = self.world.connection.dynamics_organization_id
        self.events.append(Event("dynamics", organisation, "invoice", invoice_id, "Update", version))
        self.world.pass_time(milliseconds=1)

    def at_desk(self, invoice_id: str, what: str) -> None:
        world, line = self.world, self.world.lines(invoice_id)[0]["invoicedetailid"]
        match what:
            case "description":
                world.edit(invoice_id, description=f"PO {world.clock.now():%S.%f}")
            case "rename":
                world.edit(invoice_id, name="Renamed")
            case "price":
                world.sales.update("invoicedetail", line, {"priceperunit": 33})
            case "line":
                row = {"isproductoverridden": True, "productdescription": "Ours", "quantity": 1, "priceperunit": 4}
                world.sales.create("invoicedetail", row | {"invoiceid@odata.bind": f"/invoices({invoice_id})"})
            case "No":
                world.try_again(invoice_id)
            case "delete":
                world.sales.delete("invoice", invoice_id)
                self.deleted.add(invoice_id)
            case _:
                self.set_state(invoice_id, *STATES[what])

    def set_state(self, invoice_id: str, state: int, status: int) -> None:
        if self.world.invoice(invoice_id)["statecode"] != state:
            was_ours = bool(self.world.details(invoice_id)["stl3_closedbyconnector"])
            self.world.edit(invoice_id, statecode=state, statuscode=status)
            self.acts[invoice_id] = Act(state, was_ours)

    def in_xero(self, act: Callable[[], Any]) -> None:
        with suppress(NotAllowed):
            act()
        self.world.pass_time(milliseconds=1)

    def document_id(self, place: int) -> str:
        invoice_id = self.invoice_ids[place % len(self.invoice_ids)]
        return str(self.world.details(invoice_id)["stl3_xeroinvoiceid"])

    # -- what machines do ------------------------------------------------------------------------------------

    @rule(how=st.sampled_from(["all", "last", "reversed", "twice", "lost"]))
    def events_arrive(self, how: str) -> None:
        """Those that are held back come with a later delivery."""
        self.events += self.hearing.hear()
        come, self.events = (self.events[-1:], self.events[:-1]) if how == "last" else (self.events, [])
        come = come[::-1] if how == "reversed" else come
        for _ in range({"lost": 0, "twice": 2}.get(how, 1)):
            if not self.until_it_dies(lambda: self.world.dispatch(*come)):
                self.events += come  # not acknowledged

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

    def complaints(self) -> list[str]:
        return [
            f"{place}: {complaint}"
            for place, invoice_id in enumerate(self.invoice_ids)
            for complaint in self.followed(invoice_id).complaints()
        ]

    def followed(self, invoice_id: str) -> Followed:
        return Followed(
            self.world,
            self.world.org,
            invoice_id,
            is_deleted=invoice_id in self.deleted,
            act=self.acts.get(invoice_id),
            status_at_first=self.status,
        )
