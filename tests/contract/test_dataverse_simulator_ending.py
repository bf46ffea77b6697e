"""What a cancellation or a deletion is in Dynamics: states, lost links, events, and queries that find the rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import columns
from simulators.dataverse.errors import Refused
from solution.package import build
from tests.contract.dataverse_world import DataverseWorld
from tests.contract.test_dataverse_simulator_batch import operation, send
from tests.contract.test_dataverse_simulator_webhooks import attributes, members

DETAILS, HISTORY = columns.DETAILS, columns.HISTORY
PAID, CANCELED = (2, 100001), (3, 100003)


@pytest.fixture
def world() -> DataverseWorld:
    world = DataverseWorld()
    world.env.import_solution(build(managed=True), enable_steps=False)
    return world


def details_of(world: DataverseWorld, invoice_id: str, **columns_: Any) -> str:
    row = {"stl3_name": "D", "stl3_dynamicsinvoiceid": invoice_id} | columns_
    return world.post(DETAILS.set_name, row | {"stl3_Invoice@odata.bind": f"/invoices({invoice_id})"})


def row_of(world: DataverseWorld, table: Any, row_id: str) -> dict[str, Any]:
    row: dict[str, Any] = world.get(f"{table.set_name}({row_id})")
    return row


def found(world: DataverseWorld, condition: str) -> set[str]:
    answer = world.get(DETAILS.set_name, select="stl3_name", filter=condition)
    return {row["stl3_name"] for row in answer["value"]}


# -- deleting --------------------------------------------------------------------------------------------


def test_what_names_a_deleted_invoice_loses_the_link_and_nothing_else(world: DataverseWorld) -> None:
    """A new row version, nobody's modification, no event: only a query finds it."""
    invoice_id = world.invoice({"quantity": 1})
    details_id = details_of(world, invoice_id, stl3_xeronumber="INV-1")
    bind = {"stl3_Invoice@odata.bind": f"/invoices({invoice_id})"}
    history_id = world.post(HISTORY.set_name, {"stl3_name": "H"} | bind)
    for table in (DETAILS.name, HISTORY.name):
        world.step("Update", table)
    before = {table: row_of(world, table, row) for table, row in ((DETAILS, details_id), (HISTORY, history_id))}
    world.clock.advance(timedelta(minutes=5))

    world.person.delete("invoices", invoice_id)

    for table, row_id in ((DETAILS, details_id), (HISTORY, history_id)):
        changed = {name for name, value in row_of(world, table, row_id).items() if value != before[table][name]}
        assert changed == {"@odata.etag", "_stl3_invoice_value", "versionnumber"}
    assert row_of(world, DETAILS, details_id)["_stl3_invoice_value"] is None
    assert row_of(world, DETAILS, details_id)["stl3_dynamicsinvoiceid"] == invoice_id
    assert world.deliver() == []


def test_a_write_that_knew_the_row_before_the_deletion_is_refused(world: DataverseWorld) -> None:
    details_id = details_of(world, invoice_id := world.invoice())
    etag = row_of(world, DETAILS, details_id)["@odata.etag"]

    world.person.delete("invoices", invoice_id)

    path = f"{DETAILS.set_name}({details_id})"
    assert world.refusal("PATCH", path, {"stl3_name": "x"}, If_Match=etag) == (412, "0x80060882")


@pytest.mark.parametrize("state", [None, PAID, CANCELED])
def test_an_invoice_is_deleted_in_any_state_and_its_lines_tell_of_it(
    world: DataverseWorld, state: tuple[int, int] | None
) -> None:
    invoice_id = world.invoice({"quantity": 1}, {"quantity": 2})
    if state is not None:
        world.person.update("invoices", invoice_id, {"statecode": state[0], "statuscode": state[1]})
    endpoint = world.endpoint()
    world.step("Delete", endpoint=endpoint)
    world.step("Delete", "invoicedetail", endpoint=endpoint)

    world.person.delete("invoices", invoice_id)

    told = [body["PrimaryEntityName"] for body in world.deliver()]
    assert sorted(told) == ["invoice", "invoicedetail", "invoicedetail"]
    assert world.env.rows("invoices") == world.env.rows("invoicedetails") == []


def test_a_deleted_row_is_not_found_by_its_code_alone_and_in_a_batch(world: DataverseWorld) -> None:
    gone, there = world.invoice(), world.invoice()
    world.person.delete("invoices", gone)

    status, inner, body = send(
        world, *(operation("GET", f"invoices({each})?$select=invoiceid") for each in (gone, there)),
        prefer="odata.continue-on-error",
    )  # fmt: skip

    assert world.refusal("GET", f"invoices({gone})?$select=invoiceid") == (404, "0x80040217")
    assert (status, inner) == (200, [404, 200])
    assert '"code":"0x80040217"' in body.replace(" ", "")


def test_a_lost_right_is_another_answer_than_a_lost_row(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    world.env.deny(world.app_user_id, "prvReadInvoice")

    assert world.refusal("GET", f"invoices({invoice_id})?$select=invoiceid") == (403, "0x80040220")


def test_a_step_for_deletions_shows_the_row_as_it_was(world: DataverseWorld) -> None:
    connector = world.post(columns.CONNECTOR.set_name, {"stl3_name": "Contoso UK"})
    bind = {"stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({connector})"}
    invoice_id = world.invoice(**bind)
    world.image(world.step("Delete"), 0, "before", "invoicenumber,name,stl3_connector")

    world.person.delete("invoices", invoice_id)

    (body,) = world.deliver()
    before = attributes(members(body["PreEntityImages"])["before"])
    assert set(before) == {"invoiceid", "invoicenumber", "name", "stl3_connector"}
    assert (before["name"], before["stl3_connector"]["Id"]) == ("June", connector)
    assert before["stl3_connector"]["Name"] == "Contoso UK"
    assert members(body["InputParameters"])["Target"]["Id"] == invoice_id


# -- states ----------------------------------------------------------------------------------------------


def test_each_change_of_state_is_one_update_with_state_and_reason(world: DataverseWorld) -> None:
    world.step("Update", filteringattributes="statecode")
    invoice_id = world.invoice()

    for act in (world.person.pay_invoice, world.person.cancel_invoice, world.person.activate_invoice):
        act(invoice_id)
    world.person.cancel_invoice(invoice_id)
    world.person.update("invoices", world.invoice(), {"name": "not heard"})

    targets = [attributes(members(body["InputParameters"])["Target"]) for body in world.deliver()]
    assert [target["statecode"]["Value"] for target in targets] == [2, 3, 0, 3]
    assert [target["statuscode"]["Value"] for target in targets] == [100001, 100003, 1, 100003]


def test_old_tools_set_the_state_by_a_message_of_its_own(world: DataverseWorld) -> None:
    """Steps of Update do not hear of it: without one of SetState only a query finds it."""
    endpoint, invoice_id = world.endpoint(), world.invoice()
    world.step("Update", endpoint=endpoint, filteringattributes="statecode")
    world.image(world.step("SetState", endpoint=endpoint), 0, "before", "statecode", on="EntityMoniker")

    world.person.set_invoice_state(invoice_id, *CANCELED)

    (body,) = world.deliver()
    inputs = members(body["InputParameters"])
    assert (body["MessageName"], body["PrimaryEntityId"]) == ("SetState", invoice_id)
    assert (inputs["EntityMoniker"]["Id"], inputs["EntityMoniker"]["LogicalName"]) == (invoice_id, "invoice")
    assert (inputs["State"]["Value"], inputs["Status"]["Value"]) == CANCELED
    assert "Target" not in inputs
    assert members(body["ParentContext"]["InputParameters"])["State"]["Value"] == CANCELED[0]
    assert attributes(members(body["PreEntityImages"])["before"])["statecode"]["Value"] == 0
    assert world.person.get("invoices", invoice_id)["statecode"] == 3


def test_old_tools_obey_the_same_rules(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    world.person.cancel_invoice(invoice_id)

    with pytest.raises(Refused, match="0x80100000"):
        world.person.set_invoice_state(invoice_id, *PAID)


# -- finding ---------------------------------------------------------------------------------------------


def test_rows_are_found_by_the_state_of_their_invoice_and_by_having_none(world: DataverseWorld) -> None:
    invoices = {name: world.invoice() for name in ("active", "paid", "cancelled", "deleted")}
    for name, invoice_id in invoices.items():
        details_of(world, invoice_id, stl3_name=name, stl3_handledstate=None if name == "paid" else "0")
    world.person.pay_invoice(invoices["paid"])
    world.person.cancel_invoice(invoices["cancelled"])
    world.person.delete("invoices", invoices["deleted"])

    assert found(world, "_stl3_invoice_value eq null") == {"deleted"}
    assert found(world, "stl3_Invoice/statecode eq 3") == {"cancelled"}
    assert found(world, "stl3_Invoice/statecode eq 0 or stl3_Invoice/statecode eq 2") == {"active", "paid"}
    assert found(world, "_stl3_invoice_value eq null or (stl3_Invoice/statecode eq 3)") == {"deleted", "cancelled"}
    due = "(_stl3_invoice_value eq null and stl3_handledstate ne 'deleted') or (stl3_Invoice/statecode eq 3 and "
    due += "(stl3_handledstate eq null or stl3_handledstate ne '3')) or stl3_cancelling ne null"
    assert found(world, due) == {"deleted", "cancelled"}


@pytest.mark.parametrize(("unequal", "names"), [(True, {"none", "3"}), (False, {"3"})])
def test_whether_what_is_empty_is_unequal_is_a_switch(world: DataverseWorld, unequal: bool, names: set[str]) -> None:
    """Nothing says it: a query should find the same rows either way."""
    for name, state in (("none", None), ("0", "0"), ("3", "3")):
        details_of(world, world.invoice(), stl3_name=name, stl3_handledstate=state)
    world.env.set_nulls_unequal(unequal)

    assert found(world, "stl3_handledstate ne '0'") == names
    assert found(world, "stl3_handledstate ne null") == {"0", "3"}
    assert found(world, "stl3_handledstate eq null or stl3_handledstate ne '0'") == {"none", "3"}
