"""Stands before Xero and sees what our writes do to documents, whether or not their answers arrive."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

from core import columns
from simulators.wire import DroppedConnection
from tests.world import World

PATH = "/api.xro/2.0/Invoices"
LATE_AT_MOST = timedelta(seconds=100)  # an attempt is sent for 5 minutes and closed after 7
OPEN = ("DRAFT", "SUBMITTED")
HEADER = ("Type", "Date", "DueDate", "Reference", "InvoiceNumber", "BrandingThemeID", "LineAmountTypes")
OPEN_FIELDS = {"DueDate", "Reference", "BrandingThemeID"}  # which an invoice may say nothing of
ENDS = (("DRAFT", "DELETED"), ("SUBMITTED", "DELETED"), ("AUTHORISED", "VOIDED"))
NO, FAILED = columns.EXPORT_STATUS["No"], columns.EXPORT_STATUS["Failed"]


def content_of(document: dict[str, Any]) -> dict[str, str]:
    """Return what a person or we can change of a document, all of its lines as one thing."""
    names = (*HEADER, "CurrencyCode", "Url", "LineItems")
    return {"Contact": document["Contact"]["ContactID"]} | {name: repr(document.get(name)) for name in names}


@dataclass
class Guard:
    """What we wrote last (`ours`) and read last (`seen`) of each document, how often we changed it, what was wrong.

    A person's change that fell between our reading and our writing cannot be told from none: Xero takes no
    condition on a write. `delays`: the next call that creates arrives late, as far as that is to be expected.
    `thaws`: a worker may wake up at its call, long after others have gone on without it.
    """

    world: World
    ours: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: dict[str, dict[str, str]] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    delays: bool = False
    thaws: bool = False
    late: list[tuple[datetime, dict[str, Any], bytes, bool]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)  # the attempt of each Idempotency-Key
    agreed: dict[str, set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )  # what rows said since our last write
    too_late: set[str] = field(default_factory=set)  # documents made by who woke up too late
    written_late: set[str] = field(default_factory=set)  # which the last write to was of such a one
    _is_arriving_late: bool = False
    _was_thawed: bool = False

    def __post_init__(self) -> None:
        self._app: Callable[..., Iterable[bytes]] = self.world.xero.wire._app
        self.world.xero.wire._app = self._watch
        self._go: Callable[..., None] = self.world.pass_time
        self.world.pass_time = self._pass_time

    def documents(self) -> dict[str, dict[str, Any]]:
        organisations = self.world.xero.organisations.values()
        return {key: row for organisation in organisations for key, row in organisation.invoices.items()}

    def is_as_we_left_it(self, xero_id: str) -> bool:
        return self.ours.get(xero_id) == content_of(self.documents()[xero_id])

    def _pass_time(self, **delta: float) -> None:
        """Let late calls arrive on their way through time; nobody hears their answers."""
        until = self.world.clock.now() + timedelta(**delta)
        while self.late and self.late[0][0] <= until:
            arrives_at, environ, body, self._was_thawed = self.late.pop(0)
            self._go(seconds=(arrives_at - self.world.clock.now()).total_seconds())
            self._is_arriving_late = True
            list(self._carry(environ | {"wsgi.input": BytesIO(body)}, lambda *_: None))
            self._is_arriving_late = False
        self._go(seconds=(until - self.world.clock.now()).total_seconds())

    def _hold_back(self, environ: dict[str, Any]) -> None:
        self.delays = False
        arrives_at = self.world.clock.now() + LATE_AT_MOST
        self.late.append((arrives_at, dict(environ), environ["wsgi.input"].read(), self.thaws))
        raise DroppedConnection("no answer yet")

    def _watch(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return self._app(environ, start_response)
        if self.delays and environ["REQUEST_METHOD"] == "PUT":
            self._hold_back(environ)
        return self._carry(environ, start_response)

    def _carry(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT" and not self.thaws and not self._is_arriving_late:
            self._note_key(environ)
        before = {key: (row["Status"], content_of(row)) for key, row in self.documents().items()}
        answer = self._app(environ, start_response)
        if environ["REQUEST_METHOD"] == "GET":
            (ids,) = parse_qs(environ.get("QUERY_STRING", "")).get("IDs", [""])
            read = {key: content for key, (_, content) in before.items() if key in ids or not ids}
            self.seen |= read
            self._note_agreed(read)
            return answer
        for key, row in self.documents().items():
            content = content_of(row)
            if key not in before or before[key][1] != content or before[key][0] != row["Status"]:
                is_late = key not in before and self.thaws
                is_end = self._is_second(row) or self._is_ending(key)  # of an invoice that is gone, Failed or not
                if FAILED in self._statuses_of(row) and not is_late and not is_end:
                    self.wrong.append(f"{key}: written although its invoice is Failed")
                self._note(key, row, before.get(key))
                # What is late by less than an attempt is waited for makes no second document either.
                is_excused = self._was_thawed if self._is_arriving_late else self.thaws
                if key not in before and not is_excused and self._has_twin(row):
                    self.wrong.append(f"{key}: made although another document of its invoice lives")
                (self.written_late.add if is_excused else self.written_late.discard)(key)
                self.too_late |= {key} if is_late else set()
                self.agreed[key].clear()
                self.ours[key] = self.seen[key] = content
                self.writes[key] += 1
        return answer

    def _note(self, key: str, row: dict[str, Any], before: tuple[str, dict[str, str]] | None) -> None:
        if before is None:
            return
        status, content = before
        is_end = (status, row["Status"]) in ENDS and (self._is_ending(key) or self.thaws)
        if (status not in OPEN or row["Status"] != status) and not is_end and not self._is_second(row):
            self.wrong.append(f"{key}: {status} became {row['Status']}, changed by us")
        theirs = {name for name, value in content.items() if value != self.ours[key][name]}
        if self._is_heir(content["Contact"], self.ours[key]["Contact"]):
            theirs.discard("Contact")  # who merges contacts changes no document: all of them go along (rule C22)
        lost = {name for name in theirs if content_of(row)[name] != content[name]}
        # What says the same on both sides is agreed, and with it what Dynamics left open then (decision 0010).
        is_agreed_anew = len(self.agreed[key]) > 1 and lost <= OPEN_FIELDS
        if lost and content == self.seen.get(key) and NO not in self._statuses_of(row) and not is_agreed_anew:
            self.wrong.append(f"{key}: what a person had changed was overwritten: {lost}")

    def _is_heir(self, contact_id: str, merged_id: str) -> bool:
        organisations = self.world.xero.organisations.values()
        contacts = {key: row for organisation in organisations for key, row in organisation.contacts.items()}
        while merged_id in contacts and merged_id != contact_id:
            merged_id = contacts[merged_id].get("MergedToContactID") or ""
        return merged_id == contact_id

    def _note_agreed(self, read: Container[str]) -> None:
        for row in self.world.dynamics.rows(columns.DETAILS.set_name):
            key, agreed = row["stl3_xeroinvoiceid"], (row["stl3_agreeddocument"] or "").split(":")
            if key in read and agreed[1:2] != [""]:
                self.agreed[key] |= set(agreed[1:2])

    def _note_key(self, environ: dict[str, Any]) -> None:
        """One key, one attempt: else Xero answers with what an earlier one was told."""
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = BytesIO(body)
        rows = self.world.dynamics.rows(columns.DETAILS.set_name)
        mine = [row for row in rows if row["stl3_dynamicsinvoiceid"].encode() in body]
        started = {row["stl3_attemptstarted"] for row in mine} - {None}
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        if len(started) == 1:
            (attempt,) = started
            if self.keys.setdefault(key, attempt) != attempt:
                self.wrong.append(f"the attempt of {attempt} has the key of the one of {self.keys[key]}")

    def _has_twin(self, document: dict[str, Any]) -> bool:
        """Whether another document of the same invoice lives, whose place this one does not take (rule E8)."""
        rows = self.world.dynamics.rows(columns.DETAILS.set_name)
        mine = [row for row in rows if row["stl3_dynamicsinvoiceid"] in (document["Url"] or "")]
        earlier = {key for row in mine for key in (row["stl3_earlierdocuments"] or "").split()}
        return any(
            row["Url"] == document["Url"] and row["Status"] not in ("DELETED", "VOIDED") and key not in earlier
            for key, row in self.documents().items()
            if key != document["InvoiceID"] and key not in self.too_late  # a person was told of that one
        )

    def _is_ending(self, key: str) -> bool:
        """Whether its row says that it is being deleted or voided, as its invoice ended (rules E1, E4)."""
        rows = self.world.dynamics.rows(columns.DETAILS.set_name)
        doing = [row["stl3_cancelling"] or "" for row in rows if row["stl3_xeroinvoiceid"] == key]
        return any(words.startswith(("delete ", "void ")) for words in doing)

    def _is_second(self, document: dict[str, Any]) -> bool:
        """Whether it was deleted as a second document: another one of its invoice lives, the one on the row."""
        rows = self.world.dynamics.rows(columns.DETAILS.set_name)
        named = [
            row["stl3_xeroinvoiceid"] for row in rows if row["stl3_dynamicsinvoiceid"] in (document["Url"] or "")
        ]
        living = [key for key, row in self.documents().items() if row["Status"] not in ("DELETED", "VOIDED")]
        return document["Status"] == "DELETED" and document["InvoiceID"] not in named and set(named) <= set(living)

    def _statuses_of(self, document: dict[str, Any]) -> list[int]:
        """Return the export status that Dynamics has of this document's invoice."""
        rows = self.world.dynamics.rows(columns.DETAILS.set_name)
        return [row["stl3_exportstatus"] for row in rows if row["stl3_dynamicsinvoiceid"] in (document["Url"] or "")]
