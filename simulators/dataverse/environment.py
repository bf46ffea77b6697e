"""The state of one simulated environment, and what every rule needs of it: time, ids, rows, the events to come."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from simulators.clock import Clock
from simulators.dataverse import privileges
from simulators.dataverse.errors import Refused, not_found, privilege_denied
from simulators.dataverse.import_state import Imports
from simulators.dataverse.schema import Schema, Table
from simulators.dataverse.store import Row, Store
from simulators.outbox import Outbox, Send

if TYPE_CHECKING:
    from simulators.dataverse.protection import Protection


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call and what the call carries; it travels on into the events."""

    user_id: str
    user_agent: str = ""
    object_id: str = "00000000-0000-0000-0000-000000000000"
    request_id: str = ""
    correlation_id: str = ""
    tag: str | None = None
    app_name: str | None = None
    bypassed_steps: frozenset[str] = frozenset()
    bypass_all: frozenset[str] = frozenset()
    suppress_duplicates: bool = True
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One message of the platform about one row. `supplied` is what the caller sent, `target` what the step sees."""

    message: str
    table: str
    row_id: str
    supplied: Row
    target: Row
    before: Row | None
    after: Row | None
    caller: Caller
    at: datetime


@dataclass
class WebhookSwitches:
    """How badly webhooks travel. `duplicate`, `drop`, `reorder` are chances from 0 to 1."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    retry_delay_s: float = 0.0
    duplicate: float = 0.0
    drop: float = 0.0
    reorder: float = 0.0
    rollup_events: bool = True
    cascade_events: bool = True
    stripped: str = "absent"  # what becomes of members that are left out over 256 KB: absent, null or empty


@dataclass
class Environment:
    """One organisation. Everything that reads or changes it holds `lock`."""

    clock: Clock
    chance: random.Random
    url: str
    tenant_id: str
    base_currency: str
    timezone: str
    schema: Schema
    store: Store
    outbox: Outbox
    organization_id: str
    business_unit_id: str
    system_user_id: str
    base_currency_id: str
    protection: Protection
    send: Send
    switches: WebhookSwitches = field(default_factory=WebhookSwitches)
    denied: dict[str, set[str]] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    imports: Imports = field(default_factory=Imports)
    lock: threading.RLock = field(default_factory=threading.RLock)
    invoice_number: int = 1000
    component_prices: Literal["zero", "own"] = "zero"
    nulls_are_unequal: bool = True
    missing_currency: Literal["filled", "refused"] = "filled"
    pending_keys: dict[tuple[str, str], bool] = field(default_factory=dict)
    on_commit: Callable[[Event], None] = field(default=lambda _event: None)
    before_commit: Callable[[Event], None] = field(default=lambda _event: None)
    refuse_part: Callable[[str, str], Refused | None] = field(default=lambda _method, _url: None)
    written_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _depth: int = 0

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def organization_name(self) -> str:
        return "unq" + self.organization_id.replace("-", "")[:29]

    def now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def row(self, table: str, row_id: str) -> Row:
        row = self.store.find(table, row_id)
        if row is None:
            raise not_found(table, row_id)
        return row

    def demand(self, caller: Caller, action: str, table: Table) -> None:
        """Raise Refused when the caller lacks the privilege for `action` (Read, Create, ...) on a table."""
        self.demand_privilege(caller, privileges.privilege_name(action, table))

    def demand_privilege(self, caller: Caller, privilege: str) -> None:
        """Raise Refused when the caller lacks a privilege by that name."""
        if not self.holds(caller.user_id, privilege):
            raise privilege_denied(caller.user_id, privilege)

    def demand_administrator(self, caller: Caller, privilege: str) -> None:
        """Raise Refused, naming the privilege, for everybody but a System Administrator."""
        if not self.is_administrator(caller.user_id):
            raise privilege_denied(caller.user_id, privilege)

    def holds(self, user_id: str, privilege: str) -> bool:
        """Roles that are rows allow what they name; one that is only a word (`roles`) allows everything."""
        if privilege.lower() in self.denied.get(user_id, ()):
            return False
        return bool(self.roles.get(user_id)) or privileges.is_granted(self.store, user_id, privilege)

    def is_administrator(self, user_id: str) -> bool:
        if privileges.ADMINISTRATOR in self.roles.get(user_id, ()):
            return True
        return privileges.ADMINISTRATOR_ID in privileges.role_ids(self.store, user_id)

    def has_roles(self, user_id: str) -> bool:
        return bool(self.roles.get(user_id) or privileges.role_ids(self.store, user_id))

    def raise_event(self, event: Event) -> None:
        """Tell synchronous steps now, inside the transaction; the others when it is committed."""
        self.before_commit(event)
        self._events.append(event)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All row changes and events inside, or none. Events leave when the outermost transaction ends."""
        mark = len(self._events)
        self._depth += 1
        try:
            with self.store.transaction():
                yield
        except BaseException:
            del self._events[mark:]
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            events, self._events = self._events, []
            now = self.clock.now()
            for event in events:
                self.written_at[event.table, event.row_id] = now
                self.on_commit(event)

    def organization(self) -> Row:
        return self.row("organization", self.organization_id)


def snapshot(row: dict[str, Any]) -> Row:
    """Return a row without its nulls, ready for the store."""
    return {name: value for name, value in row.items() if value is not None}
