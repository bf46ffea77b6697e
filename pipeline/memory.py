"""What a lane remembers to save calls: ids of contacts and items, books, preferences. Losing it costs reads.

And how far the last synchronisation of reference data was, which people look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, cast

import redis

from core import ids, money
from core.books import Account, Books, Item, Side, Terms
from core.custom_fields import Kinds
from core.preferences import Preferences
from core.tracking import Category, Tracking
from pipeline.lane_scripts import ask

VERSION = 3  # of the shapes that are stored: another version forgets what the one before remembered
BOOKS_S = 3_600
ITEMS_S = 3_600
TERMS_S = 3_600
CONTACTS_S = 30 * 86_400
PREFERENCES_S = 60
COLUMNS_S = 3_600
TRACKING_S = 3_600
PROGRESS_S = 90 * 86_400
MOVED_S = 7 * 86_400
NUMBERS_S = 30 * 86_400
NUMBERS_LISTED_S = 86_400
STRAYS_S = 86_400
BALANCES_S = 7 * 86_400
DELETIONS_S = 7 * 86_400
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)  # newer than whatever was seen: it has to be read


class Memory:
    """The memory of one connection. Raises Transient when Redis does not answer."""

    def __init__(self, client: redis.Redis, connection_id: str) -> None:
        self._redis = client
        self._prefix = f"memory:{VERSION}:{connection_id}"

    def contact_ids(self, customer_ids: Iterable[str]) -> dict[str, str]:
        """Return the Xero contact id of each customer that is remembered."""
        wanted = sorted(set(customer_ids))
        return self._get_fields("contacts", wanted) if wanted else {}

    def remember_contacts(self, contacts: Mapping[str, str]) -> None:
        if contacts:
            self._set_fields("contacts", contacts, CONTACTS_S)

    def forget_contacts(self, customer_ids: Iterable[str]) -> None:
        wanted = sorted(set(customer_ids))
        if wanted:
            self._drop_fields("contacts", wanted)

    def items(self) -> dict[str, Item] | None:
        """Return the items by folded code, or None when they have to be listed (again)."""
        stored = self._load("items")
        if stored is None:
            return None
        return {folded: Item(code, Side(*sales), Side(*buys)) for folded, (code, sales, buys) in stored.items()}

    def remember_items(self, items: Mapping[str, Item]) -> None:
        self._save("items", {folded: _plain_item(item) for folded, item in items.items()}, ITEMS_S)

    def add_items(self, items: Mapping[str, Item]) -> None:
        """Remember items that were made since the others were listed."""
        if (known := self.items()) is not None:
            plain = {folded: _plain_item(item) for folded, item in {**known, **items}.items()}
            self._save("items", plain, self._left("items", ITEMS_S))

    def forget_items(self) -> None:
        self._drop("items")

    def books(self) -> Books | None:
        stored = self._load("books")
        if stored is None:
            return None
        accounts = {code: Account(**fields) for code, fields in stored.pop("accounts").items()}
        sales_terms, bill_terms = _terms(stored.pop("sales_terms")), _terms(stored.pop("bill_terms"))
        return Books(**stored, accounts=accounts, sales_terms=sales_terms, bill_terms=bill_terms)

    def remember_books(self, books: Books) -> None:
        self._save("books", asdict(books), BOOKS_S)

    def forget_books(self) -> None:
        self._drop("books")

    def terms(self, contact_ids: Iterable[str], *, sales: bool) -> dict[str, Terms | None]:
        """Return the terms of each contact that is remembered; None for one that is known to have none."""
        stored = self._load(_terms_name(sales=sales)) or {}
        return {contact: _terms(stored[contact]) for contact in contact_ids if contact in stored}

    def remember_terms(self, terms: Mapping[str, Terms | None], *, sales: bool) -> None:
        """Add to what is remembered; all of it is forgotten an hour after the first."""
        name = _terms_name(sales=sales)
        plain = {contact: asdict(found) if found else None for contact, found in terms.items()}
        self._save(name, (self._load(name) or {}) | plain, self._left(name, TERMS_S))

    def preferences(self) -> Preferences | None:
        stored = self._load("preferences")
        return None if stored is None else Preferences(**stored)

    def remember_preferences(self, preferences: Preferences) -> None:
        self._save("preferences", asdict(preferences), PREFERENCES_S)

    def forget_preferences(self) -> None:
        self._drop("preferences")

    def column_kinds(self, setting: str) -> Kinds | None:
        """Return what Dynamics said of the columns of this setting of custom fields, or None: ask again."""
        stored = self._load("columns")
        return stored["kinds"] if stored is not None and stored["setting"] == ids.digest(setting) else None

    def remember_column_kinds(self, setting: str, kinds: Kinds) -> None:
        self._save("columns", {"setting": ids.digest(setting), "kinds": kinds}, COLUMNS_S)

    def forget_column_kinds(self) -> None:
        self._drop("columns")

    def tracking(self) -> Tracking | None:
        """Return Xero's tracking categories by folded name, or None when they have to be listed (again)."""
        stored = self._load("tracking")
        if stored is None:
            return None
        return {
            folded: Category(name, options, tuple(archived)) for folded, (name, options, archived) in stored.items()
        }

    def remember_tracking(self, tracking: Tracking) -> None:
        plain = {folded: [one.name, one.options, one.archived] for folded, one in tracking.items()}
        self._save("tracking", plain, TRACKING_S)

    def forget_tracking(self) -> None:
        self._drop("tracking")

    def note_moved(self, moved: Mapping[str, datetime]) -> None:
        """Note when records of Xero, by id, have changed as it says; of several times the newest counts."""
        if moved:
            self._raise("moved", {record_id: at.timestamp() for record_id, at in moved.items()}, MOVED_S)

    def moved(self, record_ids: Iterable[str]) -> dict[str, datetime]:
        """Return what was noted; a record that is not in it has to be read."""
        wanted = sorted(set(record_ids))
        found = zip(wanted, self._scores("moved", wanted), strict=True) if wanted else ()
        return {record_id: datetime.fromtimestamp(score, UTC) for record_id, score in found if score is not None}

    def forget_moved(self, record_ids: Iterable[str]) -> None:
        wanted = sorted(set(record_ids))
        if wanted:
            self._drop_scores("moved", wanted)

    def balances_read(self, contact_ids: Iterable[str]) -> dict[str, datetime]:
        """Return when, by Xero's clock, the balances of each contact were last read, as far as it is remembered."""
        wanted = sorted(set(contact_ids))
        found = self._get_fields("balances", wanted) if wanted else {}
        return {contact_id: datetime.fromisoformat(at) for contact_id, at in found.items()}

    def remember_balances_read(self, read: Mapping[str, datetime]) -> None:
        if read:
            self._set_fields("balances", {contact_id: at.isoformat() for contact_id, at in read.items()}, BALANCES_S)

    def numbered(self, contact_ids: Iterable[str]) -> dict[str, str] | None:
        """Return the ids that these contacts bear as their number, or None when those have to be listed (again)."""
        if self._get("numbers-listed") is None:
            return None
        wanted = sorted(set(contact_ids))
        return self._get_fields("numbers", wanted) if wanted else {}

    def list_numbered(self) -> list[str]:
        """Return the contacts whose number was an id when they were last listed, however long ago."""
        return self._list_fields("numbers")

    def remember_numbered(self, numbers: Mapping[str, str]) -> None:
        self._drop("numbers")
        if numbers:
            self._set_fields("numbers", numbers, NUMBERS_S)
        self.keep_numbered()

    def keep_numbered(self) -> None:
        """Leave them as they were last listed for another day."""
        self._set("numbers-listed", "yes", NUMBERS_LISTED_S)

    def told_strays(self, xero_ids: Iterable[str]) -> dict[str, datetime]:
        """Return which of these documents that no details row names people have been told of, as of which change."""
        wanted = sorted(set(xero_ids))
        found = self._get_fields("strays", wanted) if wanted else {}
        return {xero_id: datetime.fromisoformat(at) for xero_id, at in found.items()}

    def remember_told_strays(self, told: Mapping[str, datetime]) -> None:
        if told:
            self._set_fields("strays", {xero_id: at.isoformat() for xero_id, at in told.items()}, STRAYS_S)

    def confirmed_deletions(self, invoice_ids: Iterable[str]) -> set[str]:
        """Return which of these invoices, deleted in Dynamics, their owner wants to be dealt with in Xero as well."""
        wanted = sorted(set(invoice_ids))
        return set(self._get_fields("deletions-confirmed", wanted)) if wanted else set()

    def confirm_deletions(self, invoice_ids: Iterable[str]) -> None:
        if confirmed := dict.fromkeys(invoice_ids, "yes"):
            self._set_fields("deletions-confirmed", confirmed, DELETIONS_S)

    def held_deletions(self) -> set[str]:
        """Return the deleted invoices for which nothing is done before their owner has been asked."""
        return set(self._load("deletions-held") or ())

    def hold_deletions(self, invoice_ids: Iterable[str]) -> None:
        self._save("deletions-held", sorted(set(invoice_ids)), DELETIONS_S)

    def release_deletions(self) -> None:
        self._drop("deletions-held")

    def progress(self, of: str) -> Any:
        """Return what was last told of work that people watch, as JSON; None if nothing is known of it."""
        return self._load(f"progress-{of}")

    def remember_progress(self, of: str, plain: Any) -> None:
        self._save(f"progress-{of}", plain, PROGRESS_S)

    def _load(self, name: str) -> Any:
        text = self._get(name)
        return None if text is None else money.loads(text)

    def _save(self, name: str, document: Any, seconds: int) -> None:
        self._set(name, money.dumps(document).decode(), seconds)

    # What touches the outside: the rest of this class knows nothing of Redis.

    def _get(self, name: str) -> str | None:
        return cast("str | None", ask(lambda: self._redis.get(f"{self._prefix}:{name}")))

    def _set(self, name: str, text: str, seconds: int) -> None:
        ask(lambda: self._redis.set(f"{self._prefix}:{name}", text, ex=seconds))

    def _drop(self, name: str) -> None:
        ask(lambda: self._redis.delete(f"{self._prefix}:{name}"))

    def _left(self, name: str, seconds: int) -> int:
        """Return how long what is stored still lives; `seconds` if nothing is."""
        left = ask(lambda: self._redis.ttl(f"{self._prefix}:{name}"))
        return left if left > 0 else seconds

    def _get_fields(self, name: str, fields: Sequence[str]) -> dict[str, str]:
        found = cast("list[str | None]", ask(lambda: self._redis.hmget(f"{self._prefix}:{name}", fields)))
        return {field: value for field, value in zip(fields, found, strict=True) if value}

    def _set_fields(self, name: str, values: Mapping[str, str], seconds: int) -> None:
        pairs = [part for pair in values.items() for part in pair]
        ask(lambda: self._redis.hset(f"{self._prefix}:{name}", items=pairs))
        ask(lambda: self._redis.expire(f"{self._prefix}:{name}", seconds))

    def _drop_fields(self, name: str, fields: Sequence[str]) -> None:
        ask(lambda: self._redis.hdel(f"{self._prefix}:{name}", *fields))

    def _list_fields(self, name: str) -> list[str]:
        return cast("list[str]", ask(lambda: self._redis.hkeys(f"{self._prefix}:{name}")))

    def _raise(self, name: str, scores: Mapping[str, float], seconds: int) -> None:
        ask(lambda: self._redis.zadd(f"{self._prefix}:{name}", dict(scores), gt=True))
        ask(lambda: self._redis.expire(f"{self._prefix}:{name}", seconds))

    def _scores(self, name: str, members: Sequence[str]) -> list[float | None]:
        return ask(lambda: self._redis.zmscore(f"{self._prefix}:{name}", list(members)))

    def _drop_scores(self, name: str, members: Sequence[str]) -> None:
        ask(lambda: self._redis.zrem(f"{self._prefix}:{name}", *members))


class Forgetful(Memory):
    """A memory for one look: it begins empty, lives in this process, and leaves nothing behind."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._fields: dict[str, dict[str, str]] = {}

    def _get(self, name: str) -> str | None:
        return self._texts.get(name)

    def _set(self, name: str, text: str, seconds: int) -> None:  # noqa: ARG002 - one look is shorter than any of them
        self._texts[name] = text

    def _drop(self, name: str) -> None:
        self._texts.pop(name, None)
        self._fields.pop(name, None)

    def _left(self, name: str, seconds: int) -> int:  # noqa: ARG002
        return seconds

    def _get_fields(self, name: str, fields: Sequence[str]) -> dict[str, str]:
        known = self._fields.get(name, {})
        return {field: known[field] for field in fields if field in known}

    def _set_fields(self, name: str, values: Mapping[str, str], seconds: int) -> None:  # noqa: ARG002
        self._fields.setdefault(name, {}).update(values)

    def _drop_fields(self, name: str, fields: Sequence[str]) -> None:
        for field in fields:
            self._fields.get(name, {}).pop(field, None)

    def _list_fields(self, name: str) -> list[str]:
        return list(self._fields.get(name, {}))

    def _raise(self, name: str, scores: Mapping[str, float], seconds: int) -> None:  # noqa: ARG002
        known = self._fields.setdefault(name, {})
        known |= {member: repr(max(score, float(known.get(member, score)))) for member, score in scores.items()}

    def _scores(self, name: str, members: Sequence[str]) -> list[float | None]:
        known = self._fields.get(name, {})
        return [float(known[member]) if member in known else None for member in members]

    def _drop_scores(self, name: str, members: Sequence[str]) -> None:
        self._drop_fields(name, members)


def _plain_item(item: Item) -> list[Any]:
    return [item.code, *([side.account, side.tax_type] for side in (item.sales, item.purchases))]


def _terms(stored: Any) -> Terms | None:
    return None if stored is None else Terms(**stored)


def _terms_name(*, sales: bool) -> str:
    return "terms-sales" if sales else "terms-bills"
