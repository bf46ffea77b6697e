"""A simulated Dynamics 365 Sales organisation with its Web API, webhooks and control API."""

from __future__ import annotations

import random
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import requests

from simulators.clock import Clock
from simulators.control import control_blueprint
from simulators.dataverse.accidents import Links, lose_row, overwrite
from simulators.dataverse.api import Api
from simulators.dataverse.customise import add_message_filters, customise
from simulators.dataverse.discovery import list_instances
from simulators.dataverse.environment import Environment, WebhookSwitches
from simulators.dataverse.errors import unknown_resource
from simulators.dataverse.import_state import ImportSwitches, Options
from simulators.dataverse.people import Person
from simulators.dataverse.privileges import set_roles
from simulators.dataverse.protection import Limits, Protection
from simulators.dataverse.reading import as_plain
from simulators.dataverse.schema import Schema, Table
from simulators.dataverse.seed import add_currency, add_user, seed
from simulators.dataverse.servicebus import BusMessage
from simulators.dataverse.solutions.jobs import catch_up, import_now
from simulators.dataverse.standard_sales import customer_tables, sales_tables
from simulators.dataverse.standard_system import system_tables
from simulators.dataverse.store import Row, Store
from simulators.dataverse.web import create_app
from simulators.dataverse.webhooks import Webhooks
from simulators.microsoft import MicrosoftLogin
from simulators.outbox import Delivery, Outbox, Send, post
from simulators.wire import Wire


class DataverseSimulator:
    """One environment. `wire` is the WSGI app; it serves the log-in as well.

    Without Sales (`with_sales`) there are accounts and contacts, but no products and no invoices.
    """

    def __init__(
        self,
        clock: Clock,
        chance: random.Random,
        login: MicrosoftLogin,
        *,
        url: str,
        tenant_id: str,
        base_currency: str = "GBP",
        timezone: str = "Europe/London",
        organization_id: str | None = None,
        with_sales: bool = True,
    ) -> None:
        schema = Schema()
        business = [*customer_tables(), *(sales_tables() if with_sales else [])]
        for table, columns in (*system_tables(), *business):
            schema.add_table(table, columns)
        self.clock = clock
        self.login = login
        self.outbox = Outbox(clock)
        session = requests.Session()
        self._env = Environment(
            clock=clock,
            chance=chance,
            url=url,
            tenant_id=tenant_id,
            base_currency=base_currency,
            timezone=timezone,
            schema=schema,
            store=Store(schema),
            outbox=self.outbox,
            organization_id=organization_id or _id(chance),
            business_unit_id=_id(chance),
            system_user_id=_id(chance),
            base_currency_id=_id(chance),
            protection=Protection(clock),
            send=lambda delivery: post(session, delivery),
        )
        seed(self._env)
        for table, _ in business:
            add_message_filters(self._env, table)
        self._webhooks = Webhooks(self._env)
        self._env.before_commit = self._webhooks.before_commit
        self._env.on_commit = self._webhooks.on_commit
        self._people: dict[str, Person] = {}
        login.add_tenant(tenant_id)
        login.add_resource(tenant_id, lambda: self.url)
        self.api = Api(self._env, login)
        app = create_app(self)
        self.wire = Wire(app, clock)
        app.register_blueprint(control_blueprint(clock, self.wire))

    @property
    def url(self) -> str:
        return self._env.url

    @url.setter
    def url(self, url: str) -> None:
        self._env.url = url.rstrip("/")

    @property
    def organization_id(self) -> str:
        return self._env.organization_id

    @property
    def switches(self) -> WebhookSwitches:
        """How badly webhooks travel."""
        return self._env.switches

    @property
    def limits(self) -> Limits:
        """Service protection, adjustable."""
        return self._env.protection.limits

    @property
    def base_currency_id(self) -> str:
        return self._env.base_currency_id

    @property
    def bus(self) -> list[BusMessage]:
        """Messages for Azure Service Bus endpoints, oldest first."""
        return self._webhooks.bus

    def instances(self, authorization: str) -> list[dict[str, Any]] | None:
        """What Global Discovery answers to a person's token; None when the token is no good."""
        with self._env.lock:
            return list_instances(self._env, self.login, authorization)

    def set_send(self, send: Send) -> None:
        """How synchronous steps make their POST."""
        self._env.send = send

    def settle(self, delivery: Delivery, status: int | None) -> None:
        """Take the outcome of a delivery: the job ends, or is tried once more."""
        self._webhooks.settle(delivery, status)

    def import_solution(self, package: bytes, *, enable_steps: bool = True, upgrade: bool = False) -> None:
        """Import a solution's file at once; raises Refused, and then nothing has changed.

        As over the Web API, but without job and time. `upgrade` removes what an earlier version had besides.
        """
        with self._env.lock:
            import_now(self._env, package, Options(enable_steps=enable_steps, upgrade=upgrade))

    @property
    def imports(self) -> ImportSwitches:
        """How long imports take, and what becomes of the next file that is staged or the next job."""
        return self._env.imports.switches

    def customise(self, definition: dict[str, Any]) -> None:
        """Add a customer's solution: tables, columns, keys."""
        with self._env.lock:
            customise(self._env, definition)

    def add_app_user(self, client_id: str, roles: tuple[str, ...] = ("connector",)) -> str:
        """Return the systemuserid of an application user; without roles it may do nothing."""
        env = self._env
        with env.lock:
            object_id = self.login.find_object_id(env.tenant_id, client_id) or env.new_id()
            row = {
                "fullname": f"# {client_id[:8]}",
                "applicationid": client_id,
                "azureactivedirectoryobjectid": object_id,
            }
            user_id = self._add_user(row)
            set_roles(env, user_id, tuple(roles))
            return user_id

    def set_roles(self, user_id: str, roles: tuple[str, ...]) -> None:
        """Give a user these roles only. A name that no role row has is a word, and a word allows everything."""
        with self._env.lock:
            set_roles(self._env, user_id, tuple(roles))

    def deny(self, user_id: str, privilege: str) -> None:
        """Take one privilege (`prvWriteInvoice`) away from a user."""
        with self._env.lock:
            self._env.denied.setdefault(user_id, set()).add(privilege.lower())

    def allow(self, user_id: str, privilege: str) -> None:
        with self._env.lock:
            self._env.denied.get(user_id, set()).discard(privilege.lower())

    def user(self, name: str = "Sales user", *, object_id: str | None = None) -> Person:
        """Return a person of that name; made when first asked for. `object_id`: who it is at the log-in."""
        env = self._env
        with env.lock:
            person = self._people.get(name)
            if person is None:
                object_id = object_id or env.new_id()
                user_id = self._add_user({"fullname": name, "azureactivedirectoryobjectid": object_id})
                env.roles[user_id] = ("Salesperson",)
                person = self._people[name] = Person(env, user_id, object_id)
            return person

    def rows(self, set_name: str) -> list[dict[str, Any]]:
        """Return all rows of a table as the Web API names their columns, money as Decimal, oldest first."""
        env = self._env
        with env.lock:
            catch_up(env)
            table = self._table(set_name)
            rows = sorted(env.store.all(table.logical_name).values(), key=lambda row: str(row.get("createdon", "")))
            return [as_plain(table, row) for row in rows]

    def moments(self, set_name: str) -> dict[str, datetime]:
        """When each row of a table was last written and committed, by id: finer than modifiedon's whole seconds."""
        env = self._env
        with env.lock:
            name = self._table(set_name).logical_name
            return {row_id: at for (table, row_id), at in env.written_at.items() if table == name}

    def add_currency(self, code: str, *, rate: Decimal, precision: int = 2, symbol: str | None = None) -> str:
        """Return the id of a new currency; `rate`: units of it for one of the base currency."""
        with self._env.lock:
            return add_currency(self._env, code, rate=rate, precision=precision, symbol=symbol)

    def set_organization(self, **columns: Any) -> None:
        """Change the organisation's settings: pricingdecimalprecision, discountcalculationmethod, ..."""
        with self._env.lock:
            overwrite(self._env, self._table("organization"), self.organization_id, columns)

    def set_component_prices(self, prices: Literal["zero", "own"]) -> None:
        """What components of bundles show on lines still to come: nothing, or their own price outside the totals."""
        with self._env.lock:
            self._env.component_prices = prices

    def set_missing_currency(self, does: Literal["filled", "refused"]) -> None:
        """What becomes of an amount that is written to a row without currency, where an account may have none.

        "filled": the row gets the writer's own currency, or the organisation's; "refused": it must be given.
        """
        with self._env.lock:
            self._env.missing_currency = does

    def set_nulls_unequal(self, unequal: bool) -> None:
        """Whether `$filter` finds rows without a value by `ne`. Nothing says it; a query should do either way."""
        with self._env.lock:
            self._env.nulls_are_unequal = unequal

    def lose_row(self, table_or_set: str, row_id: str, *, links: Links = "kept") -> None:
        """A row is gone (a bulk deletion, a restore): no rule, no event.

        `links`: "kept", lookups go on naming it and `$expand` shows null; "cleared", they are empty.
        """
        with self._env.lock:
            lose_row(self._env, self._table(table_or_set), row_id.lower(), links=links)

    def overwrite(self, table_or_set: str, row_id: str, columns: dict[str, Any]) -> None:
        """Somebody set columns past every rule: read-only and required ones too, no event, modifiedon unchanged.

        By logical names; lookups can only be emptied.
        """
        with self._env.lock:
            overwrite(self._env, self._table(table_or_set), row_id.lower(), columns)

    def set_key_status(self, table: str, key: str, *, active: bool) -> None:
        """A key whose index is still being built cannot be used."""
        with self._env.lock:
            self._env.pending_keys[table, key] = not active

    def _table(self, name: str) -> Table:
        table = self._env.schema.find(name)
        if table is None:
            raise unknown_resource(name)
        return table

    def _add_user(self, row: Row) -> str:
        env = self._env
        user_id = env.new_id()
        add_user(env, user_id, row)
        return user_id


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
