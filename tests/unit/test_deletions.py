"""How a deletion in Dynamics is proved, by what Dynamics answers to a look at each invoice by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from urllib.parse import unquote

import fakeredis
import pytest

from clients.xero import Xero
from core.errors import ConnectorError, Disconnected, Limited, Transient
from core.invoice import Invoice
from pipeline.deletion_guard import words
from pipeline.deletions import LOOK_AGAIN_AFTER, prove_deleted, relink
from pipeline.memory import Memory
from pipeline.outcomes import Present, Report
from pipeline.tools import Tools
from tests.unit.batch_answers import http_part, nested
from tests.unit.dataverse_script import World, refusal
from tests.unit.made import CONNECTION_ID, INVOICE_ID, NOON, connection, details, invoice

ANOTHER = "22222222-2222-4222-8222-222222222223"
NOT_THERE = (404, "0x80040217", "invoice With Id = x Does Not Exist")
NOT_READABLE = (403, "0x80040220", "Principal user is missing prvReadInvoice privilege")
NO_ROWS = '{"value": []}'


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def report() -> Report:
    return Report()


@pytest.fixture
def tools(world: World) -> Tools:
    memory = Memory(fakeredis.FakeRedis(decode_responses=True), CONNECTION_ID)
    nothing_of_xero = cast(Xero, None)
    return Tools(connection(), nothing_of_xero, world.dataverse, memory, lambda: NOON, "https://connector.example")


def missing(invoice_id: str = INVOICE_ID, *, is_linked: bool = False, **different: Any) -> Present:
    """An exported invoice that Dynamics has not listed, its details row without the name of an invoice."""
    linked_to = invoice_id if is_linked else ""
    row = {"xero_invoice_id": "x-1", "linked_to": linked_to, "export_status": "Yes"} | different
    return Present(invoice_id, None, details(invoice_id=invoice_id, **row))


def refused(status: int, code: str, message: str = "") -> str:
    return http_part(status, refusal(code, message))


def shown(invoice_id: str = INVOICE_ID) -> str:
    return http_part(200, json.dumps({"invoiceid": invoice_id}))


def written() -> str:
    return nested(http_part(204, "", "Content-ID: 1"))


def asked(world: World, call: int = 0) -> list[str]:
    """The reads and writes of a batch."""
    body = unquote((world.script.sent[call].body or b"").decode())
    return [line for line in body.splitlines() if line.endswith(" HTTP/1.1")]


def test_a_row_without_invoice_and_an_answer_that_there_is_none_prove_it(
    world: World, tools: Tools, report: Report
) -> None:
    """Rule E1: both proofs; each invoice is asked for by itself, all in one call."""
    world.say_batch(refused(*NOT_THERE), refused(*NOT_THERE))
    world.say_batch(http_part(200, NO_ROWS), http_part(200, NO_ROWS))

    assert prove_deleted(tools, [missing(), missing(ANOTHER)], report) == {INVOICE_ID, ANOTHER}

    assert asked(world) == [
        f"GET /api/data/v9.2/invoices({each})?$select=invoiceid HTTP/1.1" for each in (INVOICE_ID, ANOTHER)
    ]
    assert report.again == {}


@pytest.mark.parametrize(
    "present",
    [
        Present(INVOICE_ID, invoice(), details(xero_invoice_id="x-1")),
        Present(INVOICE_ID, None, None),
        missing(xero_invoice_id=""),
        missing(connection_id="another"),
    ],
    ids=["lives", "no details", "not exported", "another connection's"],
)
def test_what_cannot_be_a_deletion_is_not_asked_for(
    world: World, tools: Tools, report: Report, present: Present
) -> None:
    assert prove_deleted(tools, [present], report) == set()
    assert world.script.sent == []


def test_a_row_that_still_names_its_invoice_was_read_before_the_deletion(
    world: World, tools: Tools, report: Report
) -> None:
    """One proof is none: it is looked at again a little later, not at once and for ever."""
    world.say_batch(refused(*NOT_THERE))

    assert prove_deleted(tools, [missing(is_linked=True)], report) == set()
    assert report.again == {INVOICE_ID: NOON + LOOK_AGAIN_AFTER}


def test_an_invoice_that_came_back_is_looked_at_again(world: World, tools: Tools, report: Report) -> None:
    """It was not listed, and is there now."""
    world.say_batch(shown())

    assert prove_deleted(tools, [missing(is_linked=True)], report) == set()
    assert report.again == {INVOICE_ID: NOON + timedelta(minutes=5)}


def test_an_invoice_that_was_restored_gets_its_link_back(world: World, tools: Tools, report: Report) -> None:
    """Dynamics does not give back the links that a deletion removed."""
    world.say_batch(shown())
    world.say_batch(written())

    assert prove_deleted(tools, [missing()], report) == set()

    assert asked(world, 1)[0].startswith(
        f"PATCH /api/data/v9.2/stl3_xerodetailses(stl3_dynamicsinvoiceid='{INVOICE_ID}')"
    )
    body = (world.script.sent[1].body or b"").decode()
    assert 'If-Match: W/"1"' in body
    assert f'"stl3_Invoice@odata.bind":"/invoices({INVOICE_ID})"' in body.replace('": ', '":')
    assert report.again == {INVOICE_ID: NOON}


@pytest.mark.parametrize(
    "answer",
    [
        NOT_READABLE,
        (403, "0x80048306", "not enough privilege"),
        (404, "0x8006088a", "Resource not found for the segment 'invoices'."),
        (404, "", ""),
        (400, "0x80040203", "not a guid"),
    ],
    ids=["no privilege", "no access", "no such table", "no code", "refused"],
)
@pytest.mark.parametrize("is_linked", [True, False])
def test_an_invoice_that_we_are_not_shown_is_no_deletion(
    world: World, tools: Tools, report: Report, answer: tuple[int, str, str], *, is_linked: bool
) -> None:
    """A right was lost: the connection stops and says so, for whatever others were deleted as well."""
    world.say_batch(refused(*NOT_THERE), refused(*answer))

    with pytest.raises(Disconnected, match="does not show the connector an invoice that is in Xero") as raised:
        prove_deleted(tools, [missing(), missing(ANOTHER, is_linked=is_linked)], report)

    assert ("prvReadInvoice" in str(raised.value)) is (answer == NOT_READABLE)


@pytest.mark.parametrize(
    ("status", "error"), [(503, Transient), (401, Transient), (429, Limited)], ids=["away", "token", "limit"]
)
def test_trouble_proves_nothing(
    world: World, tools: Tools, report: Report, status: int, error: type[ConnectorError]
) -> None:
    world.say_batch(refused(status, "0x1", "later"))

    with pytest.raises(error):
        prove_deleted(tools, [missing()], report)


def test_nothing_is_counted_while_the_connection_is_paused(world: World, tools: Tools, report: Report) -> None:
    """Nothing is about to be done, and a pause must not become a stop."""
    world.say_batch(refused(*NOT_THERE))

    paused = replace(tools, connection=connection(state="paused"))

    assert prove_deleted(paused, [missing()], report) == {INVOICE_ID}
    assert len(world.script.sent) == 1


# -- links that people remove --------------------------------------------------------------------------------------


def unlinked(of: Invoice | None = None, **different: Any) -> Present:
    return Present(INVOICE_ID, of or invoice(), details(xero_invoice_id="x-1", linked_to="", **different))


def test_only_rows_that_have_lost_the_name_of_a_living_invoice_are_mended(
    world: World, tools: Tools, report: Report
) -> None:
    """Nothing is asked for the others, which are all but all."""
    linked = Present(INVOICE_ID, invoice(), details(xero_invoice_id="x-1"))
    nobodys = Present(INVOICE_ID, invoice(), None)

    assert relink(tools, [linked, nobodys, missing(), unlinked(connection_id="another")], report) == set()
    assert world.script.sent == []

    world.say_batch(written())
    assert relink(tools, [unlinked()], report) == {INVOICE_ID}
    assert report.again == {INVOICE_ID: NOON}


@pytest.mark.parametrize(
    ("answer", "again"),
    [((412, "0x80060882", "moved"), {INVOICE_ID: NOON}), (NOT_THERE, {INVOICE_ID: NOON + LOOK_AGAIN_AFTER})],
    ids=["row moved", "deleted meanwhile"],
)
def test_a_link_that_moved_meanwhile_is_read_again(
    world: World, tools: Tools, report: Report, answer: tuple[int, str, str], again: dict[str, Any]
) -> None:
    world.say_batch(refused(*answer))

    assert relink(tools, [unlinked()], report) == {INVOICE_ID}
    assert report.again == again


def test_a_link_that_dynamics_refuses_holds_nothing_up(world: World, tools: Tools, report: Report) -> None:
    """A plug-in forbids it, say: the invoice is worked on as it is."""
    world.say_batch(refused(400, "0x80040265", "not allowed"))

    assert relink(tools, [unlinked()], report) == set()
    assert report.again == {}


def test_a_right_that_is_missing_to_mend_a_link_stops_the_connection(
    world: World, tools: Tools, report: Report
) -> None:
    world.say_batch(refused(403, "0x80040220", "missing prvAppendToInvoice"))

    with pytest.raises(Disconnected, match="prvAppendToInvoice"):
        relink(tools, [unlinked()], report)


# -- what is said --------------------------------------------------------------------------------------------------


def test_the_words_say_how_many_what_was_not_done_and_what_to_do() -> None:
    """The owner reads them in Dynamics, without knowing the connector."""
    text = words(12, "c-1")

    assert text.startswith("12 invoices that are in Xero were deleted in Dynamics.")
    assert "nothing was done in Xero for them" in text
    assert "`connector deletions confirm c-1`" in text
    assert "restore the invoices in Dynamics" in text
    assert words(1, "c-1").startswith("1 invoice that is in Xero was deleted")
