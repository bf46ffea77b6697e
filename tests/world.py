"""The whole pipeline in one process and one thread, between both simulators, on a clock that stands still."""

from __future__ import annotations

import random
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import fakeredis
import requests
from sqlalchemy import Engine, event

from clients.http import open_session
from clients.tokens import XeroTokens
from core import columns
from core.connections import Connection, Connections
from core.consents import Consents
from core.database import open_database
from core.endpoints import Endpoints
from core.errors import ConnectorError
from core.event import Event
from core.settings import read_settings
from core.vault import Vault, new_key
from mappers import preferences
from pipeline.app import App, connector
from pipeline.connect import Joiner
from pipeline.dead import DeadLetters
from pipeline.dispatch import Dispatcher
from pipeline.lanes import Entity, Lanes
from pipeline.poll import poll
from pipeline.work import work
from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.wire import Fault
from simulators.xero import XeroSimulator
from simulators.xero.state import Organisation
from solution.package import build
from solution.role import ROLE_NAME
from tests.described import Described
from tests.simulation.observing import Observing
from tests.simulation.taps import Tap, TappedRedis
from tests.wsgi_adapter import mount

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
DYNAMICS_URL = "https://contoso.crm4.dynamics.com"
LOGIN_URL = "https://login.microsoftonline.com"
DIRECTORY = "7d1a2f6e-0000-4000-8000-00000000d1ec"
ACTIVE_PRODUCT = {"statecode": 0, "statuscode": 1}


@dataclass
class Line:
    """A line to be made; `product` is a product number, None a write-in; `row` replaces or adds columns."""

    text: str
    price: str
    quantity: str = "1"
    product: str | None = None
    discount: str = "0"
    row: dict[str, Any] = field(default_factory=dict)


class Skewed(Clock):
    """A clock that is ahead of another one."""

    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        super().__init__()
        self._clock = clock
        self._ahead = ahead

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def advance(self, delta: timedelta) -> datetime:
        return self._clock.advance(delta) + self._ahead


@cache
def package() -> bytes:
    """Return the solution as customers get it."""
    return build(managed=True)


@cache  # thousands of worlds begin with one
def _fresh_database() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "connector.db"
        open_database(f"sqlite:///{path}").dispose()
        return path.read_bytes()


def switch_syncs_off(engine: Engine) -> None:
    """Let a database not wait for its disk: what dies in these worlds are processes, no machine loses its power."""

    @event.listens_for(engine, "connect")
    def _pragma(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    with engine.connect() as database:
        database.exec_driver_sql("PRAGMA synchronous=OFF")


@dataclass
class World(Observing):
    """One Xero and one Dynamics organisation, joined; act as a sales user with `save_invoice`, then `run`."""

    folder: Path
    travel: Any
    seed: int = 7
    clock: Clock = field(default_factory=lambda: Clock(START))
    dues: dict[str, str] = field(default_factory=dict)
    polled: list[Any] = field(default_factory=list)
    zone: str = "Europe/London"
    consent: Literal["custom", "web"] = "custom"
    xero_ahead: timedelta = timedelta()
    dynamics_ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.travel.move_to(self.clock.now())
        chance = random.Random(self.seed)
        self.xero = XeroSimulator(Skewed(self.clock, self.xero_ahead), chance)
        self.org = self.xero.add_organisation(name="Contoso Books", region="UK", currencies=["EUR", "JPY", "KWD"])
        self.xero.add_app(
            client_id="xero-app",
            client_secret="xero-secret",
            kind=self.consent,
            tenant_ids=[self.org.tenant_id],
            minute_limit=100_000,
            daily_limit=1_000_000,
        )
        dynamics_clock = Skewed(self.clock, self.dynamics_ahead)
        self.login = MicrosoftLogin(dynamics_clock, chance)
        self.dynamics = DataverseSimulator(dynamics_clock, chance, self.login, url=DYNAMICS_URL, tenant_id=DIRECTORY)
        self.dynamics.import_solution(package(), enable_steps=False)
        self.login.add_app(DIRECTORY, client_id="dynamics-app", client_secret="dynamics-secret")
        self.app_user = self.dynamics.add_app_user("dynamics-app", (ROLE_NAME,))  # with its rights and no others
        self.described = Described(self.xero.wire)
        self.tap = Tap()
        self.redis_server = fakeredis.FakeServer()
        self.redis = TappedRedis(server=self.redis_server, decode_responses=True)
        self.redis.tap = self.tap
        self._build()
        self.connection = self._join()
        self.sales = self.dynamics.user()
        self._seed_sales()
        self.xero.wire.forget_calls()
        self.dynamics.wire.forget_calls()

    def _build(self) -> None:
        self.settings = read_settings(None)
        (self.folder / "connector.db").write_bytes(_fresh_database())
        self.engine = open_database(f"sqlite:///{self.folder / 'connector.db'}")
        switch_syncs_off(self.engine)
        self.keys = (new_key(),)
        self.woken: list[str] = []
        self.interrupted: list[ConnectorError] = []
        self.app = self.new_process()

    def new_process(self, clock: Clock | None = None) -> App:
        """Return the parts of a fresh process; `clock` is its machine's."""
        clock = clock or self.clock
        session: requests.Session = open_session(None)
        xero, dynamics = self.tap.over(self.described), self.tap.over(self.dynamics.wire)
        mount(session, "https://api.xero.com", xero)
        mount(session, "https://identity.xero.com", xero)
        mount(session, DYNAMICS_URL, dynamics)
        mount(session, LOGIN_URL, dynamics)
        vault = Vault(self.keys)
        settings = replace(self.settings, token_keys=self.keys)
        connect = connector(settings, engine=self.engine, client=self.redis, clock=clock, session=session)
        self.joiner = Joiner(
            settings,
            Connections(self.engine),
            Consents(self.engine, vault),
            Endpoints(self.engine, vault),
            connect,
            self.clock.now,
        )
        self.tokens_of = lambda consent_id: XeroTokens(
            self.joiner.consents, consent_id, identity_url=settings.xero_identity_url, session=session, clock=clock
        )
        numbers = random.Random(self.seed + 1)
        return App(
            clock=clock,
            jitter=random.Random(self.seed),
            connections=Connections(self.engine),
            lanes=Lanes(self.redis),
            dead=DeadLetters(self.redis),
            redis=self.redis,
            connect=connect,
            wake=self.woken.append,
            keep=lambda _lease: nullcontext(),
            new_token=lambda: f"{numbers.getrandbits(64):x}",
        )

    def entry(self) -> dict[str, Any]:
        return {
            "name": "Contoso",
            "timezone": self.zone,
            "xero": {"tenant_id": self.org.tenant_id, "client_id": "xero-app", "client_secret": "xero-secret"}
            | ({} if self.consent == "custom" else {"refresh_token": self.refresh_token()}),
            "dynamics": {
                "url": DYNAMICS_URL,
                "tenant_id": DIRECTORY,
                "client_id": "dynamics-app",
                "client_secret": "dynamics-secret",
            },
        }

    def refresh_token(self) -> str:
        """What a person's consent gives: the token that changes with each use."""
        return self.xero.refresh_token("xero-app", [self.org.tenant_id])

    def _join(self) -> Connection:
        return self.joiner.join(self.entry()).connection

    def _seed_sales(self) -> None:
        person = self.sales
        self.price_list = person.create(
            "pricelevel",
            {"name": "Retail", "transactioncurrencyid@odata.bind": f"/transactioncurrencies({self.currency('GBP')})"},
        )
        group = person.create("uomschedule", {"name": "Unit", "baseuomname": "Each"})
        unit = person.create(
            "uom", {"name": "Each", "quantity": 1, "uomscheduleid@odata.bind": f"/uomschedules({group})"}
        )
        self.unit, self.unit_group = unit, group
        products = {"CHAIR-01": "Office chair", "DESK-02": "Standing desk"}
        self.products = {number: self.add_product(number, name) for number, name in products.items()}
        self.customers = {"Fourth Coffee": self.add_customer("Fourth Coffee", accountnumber="AC-100")}

    def add_product(self, number: str, name: str, **different: Any) -> str:
        row = {
            "name": name,
            "productnumber": number,
            "quantitydecimal": 5,
            "defaultuomid@odata.bind": f"/uoms({self.unit})",
            "defaultuomscheduleid@odata.bind": f"/uomschedules({self.unit_group})",
        }
        return self.sales.create("product", row | ACTIVE_PRODUCT | different)

    def currency(self, code: str) -> str:
        rows = self.dynamics.rows("transactioncurrencies")
        return next(row["transactioncurrencyid"] for row in rows if row["isocurrencycode"] == code)

    def add_customer(self, name: str, **row: Any) -> str:
        return self.sales.create("account", {"name": name, **row})

    def save_invoice(
        self,
        *lines: Line,
        customer: str = "Fourth Coffee",
        connection: Connection | None = None,
        connect: bool = True,
        **row: Any,
    ) -> str:
        """Save an invoice as a sales user; return its id. `row` replaces or adds columns."""
        made = {
            "name": "Order 4711",
            "customerid_account@odata.bind": f"/accounts({self.customers[customer]})",
            "pricelevelid@odata.bind": f"/pricelevels({self.price_list})",
            "transactioncurrencyid@odata.bind": f"/transactioncurrencies({self.currency('GBP')})",
            "datedelivered": "2026-11-24T00:00:00Z",
            "invoice_details": [self._line(line) for line in lines],
            **row,
        }
        if connect:
            made["stl3_Connector@odata.bind"] = self.binding(connection or self.connection)
        return self.sales.create("invoice", {name: value for name, value in made.items() if value is not None})

    def save_invoices(self, count: int, **kwargs: Any) -> list[str]:
        """Save plain invoices of 1.00, 2.00, …; return their ids."""
        return [self.save_invoice(Line(f"Work {n}", f"{n}.00"), **kwargs) for n in range(1, count + 1)]

    def binding(self, connection: Connection) -> str:
        return f"/{columns.CONNECTOR.set_name}({connection.id})"

    def edit(self, invoice_id: str, **row: Any) -> None:
        """What a person changes on the invoice."""
        self.sales.update("invoice", invoice_id, row)

    def edit_details(self, invoice_id: str, **row: Any) -> None:
        """What a person changes on its Xero details."""
        self.sales.update(columns.DETAILS.set_name, self.details(invoice_id)[columns.DETAILS.id_column], row)

    def try_again(self, invoice_id: str) -> None:
        """A person sets the export status to No."""
        self.edit_details(invoice_id, stl3_exportstatus=columns.EXPORT_STATUS["No"])

    def lines(self, invoice_id: str) -> list[dict[str, Any]]:
        return [row for row in self.dynamics.rows("invoicedetails") if row["_invoiceid_value"] == invoice_id]

    def choose(self, *, connection: Connection | None = None, **settings: Any) -> None:
        """A person changes settings in Dynamics, named as in `core.preferences`."""
        mine = (connection or self.connection).id
        rows = self.dynamics.rows(columns.SETTINGS.set_name)
        (row_id,) = (row[columns.SETTINGS.id_column] for row in rows if row["stl3_connectionid"] == mine)
        self.sales.update(columns.SETTINGS.set_name, row_id, preferences.to_row(settings))

    def settings_event(self) -> Event:
        """What the step on the settings table says."""
        (row,) = self.dynamics.rows(columns.SETTINGS.set_name)
        return Event(
            side="dynamics",
            organisation=self.connection.dynamics_organization_id,
            entity=columns.SETTINGS.name,
            record_id=row[columns.SETTINGS.id_column],
            message="Update",
            version=str(self.clock.now()),
        )

    def join_second(self) -> tuple[Connection, Organisation]:
        """Join a second Xero organisation to the same Dynamics."""
        other = self.xero.add_organisation(name="Fabrikam Books", region="UK")
        self.xero.add_app(
            client_id="other-app",
            client_secret="other-secret",
            kind="custom",
            tenant_ids=[other.tenant_id],
            minute_limit=100_000,
            daily_limit=1_000_000,
        )
        entry = self.entry()
        entry["xero"] = {"tenant_id": other.tenant_id, "client_id": "other-app", "client_secret": "other-secret"}
        return self.joiner.join(entry).connection, other

    def _line(self, line: Line) -> dict[str, Any]:
        row: dict[str, Any] = {
            "quantity": Decimal(line.quantity),
            "priceperunit": Decimal(line.price),
            "manualdiscountamount": Decimal(line.discount),
        }
        if line.product is None:
            return row | {"isproductoverridden": True, "productdescription": line.text} | line.row
        return row | {
            "isproductoverridden": False,
            "ispriceoverridden": True,
            "productid@odata.bind": f"/products({self.products[line.product]})",
            "uomid@odata.bind": f"/uoms({self.unit})",
            "description": line.text,
            **line.row,
        }

    # -- what happens ------------------------------------------------------------------------------------------

    def pass_time(self, **delta: float) -> None:
        self.clock.advance(timedelta(**delta))
        self.travel.move_to(self.clock.now())

    def mark(self, *invoice_ids: str) -> None:
        """What an event does: mark invoices due."""
        entities = [Entity("dynamics", "invoice", invoice_id) for invoice_id in invoice_ids]
        self.app.lanes.mark(self.connection.id, entities, due_at=self.app.lanes.now())

    def dispatch(self, *events: Event) -> None:
        Dispatcher(self.app.connections, self.app.lanes, self.redis, self.woken.append).handle(events)

    def work(self, connection: Connection | None = None) -> None:
        """Let one worker take a time slice of the lane."""
        try:
            work(self.app, (connection or self.connection).id)
        except ConnectorError as error:  # what the actor does
            self.interrupted.append(error)

    def poll(self, connection: Connection | None = None) -> int:
        before = len(self.xero.wire.calls)
        try:
            return poll(self.app, (connection or self.connection).id)
        except ConnectorError as error:  # what the actor does
            self.interrupted.append(error)
            return 0
        finally:
            self.polled += list(self.xero.wire.calls)[before:]

    def settle(self, *, minutes: int = 120, connection: Connection | None = None) -> None:
        """Poll every five minutes and work until nothing is left for the next hour and no limit is in force."""
        lane = (connection or self.connection).id
        for minute in range(minutes):
            polled = minute % 5 == 0
            if polled:
                self.poll(connection)
            self.work(connection)
            if polled and not self.left_soon(lane) and self.app.lanes.rests_until(lane) is None:
                return
            self.pass_time(minutes=1)
        raise AssertionError(f"still due: {self.app.lanes.counts(lane)}")

    def run_for(self, *, minutes: int) -> None:
        """Let this time pass, with the poller and a worker at work."""
        for minute in range(minutes):
            if minute % 5 == 0:
                self.poll()
            self.work()
            self.pass_time(minutes=1)

    def die(self) -> None:
        """The worker's process is gone; another one starts, and the lease of the old one runs out."""
        self.tap.close()
        self.app = self.new_process()
        self.pass_time(seconds=16)

    def lose_reply(self, match: str, *, times: int = 1, skip: int = 0) -> None:
        """The call is done and its answer lost."""
        side = self.xero if "/api.xro/" in match else self.dynamics
        side.wire.inject(Fault(match=match, kind="drop-after", times=times, skip=skip))
