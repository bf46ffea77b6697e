"""Brings what customers owe from Xero to their accounts and contacts in Dynamics (rule D8), many in one call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from clients.http import Payload
from clients.odata import odata_in, rows_path, text_literal
from clients.xero import Xero
from core import columns
from core.ids import is_guid
from mappers import balances as mapper
from mappers.balances import Balance
from pipeline.balance_rows import Debtors, write_balances
from pipeline.books import read_books
from pipeline.contact_lookup import find_heirs
from pipeline.contact_owners import (
    contacts_path,
    find_numbered,
    list_contacts_of,
    list_named_contacts,
    owners_path,
    to_pairs,
)
from pipeline.lanes import Entity
from pipeline.outcomes import Report
from pipeline.reading import read_batch
from pipeline.tools import Tools

DAY = timedelta(days=1)
OVERLAP = timedelta(minutes=10)  # an event bears the time of the event, not of the document
SETTLING = timedelta(seconds=10)  # what changed just before the balances were read may not have been in them
EMPTY_MAX = 50
SALES_CREDIT = frozenset(
    {"ACCRECCREDIT", "RECEIVE-OVERPAYMENT", "AROVERPAYMENT", "RECEIVE-PREPAYMENT", "ARPREPAYMENT"}
)
_LISTS: Mapping[str, tuple[str, Callable[[Xero, datetime], Iterator[Payload]]]] = {
    "creditnote": ("CreditNoteID", Xero.list_credit_notes_changed),
    "overpayment": ("OverpaymentID", Xero.list_overpayments_changed),
    "prepayment": ("PrepaymentID", Xero.list_prepayments_changed),
}
_CONNECTOR_ID = columns.CONNECTOR.id_column

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Owned:
    """Whose contacts they are: `named` by documents, `numbered` by their number; both customers by contact.

    `words` is what the connector record says of amounts, `connectors` which connections there are in Dynamics.
    """

    named: Mapping[str, set[str]]
    numbered: Mapping[str, str]
    connectors: frozenset[str]
    words: str

    @property
    def customers(self) -> set[str]:
        return set().union(*self.named.values(), self.numbered.values())


def refresh(tools: Tools, entities: Collection[Entity], report: Report) -> None:
    """Refresh what the customers of these contacts, credit notes, over- and prepayments (at most 50) owe.

    Of accounts and contacts in Dynamics, whose currency may be another one now, those that documents name.
    Dynamics is read first: whoever has written a row since is not overwritten by what Xero said before. A row that
    has moved is noted in `report`. Raises Transient, Limited, Disconnected or Unknown; repeating is safe.
    """
    now = tools.hold()
    in_xero = [entity for entity in entities if entity.side == "xero"]
    asked = {entity.id for entity in in_xero if entity.kind == "contact" and is_guid(entity.id)}
    asked |= _contacts_of_documents(tools, in_xero, now)
    customers = [entity.id for entity in entities if entity.side == "dynamics" and is_guid(entity.id)]
    if customers:
        asked |= set().union(*list_contacts_of(tools, customers).values())
    if asked:
        read_at, moved = _refresh(tools, asked, now)
        for contact_id in moved:
            report.later_in_xero(Entity("xero", "contact", contact_id), now)
        tools.memory.remember_balances_read(dict.fromkeys(asked - moved, read_at))
    tools.memory.forget_moved(entity.id for entity in entities)


def known_contacts(tools: Tools) -> list[str]:
    """Return the contacts in Xero whose balances are shown at a customer in Dynamics, by one read, page after page.

    Those that only their number makes known are as they were last listed.
    """
    return sorted(list_named_contacts(tools) | set(tools.memory.list_numbered()))


def _contacts_of_documents(tools: Tools, entities: Collection[Entity], now: datetime) -> set[str]:
    """Return the contacts of these documents; one list call a kind, as Xero takes no ids there."""
    contacts: set[str] = set()
    for kind, (id_field, lister) in _LISTS.items():
        wanted = {entity.id for entity in entities if entity.kind == kind}
        if not wanted:
            continue
        moved = tools.memory.moved(wanted)
        since = min(now, *(moved.get(document_id, now - DAY) for document_id in wanted)) - OVERLAP
        contacts |= {
            document["Contact"]["ContactID"]
            for document in lister(tools.xero, since)
            if document[id_field] in wanted and document["Type"] in SALES_CREDIT
        }
    return contacts


def _refresh(tools: Tools, asked: Collection[str], now: datetime) -> tuple[datetime, set[str]]:
    """Return when these contacts were read, by Xero's clock, and those that have to be read again."""
    owned = _read_owners(tools, asked)
    if not owned.customers and not owned.words:
        return _read_at(tools, now), set()  # contacts that nobody here knows
    standing, contacts_of = _read_standing(tools, owned)
    balances, read_at = _read_balances(tools, contacts_of, now)
    moved = write_balances(tools, standing, balances)
    again = set().union(*(contacts_of.get(customer_id, ()) for customer_id in moved)) & set(asked)
    log.info("balances.refreshed", connection=tools.connection.id, contacts=len(asked), customers=len(balances))
    return read_at, again


def _read_owners(tools: Tools, asked: Collection[str]) -> _Owned:
    query = {"$select": f"{_CONNECTOR_ID},stl3_balancesinwords"}
    pairs, connectors = read_batch(
        tools, owners_path(tools, sorted(asked)), rows_path(columns.CONNECTOR.set_name, query)
    )
    named: dict[str, set[str]] = {}
    for customer_id, contact_id in to_pairs(pairs):
        named.setdefault(contact_id, set()).add(customer_id)
    words = {row[_CONNECTOR_ID]: row.get("stl3_balancesinwords") or "" for row in connectors}
    numbered = find_numbered(tools, set(asked) - named.keys())
    return _Owned(named, numbered, frozenset(words), words.get(tools.connection.id, ""))


def _read_standing(tools: Tools, owned: _Owned) -> tuple[Debtors, Mapping[str, set[str]]]:
    """Return how the rows of the customers stand, and which contacts each has; one `$batch`.

    While words stand on the connector record, the rows that are empty come along: the rate may be there by now.
    """
    customers = sorted(owned.customers)
    reads = {
        "currencies": rows_path("transactioncurrencies", {"$select": mapper.CURRENCY_SELECT}),
        "organizations": rows_path("organizations", {"$select": mapper.ORGANIZATION_SELECT}),
    }
    for kind in mapper.NAMES:
        reads |= {f"empty {kind}": _empty_path(tools, kind)} if owned.words else {}
        reads |= {f"found {kind}": _customers_path(kind, customers)} if customers else {}
    reads |= {"pairs": contacts_path(tools, customers)} if customers else {}
    rows = dict(zip(reads, read_batch(tools, *reads.values()), strict=True))
    debtors = [
        mapper.to_debtor(kind, row)
        for kind in mapper.NAMES
        for row in (*rows.get(f"empty {kind}", ()), *rows.get(f"found {kind}", ()))
    ]
    standing = Debtors(
        debtors={debtor.id: debtor for debtor in debtors},
        currencies=mapper.to_currencies(rows["currencies"], rows["organizations"]),
        connectors=owned.connectors,
        words=owned.words,
        has_all_empty=all(len(rows.get(f"empty {kind}", ())) < EMPTY_MAX for kind in mapper.NAMES),
    )
    contacts_of = _contacts_of(owned, rows.get("pairs", ()))
    return standing, {key: contacts for key, contacts in contacts_of.items() if key in standing.debtors}


def _contacts_of(owned: _Owned, pairs: Sequence[Payload]) -> dict[str, set[str]]:
    """Return all contacts of each customer: those that documents name; the number counts where there are none.

    So that it is the same whichever of them has changed.
    """
    contacts_of: dict[str, set[str]] = {}
    for customer_id, contact_id in to_pairs(pairs):
        contacts_of.setdefault(customer_id, set()).add(contact_id)
    by_number: dict[str, set[str]] = {}
    for contact_id, customer_id in owned.numbered.items():
        by_number.setdefault(customer_id, set()).add(contact_id)
    return by_number | contacts_of


def _read_balances(
    tools: Tools, contacts_of: Mapping[str, set[str]], now: datetime
) -> tuple[dict[str, Balance], datetime]:
    """Return what each customer owes this organisation, and when that was so; one call to Xero unless some merged."""
    wanted = sorted(set().union(*contacts_of.values()))
    if not wanted:
        return {}, now
    currency = read_books(tools).base_currency
    contacts = list(tools.xero.list_contacts(ids=wanted))
    read_at = _read_at(tools, now)
    heirs = find_heirs(tools, contacts)
    living = {contact["ContactID"]: heirs.get(contact["ContactID"], contact) for contact in contacts}
    balances = {}
    for customer_id, contact_ids in contacts_of.items():
        theirs = [living[contact_id] for contact_id in contact_ids if contact_id in living]
        if theirs:
            different = {contact["ContactID"]: contact for contact in theirs}
            balances[customer_id] = mapper.to_balance(different.values(), currency)
    return balances, read_at


def _read_at(tools: Tools, now: datetime) -> datetime:
    """Return Xero's time as it was last heard, a little earlier: ours may run ahead of it."""
    return (tools.xero.server_time or now - OVERLAP) - SETTLING


def _customers_path(kind: str, customers: Sequence[str]) -> str:
    id_column, _ = mapper.NAMES[kind]
    return rows_path(kind, {"$select": mapper.select(kind), "$filter": odata_in(id_column, customers)})


def _empty_path(tools: Tools, kind: str) -> str:
    mine = f"contains(stl3_balances,{text_literal(tools.connection.id)}) and stl3_balancecurrency eq null"
    return rows_path(kind, {"$select": mapper.select(kind), "$filter": mine, "$top": str(EMPTY_MAX)})
