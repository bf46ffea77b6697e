"""What a lane remembers to save calls: ids of contacts and items, books, preferences. Losing it costs reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, cast

import redis

from core import money
from core.books import Account, Books, Item
from core.preferences import Preferences
from pipeline.lane_scripts import ask

BOOKS_S = 3_600
ITEMS_S = 3_600
PREFERENCES_S = 60


class Memory:
    """The memory of one connection. Raises Transient when Redis does not answer."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        self._prefix = f"memory:{connection_id}"

    def contact_ids(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """Return the Xero contact id of each customer that is remembered."""
        wanted = sorted(set(customer_ids))
        if not wanted:
            return {}
        found = cast("list[str | None]", ask(lambda: self._redis.hmget(f"{self._prefix}:contacts", wanted)))
        return {customer: contact for customer, contact in zip(wanted, found, strict=True) if contact}

    def remember_contacts(self, contacts: Mapping[str, str]) -> None:
        if contacts:
            pairs = [part for pair in contacts.items() for part in pair]
            ask(lambda: self._redis.hset(f"{self._prefix}:contacts", items=pairs))

    def forget_contacts(self, customer_ids: Iterable[str]) -> None:
        wanted = sorted(set(customer_ids))
        if wanted:
            ask(lambda: self._redis.hdel(f"{self._prefix}:contacts", *wanted))

    def items(self) -> dict[str, Item] | None:
        """Return the items by code, or None when they have to be listed (again)."""
        stored = self._load("items")
        return None if stored is None else {code: Item(code, *fields) for code, fields in stored.items()}

    def remember_items(self, items: Mapping[str, Item]) -> None:
        plain = {code: [item.sales_account, item.sales_tax_type] for code, item in items.items()}
        self._save("items", plain, ITEMS_S)

    def forget_items(self) -> None:
        self._forget("items")

    def books(self) -> Books | None:
        stored = self._load("books")
        if stored is None:
            return None
        accounts = {code: Account(**fields) for code, fields in stored.pop("accounts").items()}
        return Books(**stored, accounts=accounts)

    def remember_books(self, books: Books) -> None:
        self._save("books", asdict(books), BOOKS_S)

    def forget_books(self) -> None:
        self._forget("books")

    def preferences(self) -> Preferences | None:
        stored = self._load("preferences")
        return None if stored is None else Preferences(**stored)

    def remember_preferences(self, preferences: Preferences) -> None:
        self._save("preferences", asdict(preferences), PREFERENCES_S)

    def forget_preferences(self) -> None:
        self._forget("preferences")

    def _load(self, name: str) -> Any:
        text = cast("str | None", ask(lambda: self._redis.get(f"{self._prefix}:{name}")))
        return None if text is None else money.loads(text)

    def _save(self, name: str, document: Any, seconds: int) -> None:
        text = money.dumps(document).decode()
        ask(lambda: self._redis.set(f"{self._prefix}:{name}", text, ex=seconds))

    def _forget(self, name: str) -> None:
        ask(lambda: self._redis.delete(f"{self._prefix}:{name}"))
