"""The Xero client: one organisation, one attempt a call, answers as Xero's JSON with exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import requests

from clients.http import READ_TIMEOUT_S, WRITE_TIMEOUT_S, Answer, Payload, call, unanswered
from clients.tokens import Tokens
from clients.xero_elements import ID_FIELD, Element, Unmatched, are_records, elements_of
from clients.xero_errors import error_of, token_refused
from clients.xero_text import (
    any_of,
    equals,
    if_modified_since,
    is_id,
    parse_xero_date,
    parse_xero_time,
    query_string,
)
from core import money

__all__ = ["Element", "Limits", "Payload", "Xero", "parse_xero_date", "parse_xero_time"]


IDS_PER_CALL = 50
PAGE_SIZE = 1000
_DEAD = frozenset({"DELETED", "VOIDED"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls Xero's last answer left us: this minute, this day, and for the app this minute."""

    minute: int | None = None
    day: int | None = None
    app_minute: int | None = None


class Xero:
    """Calls to one Xero organisation.

    Every method raises Transient, Limited or Disconnected; reads raise Rejected for a query that Xero refuses.
    `tenant_id` is empty only where no organisation is chosen yet (`list_connections`). After each answer
    `server_time`, `last_limits` and `reference` (Xero's correlation id) tell what it said.
    """

    def __init__(self, session: requests.Session, tokens: Tokens, *, api_url: str, tenant_id: str) -> None:
        self._session = session
        self._tokens = tokens
        self._root = api_url
        self._url = f"{api_url}/api.xro/2.0"
        self._tenant_id = tenant_id
        self._refused_token = ""
        self.server_time: datetime | None = None
        self.last_limits = Limits()
        self.reference: str | None = None

    def create_invoices(self, documents: Sequence[Payload], *, key: str) -> list[Element]:
        """Create invoices; return what became of each, in order. Never updates one.

        `key` goes out as Idempotency-Key (128 characters): for 6 minutes Xero replays its first answer to it.
        Raises Unknown when the outcome is not known, Rejected when the call as a whole was refused (nothing made).
        """
        return self._create("Invoices", documents, key, {"unitdp": "4"})

    def update_invoices(self, documents: Sequence[Payload]) -> list[Element]:
        """Change these invoices, each named by its InvoiceID; return what became of each, in order.

        What a document leaves out stays, but its lines replace those of the invoice: one without LineItemID is new.
        Xero makes no invoice of an id that it does not have. Raises as `create_invoices`; without a key the call is
        repeated only after reading what became of it.
        """
        assert all(document.get("InvoiceID") for document in documents), "an update without InvoiceID would create"
        return self._write("POST", "Invoices", documents, {}, {"unitdp": "4"})

    def create_contacts(self, documents: Sequence[Payload], *, key: str) -> list[Element]:
        """Create contacts, as `create_invoices`; Xero refuses a name or ContactNumber that it has."""
        return self._create("Contacts", documents, key, {})

    def create_items(self, documents: Sequence[Payload], *, key: str) -> list[Element]:
        """Create items, as `create_invoices`; Xero refuses a code that it has."""
        return self._create("Items", documents, key, {"unitdp": "4"})

    def create_credit_notes(self, documents: Sequence[Payload], *, key: str) -> list[Element]:
        """Create credit notes, as `create_invoices`; Xero refuses a number that a sales credit note has."""
        return self._create("CreditNotes", documents, key, {"unitdp": "4"})

    def update_credit_notes(self, documents: Sequence[Payload]) -> list[Element]:
        """Change these credit notes, each named by its CreditNoteID, as `update_invoices`."""
        assert all(document.get("CreditNoteID") for document in documents), "one without CreditNoteID would be made"
        return self._write("POST", "CreditNotes", documents, {}, {"unitdp": "4"})

    def allocate_credit_note(self, note_id: str, *, invoice_id: str, amount: Decimal, dated: date) -> Element:
        """Apply this much of an approved credit note to an invoice; return what became of it.

        Xero wants a day, and takes the later one of the two documents. It refuses more than is open on either.
        Asked twice it applies twice, if that much is open: raises as `update_invoices`, look before repeating.
        """
        document = {"Invoice": {"InvoiceID": invoice_id}, "Amount": amount, "Date": dated.isoformat()}
        path = f"CreditNotes/{quote(note_id, safe='')}/Allocations"
        (element,) = self._write_to(path, "Allocations", "PUT", [document], {}, {})
        return element

    def list_invoices(self, *, ids: Sequence[str]) -> Iterator[Payload]:
        """Yield these invoices with lines and payments, in Xero's order; unknown ids are left out."""
        for chunk in _in_chunks(ids):
            query = {"IDs": ",".join(chunk), "page": "1", "pageSize": "100", "unitdp": "4"}
            yield from self._list("Invoices", query)

    def list_invoices_changed(self, since: datetime, *, summary: bool = True) -> Iterator[Payload]:
        """Yield the invoices changed at or after `since` (UTC, whole seconds), oldest change first.

        A summary has no lines and payments. One that changes while we read may come twice.
        """
        yield from self._list_changed("Invoices", since, {"summaryOnly": "true"} if summary else {"unitdp": "4"})

    def list_credit_notes_changed(self, since: datetime) -> Iterator[Payload]:
        """Yield the credit notes of both sides changed at or after `since`, as `list_invoices_changed`."""
        yield from self._list_changed("CreditNotes", since, {})

    def list_overpayments_changed(self, since: datetime) -> Iterator[Payload]:
        """Yield the overpayments of both sides changed at or after `since`, as `list_invoices_changed`."""
        yield from self._list_changed("Overpayments", since, {})

    def list_prepayments_changed(self, since: datetime) -> Iterator[Payload]:
        """Yield the prepayments of both sides changed at or after `since`, as `list_invoices_changed`."""
        yield from self._list_changed("Prepayments", since, {})

    def find_invoice_by_number(self, number: str) -> Payload | None:
        """Return the sales invoice of exactly this number, with lines; a live one before a deleted or voided."""
        query = {"page": "1", "pageSize": "100", "unitdp": "4"}
        # A list parameter would take a comma in the number for two numbers.
        query |= {"where": equals("InvoiceNumber", number)} if "," in number else {"InvoiceNumbers": number}
        found = [
            invoice
            for invoice in self._list("Invoices", query)
            if invoice.get("Type") == "ACCREC" and str(invoice.get("InvoiceNumber", "")).lower() == number.lower()
        ]
        return min(found, key=lambda invoice: invoice.get("Status") in _DEAD, default=None)

    def list_credit_notes(self, *, numbers: Iterable[str] = (), ids: Iterable[str] = ()) -> Iterator[Payload]:
        """Yield the credit notes of both sides, dead ones too, that have one of these numbers or ids, each once.

        With lines and allocations. It may yield a few that only resemble a number (case, quotes): the caller
        compares.
        """
        named = [is_id("CreditNoteID", note_id) for note_id in ids]
        conditions = [condition for condition in named if condition is not None]
        conditions += [equals("CreditNoteNumber", number) for number in numbers if number.strip()]
        query = {"order": "CreditNoteID ASC", "pageSize": str(PAGE_SIZE), "unitdp": "4"}
        yield from self._list_where("CreditNotes", conditions, query)

    def list_contacts(self, *, ids: Sequence[str]) -> Iterator[Payload]:
        """Yield these contacts in full (terms, defaults, balances), archived ones included."""
        for chunk in _in_chunks(ids):
            query = {"IDs": ",".join(chunk), "page": "1", "pageSize": "100", "includeArchived": "true"}
            yield from self._list("Contacts", query)

    def list_contacts_matching(
        self,
        *,
        contact_numbers: Iterable[str] = (),
        account_numbers: Iterable[str] = (),
        names: Iterable[str] = (),
        include_archived: bool = False,
    ) -> Iterator[Payload]:
        """Yield contacts that match one of these or nearly (case, quotes): the caller compares. Each comes once.

        Summaries: no addresses, balances or terms. An empty string matches nothing.
        """
        asked = {"ContactNumber": contact_numbers, "AccountNumber": account_numbers, "Name": names}
        conditions = [equals(field, value) for field, values in asked.items() for value in values if value.strip()]
        query = {"summaryOnly": "true", "pageSize": str(PAGE_SIZE)}
        query |= {"includeArchived": "true"} if include_archived else {}
        yield from self._list_where("Contacts", conditions, query)

    def list_contacts_numbered(self) -> Iterator[Payload]:
        """Yield the contacts that have a ContactNumber, which only apps give, as `list_contacts_matching`."""
        query = {"where": "ContactNumber!=null", "summaryOnly": "true", "includeArchived": "true"}
        yield from self._list_pages("Contacts", query | {"pageSize": str(PAGE_SIZE)})

    def list_items(self) -> Iterator[Payload]:
        """Yield all items: this list has no pages."""
        yield from self._list("Items", {"unitdp": "4"})

    def list_accounts(self) -> Iterator[Payload]:
        """Yield all accounts, archived ones too: look at Status."""
        yield from self._list("Accounts", {})

    def list_tax_rates(self) -> Iterator[Payload]:
        """Yield all tax rates, deleted ones too: look at Status."""
        yield from self._list("TaxRates", {})

    def list_branding_themes(self) -> Iterator[Payload]:
        """Yield all branding themes."""
        yield from self._list("BrandingThemes", {})

    def list_tracking_categories(self) -> Iterator[Payload]:
        """Yield all tracking categories with their options, archived ones too: look at Status."""
        yield from self._list("TrackingCategories", {"includeArchived": "true"})

    def get_organisation(self) -> Payload:
        """Return the organisation: currency, time zone, short code, lock dates, terms. Not counted as download."""
        found = list(self._list("Organisation", {}, plural="Organisations"))
        if len(found) != 1:
            raise unanswered("GET Organisation: no organisation in the answer", changes=False)
        return found[0]

    def list_connections(self) -> list[Payload]:
        """Return the organisations that the consent covers: id, tenantId, tenantName, tenantType…"""
        answer = self._call("GET", f"{self._root}/connections", changes=False)
        found = _document(answer, "GET connections", changes=False)
        if not isinstance(found, list):
            raise unanswered("GET connections: not a list", changes=False)
        return found

    def _create(self, plural: str, documents: Sequence[Payload], key: str, query: Payload) -> list[Element]:
        return self._write("PUT", plural, documents, {"Idempotency-Key": key}, query)

    def _write(
        self, method: str, plural: str, documents: Sequence[Payload], headers: Mapping[str, str], query: Payload
    ) -> list[Element]:
        if not documents:
            return []
        return self._write_to(plural, plural, method, documents, headers, query)

    def _write_to(
        self,
        path: str,
        plural: str,
        method: str,
        documents: Sequence[Payload],
        headers: Mapping[str, str],
        query: Payload,
    ) -> list[Element]:
        what = f"{method} {plural}"
        # `false` must be said: whatever the description says, Xero's default refuses all for one bad element.
        url = f"{self._url}/{path}{query_string({'summarizeErrors': 'false'} | query)}"
        body = money.dumps({plural: list(documents)})
        answer = self._call(method, url, body=body, headers=headers, changes=True)
        envelope = self._envelope(answer, what, changes=True)
        try:
            return elements_of(envelope.get(plural), documents, plural)
        except Unmatched as error:
            raise unanswered(f"{what}: {error}", changes=True, reference=self.reference) from error

    def _list_pages(self, plural: str, query: Payload) -> Iterator[Payload]:
        page, more = 1, True
        while more:
            found, more = self._page(plural, query | {"page": str(page)}, {})
            yield from found
            page += 1

    def _list_where(self, plural: str, conditions: Iterable[str], query: Payload) -> Iterator[Payload]:
        """Yield what meets any of these conditions, each once, in as many calls as the conditions need."""
        seen: set[str] = set()
        for where in any_of(dict.fromkeys(conditions)):
            for record in self._list_pages(plural, query | {"where": where}):
                if record[ID_FIELD[plural]] not in seen:
                    seen.add(record[ID_FIELD[plural]])
                    yield record

    def _list_changed(self, plural: str, since: datetime, query: Payload) -> Iterator[Payload]:
        id_field = ID_FIELD[plural]
        query = query | {"order": f"UpdatedDateUTC ASC,{id_field} ASC", "pageSize": str(PAGE_SIZE)}
        seen: set[tuple[str, str]] = set()
        page = 1
        while True:
            headers = {"If-Modified-Since": if_modified_since(since)}
            found, more = self._page(plural, query | {"page": str(page)}, headers)
            for document in found:
                mark = (document[id_field], document["UpdatedDateUTC"])
                if mark not in seen:
                    seen.add(mark)
                    yield document
            if not found or not more:
                return
            # Go on by time, not by page number: a document changed meanwhile leaves its place, and the ones
            # behind it would slip from the next page onto this one, unread.
            newest = parse_xero_time(found[-1]["UpdatedDateUTC"]).replace(microsecond=0)
            since, page = (newest, 1) if newest > since else (since, page + 1)

    def _page(self, plural: str, query: Payload, headers: Mapping[str, str]) -> tuple[list[Payload], bool]:
        """Return one page and whether there is another."""
        envelope = self._read(plural, query, headers)
        found = self._records(envelope, plural)
        pagination = envelope.get("pagination")
        if isinstance(pagination, dict) and isinstance(pagination.get("pageCount"), int):
            return found, int(query["page"]) < pagination["pageCount"]
        return found, len(found) >= int(query["pageSize"])

    def _list(self, path: str, query: Payload, *, plural: str = "") -> Iterator[Payload]:
        yield from self._records(self._read(path, query, {}), plural or path)

    def _read(self, path: str, query: Payload, headers: Mapping[str, str]) -> Payload:
        answer = self._call("GET", f"{self._url}/{path}{query_string(query)}", headers=headers, changes=False)
        return self._envelope(answer, f"GET {path}", changes=False)

    def _records(self, envelope: Payload, plural: str) -> list[Payload]:
        found = envelope.get(plural)
        if not are_records(found):
            raise unanswered(f"GET {plural}: none in the answer", changes=False, reference=self.reference)
        return found

    def _call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        changes: bool,
    ) -> Answer:
        token = self._tokens.get()
        sent = {"Authorization": f"Bearer {token}", "Accept": "application/json", **(headers or {})}
        if self._tenant_id:
            sent["xero-tenant-id"] = self._tenant_id
        if body is not None:
            sent["Content-Type"] = "application/json"
        timeout_s = WRITE_TIMEOUT_S if changes else READ_TIMEOUT_S
        answer = call(self._session, method, url, headers=sent, body=body, timeout_s=timeout_s, changes=changes)
        self.reference = answer.headers.get("Xero-Correlation-Id")
        self.last_limits = _limits(answer.headers)
        if 200 <= answer.status < 300:
            self._refused_token = ""
            return answer
        raise self._refusal(answer, method, url, token, changes=changes)

    def _refusal(self, answer: Answer, method: str, url: str, token: str, *, changes: bool) -> Exception:
        twice = False
        if token_refused(answer):
            self._tokens.forget()
            twice = self._refused_token not in ("", token)  # another one than before: a fresh one doesn't help
            self._refused_token = token
        what = f"{method} {url.removeprefix(self._root).split('?', 1)[0]}"
        return error_of(answer, what, changes=changes, fresh_token_refused=twice)

    def _envelope(self, answer: Answer, what: str, *, changes: bool) -> Payload:
        document = _document(answer, what, changes=changes)
        if not isinstance(document, dict):
            raise unanswered(f"{what}: no envelope", changes=changes, reference=self.reference)
        with suppress(ValueError):
            self.server_time = parse_xero_time(str(document.get("DateTimeUTC")))
        return document


def _document(answer: Answer, what: str, *, changes: bool) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        reference = answer.headers.get("Xero-Correlation-Id")
        raise unanswered(f"{what}: the answer is not JSON", changes=changes, reference=reference) from error


def _limits(headers: Mapping[str, str]) -> Limits:
    def remaining(name: str) -> int | None:
        text = headers.get(f"X-{name}-Remaining", "")
        return int(text) if text.isdecimal() else None

    return Limits(remaining("MinLimit"), remaining("DayLimit"), remaining("AppMinLimit"))


def _in_chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), IDS_PER_CALL):
        yield distinct[start : start + IDS_PER_CALL]
