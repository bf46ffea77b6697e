"""The classes of failures, from an answer on the wire through our clients to what follows (docs/architecture.md).

Each line is an example of the class; what a class means is said once, in `FOLLOWS`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Literal

import pytest

from clients.dataverse import Change, Changes, Read
from clients.http import call, open_session
from core.errors import ConnectorError, Misconfigured, Rejected, Unknown
from pipeline.verdict import (
    BACKOFF_MAX_S,
    OPEN_AFTER,
    PARK_AFTER,
    STOPPED_S,
    Verdict,
    decide,
    is_open,
    keeps_count,
    kind_of,
)
from tests.unit import dataverse_script, xero_script
from tests.unit.xero_script import problem

Class = Literal["transient", "limited", "finance user", "administrator", "unknown", "read again", "poison"]

READ, WRITE = "read", "write"
WAIT_S = 37.0
HTML = "<html>Bad gateway</html>"
ELEMENT = {"ValidationErrors": [{"Message": "Account code '299' is archived."}], "StatusAttributeString": "ERROR"}


def of_xero(action: str, status: int, document: Any = None, **headers: str) -> Any:
    """What our Xero client makes of this answer: an error, or the elements."""
    world = xero_script.World()
    body = document.encode() if isinstance(document, str) else json.dumps(document).encode() if document else b""
    kind = "text/html" if isinstance(document, str) else "application/json"
    world.script.add(status, body, Content_Type=kind, **headers)
    return _said(lambda: (xero_script.read if action == READ else xero_script.create)(world))


def of_dynamics(action: str, status: int, code: str = "", message: str = "", **headers: str) -> Any:
    """What our Dataverse client makes of this refusal."""
    world = dataverse_script.World()
    world.refuse(status, code, message, **headers)
    path = dataverse_script.ROW
    step = Read(path) if action == READ else Changes((Change("PATCH", path, {"name": "x"}, if_match='W/"1"'),))
    return _said(lambda: world.dataverse.batch([step]))


def _said(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except ConnectorError as error:
        return error


def refused(action: str) -> ConnectorError:
    """What is made of a connection that nobody accepts."""
    with open_session(None) as session:
        method, changes = ("GET", False) if action == READ else ("PUT", True)
        url = "http://127.0.0.1:1/"
        said = _said(lambda: call(session, method, url, headers={}, timeout_s=(1, 1), changes=changes))
    assert isinstance(said, ConnectorError)
    return said


def limited(problem_name: str) -> dict[str, str]:
    return {"X_Rate_Limit_Problem": problem_name, "Retry_After": f"{WAIT_S:.0f}"}


TABLE: tuple[tuple[Class, str, Callable[[], Any]], ...] = (
    ("transient", "connection refused, read", lambda: refused(READ)),
    ("transient", "connection refused, write: it never left", lambda: refused(WRITE)),
    *(("transient", f"Xero {n} on a read", lambda n=n: of_xero(READ, n)) for n in (408, 500, 502, 503, 504)),
    ("transient", "HTML of a gateway instead of JSON, read", lambda: of_xero(READ, 200, HTML)),
    ("transient", "Xero's token has expired, read", lambda: of_xero(READ, 401, problem("TokenExpired", 401))),
    ("transient", "Xero's token has expired, write", lambda: of_xero(WRITE, 401, problem("TokenExpired", 401))),
    ("transient", "the organisation is offline, write", lambda: of_xero(WRITE, 503, "The Organisation is offline")),
    *(("transient", f"Dynamics {n} on a read", lambda n=n: of_dynamics(READ, n)) for n in (500, 502, 503)),
    ("transient", "Dynamics' token has expired", lambda: of_dynamics(WRITE, 401)),
    *(
        ("limited", f"Xero 429 {name}, {action}", lambda n=name, a=action: of_xero(a, 429, **limited(n)))
        for name in ("minute", "day", "concurrent", "appminute")
        for action in (READ, WRITE)
    ),
    *(
        (
            "limited",
            f"Dynamics 429 {code}, {action}",
            lambda code=code, action=action: of_dynamics(action, 429, code, Retry_After=f"{WAIT_S:.0f}"),
        )
        for code in ("0x80072322", "0x80072321", "0x80072326")
        for action in (READ, WRITE)
    ),
    ("finance user", "one document is refused", lambda: of_xero(WRITE, 200, {"Invoices": [ELEMENT]})),
    ("administrator", "Xero 401, no right", lambda: of_xero(READ, 401, problem("AuthorizationUnsuccessful", 401))),
    ("administrator", "Xero 403, disconnected", lambda: of_xero(WRITE, 403, problem("Unsuccessful", 403))),
    ("administrator", "not a user of Dynamics", lambda: of_dynamics(READ, 401, "0x80072560")),
    ("administrator", "a privilege is missing", lambda: of_dynamics(WRITE, 403, "0x80040220", "prvWriteInvoice")),
    *(("unknown", f"Xero {n} on a write", lambda n=n: of_xero(WRITE, n)) for n in (408, 500, 502, 503, 504)),
    ("unknown", "HTML of a gateway instead of JSON, write", lambda: of_xero(WRITE, 200, HTML)),
    ("unknown", "200 without a word, write", lambda: of_xero(WRITE, 200)),
    ("unknown", "not an element for each document", lambda: of_xero(WRITE, 200, {"Invoices": []})),
    *(("unknown", f"Dynamics {n} on a write", lambda n=n: of_dynamics(WRITE, n)) for n in (500, 502, 503)),
    ("read again", "Dynamics 412", lambda: of_dynamics(WRITE, 412, "0x80060882", "The version does not match")),
    ("poison", "400 for the whole call, with elements", lambda: of_xero(WRITE, 400, {"Elements": [ELEMENT]})),
    ("poison", "400 for the whole call", lambda: of_xero(WRITE, 400, {"Message": "A value cannot be read."})),
    ("poison", "404 in HTML for the whole call", lambda: of_xero(WRITE, 404, HTML)),
    ("poison", "413 for the whole call", lambda: of_xero(WRITE, 413)),
    ("poison", "Dynamics refuses the content", lambda: of_dynamics(WRITE, 400, "0x80048408", "Not on my watch")),
    ("poison", "our own defect", lambda: ZeroDivisionError("ours")),
    ("poison", "a wrong key of ours", lambda: Misconfigured("TOKEN_KEYS")),
)  # fmt: skip


def verdict(error: BaseException, *, size: int = 50, starts: int = 1, failures: int = 1) -> Verdict:
    return decide(error, size=size, starts=starts, failures=failures, jitter=random.Random(1))


def waits(error: BaseException) -> None:
    """It stays due for as long as it takes: never put aside, never singled out; the waits grow."""
    for failures, ceiling_s in ((1, 2), (5, 32), (99, BACKOFF_MAX_S)):
        found = verdict(error, size=1, starts=99, failures=failures)
        assert found == Verdict(rest_s=found.rest_s)
        assert ceiling_s / 2 <= found.rest_s <= ceiling_s
    assert not keeps_count(error)
    assert kind_of(error) == "transient"


def follows_transient(error: Any) -> None:
    waits(error)
    assert not isinstance(error, Unknown)


def follows_unknown(error: Any) -> None:
    """As transient for the lane; what makes the difference is the open attempt, which is resolved first."""
    waits(error)
    assert isinstance(error, Unknown)


def follows_limited(error: Any) -> None:
    """The lane rests as long as the vendor says, however often that was, and it is known whose limit it is."""
    for failures in (1, 40):
        assert verdict(error, starts=99, failures=failures) == Verdict(rest_s=WAIT_S)
    assert not keeps_count(error)
    assert kind_of(error) == "limited"
    assert error.side in ("xero", "dynamics")


def follows_administrator(error: Any) -> None:
    """The connection stops; the next try is a probe at once."""
    assert verdict(error, starts=99, failures=7) == Verdict(rest_s=STOPPED_S, stop=True)
    assert not keeps_count(error)
    assert is_open(kind_of(error), 1)


def follows_finance_user(elements: Any) -> None:
    """No failure of the call: each document has its own answer, with Xero's words."""
    (element,) = elements
    assert element.errors == ("Account code '299' is archived.",)


def follows_read_again(error: Any) -> None:
    assert verdict(error) == Verdict()
    assert verdict(error, failures=2).rest_s > 0
    assert not keeps_count(error)


def follows_poison(error: Any) -> None:
    """Singly; then it waits by itself, the lane with it only if nothing else goes; then it is put aside."""
    assert verdict(error) == Verdict(singly=True)
    alone = verdict(error, size=1, starts=PARK_AFTER - 1)
    assert alone == Verdict(later_s=alone.later_s)
    assert alone.later_s > 0
    assert verdict(error, size=1, starts=1, failures=OPEN_AFTER).rest_s > 0
    assert verdict(error, size=1, starts=PARK_AFTER) == Verdict(park=True)
    assert keeps_count(error)
    assert kind_of(error) == "defect"


FOLLOWS: dict[Class, Callable[[Any], None]] = {
    "transient": follows_transient,
    "limited": follows_limited,
    "finance user": follows_finance_user,
    "administrator": follows_administrator,
    "unknown": follows_unknown,
    "read again": follows_read_again,
    "poison": follows_poison,
}


@pytest.mark.parametrize(
    ("named", "make"),
    [(named, make) for named, _, make in TABLE],
    ids=[f"{named}: {what}" for named, what, _ in TABLE],
)
def test_f44_f45_f74_each_example_is_followed_by_what_its_class_says(named: Class, make: Callable[[], Any]) -> None:
    """F30, F44, F45, F46, F62, F74: one attempt of a client each, sorted by who acts next."""
    said = make()
    if isinstance(said, list) and hasattr(said[0], "error") and said[0].error is not None:
        said = said[0].error  # a step of a batch

    FOLLOWS[named](said)


def test_every_class_has_an_example() -> None:
    assert {named for named, _, _ in TABLE} == FOLLOWS.keys()


def test_a_refusal_of_a_whole_call_keeps_xeros_words_for_the_one_that_stands_alone() -> None:
    """What the finance user is told once the culprit goes singly."""
    said = of_xero(WRITE, 400, {"Message": "A value cannot be read."})

    assert isinstance(said, Rejected)
    assert said.messages == ("A value cannot be read.",)
