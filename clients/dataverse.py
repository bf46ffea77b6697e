"""The Dataverse client: one environment, one attempt a call, rows as the Web API's JSON with exact decimals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from clients.batch import Change, Changes, Part, Read, Step, is_batch, read_answer, write_request
from clients.dataverse_errors import error_of, token_refused
from clients.http import READ_TIMEOUT_S, WRITE_TIMEOUT_S, Answer, Payload, Seconds, call, unanswered
from clients.odata import fetch_page, key_path, next_cookie, odata_in, rows_path, tagged, text_literal
from clients.tokens import Tokens
from core import money
from core.errors import ConnectorError, Rejected, Transient

__all__ = [
    "Change",
    "Changes",
    "Dataverse",
    "Outcome",
    "Payload",
    "Read",
    "key_path",
    "odata_in",
    "rows_path",
    "text_literal",
]

PAGE_ROWS = 1000  # Dataverse gives 5,000 unasked: with wide rows more than we want to hold at once
_ANNOTATIONS = tuple(
    f"Microsoft.Dynamics.CRM.{name}" for name in ("lookuplogicalname", "fetchxmlpagingcookie", "morerecords")
)
_LABELS = "OData.Community.Display.V1.FormattedValue"
_PREFER_ROW = f'odata.include-annotations="{",".join(_ANNOTATIONS)}"'
_GUID = re.compile(r"\(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)")
_COOKIE = "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"
_MORE = "@Microsoft.Dynamics.CRM.morerecords"
_NEXT = "@odata.nextLink"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one step of a batch.

    A Read: `rows`. Changes: `ids` and `representations`, one a change (None where Dataverse named no id or no row
    was asked for). Either: `error`, and then none of the step's changes was made, except after Unknown.
    """

    rows: tuple[Payload, ...] = ()
    ids: tuple[str | None, ...] = ()
    representations: tuple[Payload | None, ...] = ()
    error: ConnectorError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


class Dataverse:
    """Calls to one Dynamics environment; `url` has no slash at the end. `server_time` is what it last said (UTC).

    Every method raises Transient, Limited, Disconnected or Rejected. Writes raise Unknown when no trustworthy
    answer came: update, upsert and a batch of these may simply be repeated, create may not. Lookups come with
    `_x_value@Microsoft.Dynamics.CRM.lookuplogicalname`.
    """

    def __init__(self, session: requests.Session, tokens: Tokens, *, url: str) -> None:
        self._session = session
        self._tokens = tokens
        self._url = f"{url}/api/data/v9.2/"
        self._refused_token = ""
        self.server_time: datetime | None = None

    @property
    def url(self) -> str:
        """The address of the Web API, with a slash at the end."""
        return self._url

    def who_am_i(self) -> Payload:
        """Return UserId (who our own writes are by), OrganizationId and BusinessUnitId."""
        return self._read(self._url + "WhoAmI", _PREFER_ROW)

    def get(self, set_name: str, row_id: str, *, select: str, expand: str = "") -> Payload:
        """Return one row. Raises Rejected with status 404 and its code when there is none."""
        query = {"$select": select} | ({"$expand": expand} if expand else {})
        return self._read(self._url + rows_path(key_path(set_name, row_id), query), _PREFER_ROW)

    def find(self, set_name: str, key: Mapping[str, str] | str, *, select: str, expand: str = "") -> Payload | None:
        """Return one row by id or alternate key, or None if there is none."""
        query = {"$select": select} | ({"$expand": expand} if expand else {})
        try:
            return self._read(self._url + rows_path(key_path(set_name, key), query), _PREFER_ROW)
        except Rejected as error:
            if error.status == 404 and error.code:  # without a code it isn't about the row
                return None
            raise

    def list_rows(self, set_name: str, query: Mapping[str, str]) -> Iterator[Payload]:
        """Yield the rows of a query (`$filter`, `$select`… not yet URL-encoded), page after page."""
        path = rows_path(set_name, query)
        yield from self._follow(self._url + path, _prefer_for(Read(path)))

    def fetch(self, set_name: str, fetch_xml: str) -> Iterator[Payload]:
        """Yield the rows of a FetchXML query, page after page; columns of links under `alias.column`."""
        page, cookie = 1, None
        while True:
            query = {"fetchXml": fetch_page(fetch_xml, page, cookie, PAGE_ROWS)}
            answer = self._read(self._url + rows_path(set_name, query), _PREFER_ROW)
            yield from _rows(answer)
            if not answer.get(_MORE):
                return
            page, cookie = page + 1, next_cookie(str(answer.get(_COOKIE) or ""))

    def create(self, set_name: str, row: Payload) -> str:
        """Create a row; return its id. Not repeatable."""
        answer = self._write("POST", set_name, row, {})
        created = _created_id(answer)
        if created is None:
            raise unanswered(f"POST {set_name}: no id in the answer", changes=True)
        return created

    def update(self, set_name: str, row_id: str, row: Payload, *, if_match: str = "*") -> None:
        """Change columns of a row that exists. Raises Conflict if it isn't at `if_match` any more, Rejected (404)."""
        # Without If-Match Dataverse would make a deleted row anew.
        self._write("PATCH", key_path(set_name, row_id), row, {"If-Match": if_match})

    def upsert(self, set_name: str, key: Mapping[str, str] | str, row: Payload) -> None:
        """Change the row of this key, or create it."""
        self._write("PATCH", key_path(set_name, key), row, {})

    def read(self, path: str) -> Payload:
        """Return what a path answers that is no row: metadata, a function. `path` is URL-encoded."""
        return self._read(self._url + path, _PREFER_ROW)

    def perform(self, path: str, parameters: Payload, *, timeout_s: Seconds = WRITE_TIMEOUT_S) -> Payload:
        """Post to an action, a metadata set or a reference; return the answer, empty where there is none.

        Raises Unknown when no trustworthy answer came. Whether it may be repeated depends on what it does.
        """
        headers = {"Content-Type": "application/json; charset=utf-8"}
        body = money.dumps(parameters)
        answer = self._call("POST", self._url + path, headers, body=body, timeout_s=timeout_s, changes=True)
        return _document(answer, f"POST {path}", changes=True) if answer.body else {}

    def delete(self, set_name: str, row_id: str, *, timeout_s: Seconds = WRITE_TIMEOUT_S) -> None:
        """Delete a row; that there is none is as good."""
        try:
            self._call("DELETE", self._url + key_path(set_name, row_id), {}, timeout_s=timeout_s, changes=True)
        except Rejected as error:
            if error.status != 404 or not error.code:
                raise

    def batch(self, steps: Sequence[Step]) -> list[Outcome]:
        """Do the steps in one call (at most 1,000 operations); return what became of each, in order.

        A refused step does not stop the others. A Read with more pages is followed by further calls. Raises only
        when the batch as a whole failed; Unknown then if it had changes.
        """
        if not steps:
            return []
        changes = any(isinstance(step, Changes) for step in steps)
        request = write_request(self._url, steps, prefer_for=_prefer_for)
        headers = {"Content-Type": request.content_type, "Prefer": "odata.continue-on-error"}
        answer = self._call(
            "POST", self._url + "$batch", headers, body=request.body, changes=changes, is_fine=is_batch
        )
        try:
            parts, is_complete = read_answer(answer)
        except ValueError as error:
            raise unanswered("POST $batch: the answer is not a batch", changes=changes) from error
        return list(self._outcomes(steps, parts, is_complete=is_complete))

    def _outcomes(self, steps: Sequence[Step], parts: Sequence[Part], *, is_complete: bool) -> Iterator[Outcome]:
        stopped = is_complete and bool(parts) and _refused(parts[-1]) is not None
        for number, step in enumerate(steps):
            changes = isinstance(step, Changes)
            if number < len(parts):
                yield self._outcome(step, parts[number])
            elif stopped:
                yield Outcome(error=Transient("POST $batch: not begun, as a step before it was refused"))
            else:
                yield Outcome(error=unanswered("POST $batch: no answer to this step", changes=changes))

    def _outcome(self, step: Step, part: Part) -> Outcome:
        changes = isinstance(step, Changes)
        try:
            if refused := _refused(part):
                if token_refused(refused):
                    self._tokens.forget()
                return Outcome(error=error_of(refused, f"$batch {_title(step)}", changes=changes))
            if isinstance(step, Read):
                return Outcome(rows=tuple(self._all_rows(part.answers[0], _prefer_for(step))))
            return _done(step, part)
        except ConnectorError as error:
            return Outcome(error=error)

    def _all_rows(self, answer: Answer, prefer: str) -> Iterator[Payload]:
        document = _document(answer, "$batch GET", changes=False)
        yield from _rows(document)
        if _NEXT in document:
            yield from self._follow(document[_NEXT], prefer)

    def _follow(self, url: str | None, prefer: str) -> Iterator[Payload]:
        while url:
            if not url.startswith(self._url):  # our token goes nowhere else, whatever an answer says
                raise unanswered("GET: the next page lies elsewhere", changes=False)
            document = self._read(url, prefer)
            yield from _rows(document)
            url = document.get(_NEXT)

    def _read(self, url: str, prefer: str) -> Payload:
        # If-None-Match keeps caches on the way from answering.
        answer = self._call("GET", url, {"Prefer": prefer, "If-None-Match": "null"}, changes=False)
        return _document(answer, "GET", changes=False)

    def _write(self, method: str, path: str, row: Payload, headers: Mapping[str, str]) -> Answer:
        sent = {"Content-Type": "application/json; charset=utf-8", **headers}
        return self._call(method, self._url + tagged(path), sent, body=money.dumps(row), changes=True)

    def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        timeout_s: Seconds | None = None,
        changes: bool,
        is_fine: Callable[[Answer], bool] = lambda _answer: False,
    ) -> Answer:
        token = self._tokens.get()
        sent = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "OData-MaxVersion": "4.0",
            "OData-Version": "4.0",
            **headers,
        }
        timeout_s = timeout_s or (WRITE_TIMEOUT_S if method != "GET" else READ_TIMEOUT_S)
        answer = call(self._session, method, url, headers=sent, body=body, timeout_s=timeout_s, changes=changes)
        if 200 <= answer.status < 300 or is_fine(answer):
            self._refused_token = ""
            self.server_time = _date_of(answer) or self.server_time
            return answer
        twice = False
        if token_refused(answer):
            self._tokens.forget()
            twice = self._refused_token not in ("", token)  # another one than before: a fresh one doesn't help
            self._refused_token = token
        what = f"{method} {url.removeprefix(self._url).split('?', 1)[0]}"
        raise error_of(answer, what, changes=changes, fresh_token_refused=twice)


def _date_of(answer: Answer) -> datetime | None:
    """Return the answer's date, to the second."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None


def _prefer_for(read: Read) -> str:
    annotations = (*_ANNOTATIONS, _LABELS) if read.labels else _ANNOTATIONS
    prefer = f'odata.include-annotations="{",".join(annotations)}"'
    in_one_piece = read.path.startswith("EntityDefinitions")  # metadata has no pages
    if in_one_piece or "$top=" in read.path or "fetchXml=" in read.path:  # Dataverse refuses these two with a size
        return prefer
    return f"{prefer},odata.maxpagesize={PAGE_ROWS}"


def _done(step: Changes, part: Part) -> Outcome:
    if len(part.answers) != len(step.changes):
        raise unanswered("$batch: not one answer for each change", changes=True)
    return Outcome(
        ids=tuple(_created_id(answer) for answer in part.answers),
        representations=tuple(
            _document(answer, "$batch", changes=True) if answer.body else None for answer in part.answers
        ),
    )


def _refused(part: Part) -> Answer | None:
    return next((answer for answer in part.answers if not 200 <= answer.status < 300), None)


def _title(step: Step) -> str:
    if isinstance(step, Read):
        return f"GET {step.path.split('?', 1)[0]}"
    return ", ".join(dict.fromkeys(f"{change.method} {change.path.split('(', 1)[0]}" for change in step.changes))


def _created_id(answer: Answer) -> str | None:
    found = _GUID.search(answer.headers.get("OData-EntityId", ""))
    return found[1].lower() if found else None


def _rows(document: Payload) -> list[Payload]:
    """Return the rows of a list, or the one row of an answer that is no list."""
    if "value" not in document:
        return [document]
    rows = document["value"]
    if not isinstance(rows, list):
        raise unanswered("GET: no rows in the answer", changes=False)
    return rows


def _document(answer: Answer, what: str, *, changes: bool) -> Payload:
    try:
        document = answer.json()
    except ValueError as error:
        raise unanswered(f"{what}: the answer is not JSON", changes=changes) from error
    if not isinstance(document, dict):
        raise unanswered(f"{what}: the answer is no object", changes=changes)
    return document
