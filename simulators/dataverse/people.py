"""A person at work in the environment: the same rows, rules and events as by the Web API, without HTTP."""

from __future__ import annotations

from typing import Any

from simulators.dataverse import operations
from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import unknown_resource
from simulators.dataverse.keys import find_row, parse_key
from simulators.dataverse.reading import as_plain
from simulators.dataverse.schema import Table
from simulators.dataverse.solutions.jobs import catch_up
from simulators.dataverse.states import ACTIVE, CANCELED, PAID

INVOICE_ACTS = frozenset({"pay_invoice", "cancel_invoice", "activate_invoice"})


class Person:
    """Somebody using the sales app. Rows are given and taken as in the Web API, money as Decimal."""

    def __init__(self, env: Environment, user_id: str, object_id: str) -> None:
        self.id = user_id
        self._env = env
        self._object_id = object_id

    def create(self, table_or_set: str, row: dict[str, Any]) -> str:
        """Return the new row's id."""
        with self._env.lock:
            return operations.create(self._env, self._caller(), self._table(table_or_set), row)

    def update(self, table_or_set: str, row_id: str, row: dict[str, Any], *, if_match: str | None = None) -> None:
        with self._env.lock:
            table = self._table(table_or_set)
            operations.update(self._env, self._caller(), table, self._id(table, row_id), row, if_match=if_match)

    def delete(self, table_or_set: str, row_id: str) -> None:
        with self._env.lock:
            table = self._table(table_or_set)
            operations.delete(self._env, self._caller(), table, self._id(table, row_id))

    def get(self, table_or_set: str, row_id: str) -> dict[str, Any]:
        """Return all columns; `row_id` may be an alternate key as in a URL."""
        with self._env.lock:
            table = self._table(table_or_set)
            self._env.demand(self._caller(), "Read", table)
            return as_plain(table, self._env.row(table.logical_name, self._id(table, row_id)))

    def pay_invoice(self, invoice_id: str, status: int = 100001) -> None:
        """Press Invoice Paid; the reason is Complete, or Partial (100002)."""
        self.update("invoices", invoice_id, {"statecode": PAID, "statuscode": status})

    def cancel_invoice(self, invoice_id: str, status: int = 100003) -> None:
        """Press Cancel Invoice."""
        self.update("invoices", invoice_id, {"statecode": CANCELED, "statuscode": status})

    def activate_invoice(self, invoice_id: str, status: int = 1) -> None:
        """Open a closed invoice again, under the status reason New or another of Active."""
        self.update("invoices", invoice_id, {"statecode": ACTIVE, "statuscode": status})

    def set_invoice_state(self, invoice_id: str, state: int, status: int) -> None:
        """Change the state with a tool that still speaks the SDK's SetState."""
        with self._env.lock:
            operations.set_state(self._env, self._caller(), self._table("invoices"), invoice_id, state, status)

    def act(self, action: str, table_or_set: str, row_id: str, row: dict[str, Any]) -> Any:
        """Do one of create, update, delete, get by name."""
        match action:
            case "create":
                return self.create(table_or_set, row)
            case "update":
                return self.update(table_or_set, row_id, row)
            case "delete":
                return self.delete(table_or_set, row_id)
            case "get":
                return self.get(table_or_set, row_id)
            case _:
                raise unknown_resource(action)

    def _table(self, name: str) -> Table:
        catch_up(self._env)  # whatever a person does, an import that is over by then has had its effect
        table = self._env.schema.find(name)
        if table is None:
            raise unknown_resource(name)
        return table

    def _id(self, table: Table, row_id: str) -> str:
        return find_row(self._env, table, parse_key(table, row_id))

    def _caller(self) -> Caller:
        env = self._env
        browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
        return Caller(
            user_id=self.id,
            user_agent=browser,
            object_id=self._object_id,
            request_id=env.new_id(),
            correlation_id=env.new_id(),
            app_name="msdynce_saleshub",
            suppress_duplicates=False,
        )
