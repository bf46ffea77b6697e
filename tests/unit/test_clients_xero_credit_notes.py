"""Credit notes of the Xero client against a script of answers: what goes out, and what each answer becomes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from clients.xero import Element
from core.errors import Rejected, Transient, Unknown
from tests.unit.xero_script import ZERO_ID, World

NOTE, OTHER = "249f15fa-f2a7-4acc-8769-0984103f2225", "349f15fa-f2a7-4acc-8769-0984103f2225"
INVOICE = "ed255415-e141-4150-aab7-89c3bbbb851c"


@pytest.fixture
def world() -> World:
    return World()


def note(note_id: str = NOTE, **fields: Any) -> dict[str, Any]:
    return {
        "CreditNoteID": note_id,
        "ID": note_id,
        "CreditNoteNumber": f"CN-{note_id[:1]}",
        "StatusAttributeString": "OK",
    } | fields


def applied(**fields: Any) -> dict[str, Any]:
    """An allocation as Xero answers: it bears no status and, in the published example, no id."""
    return {
        "Amount": 40.2,
        "Date": "/Date(1774396800000+0000)/",
        "Invoice": {"InvoiceID": INVOICE, "HasErrors": False, "ValidationErrors": []},
        "CreditNote": {"CreditNoteID": NOTE, "ID": NOTE, "LineItems": []},
        "ValidationErrors": [],
    } | fields


def allocate(world: World) -> Element:
    return world.xero.allocate_credit_note(NOTE, invoice_id=INVOICE, amount=Decimal("40.20"), dated=date(2026, 3, 25))


def test_notes_are_created_by_a_put_with_their_key(world: World) -> None:
    world.say({"CreditNotes": [note()]})

    (element,) = world.xero.create_credit_notes([{"Type": "ACCRECCREDIT", "Total": Decimal("0.10")}], key="k1")

    sent = world.script.sent[0]
    assert element.ok
    assert (sent.method, urlsplit(sent.url).path) == ("PUT", "/api.xro/2.0/CreditNotes")
    assert world.query() == {"summarizeErrors": "false", "unitdp": "4"}
    assert sent.body == b'{"CreditNotes":[{"Total":0.10,"Type":"ACCRECCREDIT"}]}'
    assert sent.headers["Idempotency-Key"] == "k1"


def test_notes_are_changed_by_a_post_without_key(world: World) -> None:
    world.say({"CreditNotes": [note(Status="AUTHORISED")]})

    (element,) = world.xero.update_credit_notes([{"CreditNoteID": NOTE, "Status": "AUTHORISED"}])

    sent = world.script.sent[0]
    assert element.document["Status"] == "AUTHORISED"
    assert (sent.method, urlsplit(sent.url).path) == ("POST", "/api.xro/2.0/CreditNotes")
    assert world.query() == {"summarizeErrors": "false", "unitdp": "4"}
    assert "Idempotency-Key" not in sent.headers


def test_a_change_that_names_no_note_never_leaves_the_house(world: World) -> None:
    with pytest.raises(AssertionError):
        world.xero.update_credit_notes([{"CreditNoteNumber": "CN-1", "Status": "AUTHORISED"}])

    assert world.script.sent == []


def test_one_refused_note_stands_alone(world: World) -> None:
    refused = note(ZERO_ID, StatusAttributeString="ERROR", ValidationErrors=[{"Message": "Not unique."}])
    world.say({"CreditNotes": [note(), refused]})

    first, second = world.xero.create_credit_notes([{}, {}], key="k1")

    assert first.ok
    assert second.errors == ("Not unique.",)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="too few"),
        pytest.param([note(OTHER), note()], id="another order by id"),
        pytest.param([note(ZERO_ID), note(OTHER)], id="OK without id"),
        pytest.param(None, id="none"),
    ],
)
def test_notes_that_cannot_be_matched_are_unknown(world: World, found: Any) -> None:
    world.say({"CreditNotes": found})

    with pytest.raises(Unknown):
        world.xero.update_credit_notes([{"CreditNoteID": NOTE}, {"CreditNoteID": OTHER}])


def test_new_notes_are_told_apart_by_their_numbers(world: World) -> None:
    world.say({"CreditNotes": [note(OTHER, CreditNoteNumber="CN-B"), note(CreditNoteNumber="CN-A")]})

    with pytest.raises(Unknown):
        world.xero.create_credit_notes([{"CreditNoteNumber": "CN-A"}, {"CreditNoteNumber": "CN-B"}], key="k1")


def test_two_notes_of_bills_may_have_the_same_number(world: World) -> None:
    world.say({"CreditNotes": [note(CreditNoteNumber="CN-A"), note(OTHER, CreditNoteNumber="CN-A")]})

    elements = world.xero.create_credit_notes([{"CreditNoteNumber": "CN-A"}] * 2, key="k1")

    assert [element.document["CreditNoteID"] for element in elements] == [NOTE, OTHER]


# -- looking ---------------------------------------------------------------------------------------------


def test_notes_are_looked_for_by_number_and_by_id_in_one_call(world: World) -> None:
    world.say({"CreditNotes": [note(), note(OTHER), note()]})

    found = list(world.xero.list_credit_notes(numbers=["CN-1", "", "CN-1"], ids=[NOTE.upper(), ""]))

    assert [each["CreditNoteID"] for each in found] == [NOTE, OTHER]
    assert world.query() == {
        "where": f'CreditNoteID==Guid("{NOTE}") OR CreditNoteNumber=="CN-1"',
        "order": "CreditNoteID ASC",
        "page": "1",
        "pageSize": "1000",
        "unitdp": "4",
    }


def test_nothing_to_look_for_no_call(world: World) -> None:
    """A row may bear what is no id at all, and no note has it."""
    assert list(world.xero.list_credit_notes(numbers=["", " "], ids=["", 'x") OR ("'])) == []
    assert world.script.sent == []


def test_a_quote_in_a_number_does_not_end_it(world: World) -> None:
    world.say({"CreditNotes": []})

    list(world.xero.list_credit_notes(numbers=['CN-3" pipe']))

    assert world.query()["where"] == (
        '(CreditNoteNumber!=null AND CreditNoteNumber.Contains("CN-3") AND CreditNoteNumber.Contains(" pipe"))'
    )


def test_many_notes_are_looked_for_in_calls_that_fit_a_url_and_each_comes_once(world: World) -> None:
    numbers = [f"CN-INV-{n:05d}-ABCDEF" for n in range(120)]
    for _ in range(10):
        world.say({"CreditNotes": [note(), note(OTHER)]})

    found = list(world.xero.list_credit_notes(numbers=numbers))

    asked = " OR ".join(world.query(n)["where"] for n in range(len(world.script.sent)))
    assert asked == " OR ".join(f'CreditNoteNumber=="{number}"' for number in numbers)
    assert len(found) == 2
    assert max(len(sent.url) for sent in world.script.sent) < 2300


def test_all_pages_are_read(world: World) -> None:
    block = {"page": 1, "pageSize": 1000, "pageCount": 2, "itemCount": 2}
    world.say({"pagination": block, "CreditNotes": [note()]})
    world.say({"pagination": block | {"page": 2}, "CreditNotes": [note(OTHER)]})

    found = list(world.xero.list_credit_notes(numbers=["CN-1"]))

    assert [each["CreditNoteID"] for each in found] == [NOTE, OTHER]
    assert [world.query(n)["page"] for n in (0, 1)] == ["1", "2"]


def test_a_look_that_is_not_answered_may_be_repeated(world: World) -> None:
    world.script.fail(requests.ConnectionError("broken"))

    with pytest.raises(Transient):
        list(world.xero.list_credit_notes(numbers=["CN-1"]))


# -- applying --------------------------------------------------------------------------------------------


def test_a_note_is_applied_below_its_own_address(world: World) -> None:
    world.say({"Allocations": [applied()]})

    element = allocate(world)

    sent = world.script.sent[0]
    assert element.ok
    assert (sent.method, urlsplit(sent.url).path) == ("PUT", f"/api.xro/2.0/CreditNotes/{NOTE}/Allocations")
    assert world.query() == {"summarizeErrors": "false"}
    assert sent.body == (
        b'{"Allocations":[{"Amount":40.20,"Date":"2026-03-25","Invoice":{"InvoiceID":"%s"}}]}' % INVOICE.encode()
    )
    assert "Idempotency-Key" not in sent.headers


@pytest.mark.parametrize("status", ["ERROR", None])
def test_a_refused_allocation_says_why(world: World, status: str | None) -> None:
    words = "Credit Note cannot be allocated as amount is greater than amount outstanding"
    world.say({"Allocations": [applied(StatusAttributeString=status, ValidationErrors=[{"Message": words}])]})

    assert allocate(world).errors == (words,)


def test_an_allocation_that_is_refused_as_a_whole_call_is_rejected(world: World) -> None:
    words = "The invoice you are trying to allocate to has already been paid off"
    elements = [applied(ValidationErrors=[{"Message": words}])]
    world.say({"ErrorNumber": 10, "Type": "ValidationException", "Message": "A …", "Elements": elements}, 400)

    with pytest.raises(Rejected) as caught:
        allocate(world)

    assert caught.value.messages == (words,)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"Allocations": []}, id="none"),
        pytest.param({"Allocations": [applied(), applied()]}, id="two"),
        pytest.param({}, id="another envelope"),
    ],
)
def test_an_allocation_that_cannot_be_recognised_is_unknown(world: World, answer: Any) -> None:
    world.say(answer)

    with pytest.raises(Unknown):
        allocate(world)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_allocation_whose_answer_is_lost_is_unknown(world: World, status: int) -> None:
    world.script.add(status)

    with pytest.raises(Unknown):
        allocate(world)


def test_a_note_that_does_not_exist_is_rejected(world: World) -> None:
    world.script.add(404, b"<html/>")

    with pytest.raises(Rejected) as caught:
        allocate(world)

    assert caught.value.status == 404
