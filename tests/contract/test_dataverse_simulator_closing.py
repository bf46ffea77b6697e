"""Closing, opening again, and what each leaves writable: by a person, over the API, and inside a `$batch`."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from werkzeug.test import Client

from tests.contract.dataverse_world import URL, DataverseWorld
from tests.contract.test_dataverse_simulator_batch import changeset, operation, send

PAID = {"statecode": 2, "statuscode": 100001}
CANCELED = {"statecode": 3, "statuscode": 100003}
ACTIVE = {"statecode": 0, "statuscode": 1}
SENT = 100000007
_numbers = count(1)
OWN = {"columns": {"invoice": [{"name": "new_due", "type": "money"}]}}


@pytest.fixture
def world() -> DataverseWorld:
    world = DataverseWorld()
    world.env.customise(OWN)
    return world


@pytest.fixture
def invoice_id(world: DataverseWorld) -> str:
    """An invoice of one line at 10."""
    return world.invoice({"quantity": 1, "priceperunit": 10})


def line_of(world: DataverseWorld, invoice_id: str) -> str:
    line_id: str = world.lines(invoice_id)[0]["invoicedetailid"]
    return line_id


def etag_of(world: DataverseWorld, invoice_id: str) -> str:
    etag: str = world.get(f"invoices({invoice_id})", select="name")["@odata.etag"]
    return etag


def patch(address: str, body: dict[str, Any], if_match: str = "*") -> list[str]:
    """One operation of a changeset."""
    return operation("PATCH", address, body, content_id=next(_numbers), If_Match=if_match)


def states(world: DataverseWorld, invoice_id: str) -> tuple[int, int]:
    row = world.person.get("invoices", invoice_id)
    return row["statecode"], row["statuscode"]


@pytest.mark.parametrize("closed", [PAID, CANCELED, PAID | {"statuscode": 100002}])
def test_a_customers_own_columns_of_a_closed_invoice_are_read_only_too(
    world: DataverseWorld, invoice_id: str, closed: dict[str, int]
) -> None:
    world.person.update("invoices", invoice_id, closed)

    refused = world.refusal("PATCH", f"invoices({invoice_id})", {"new_due": 1}, If_Match="*")
    status, inner, text = send(world, changeset(patch(f"invoices({invoice_id})", {"new_due": 1})))

    assert refused == (400, "0x8004022E")
    assert (status, inner) == (400, [400])
    assert "0x8004022E" in text
    assert world.person.get("invoices", invoice_id)["new_due"] is None


def test_a_refused_write_to_a_closed_invoice_undoes_the_rest_of_its_changeset(
    world: DataverseWorld, invoice_id: str
) -> None:
    world.person.update("invoices", invoice_id, PAID)
    link = operation("POST", "new_xerolinks", {"new_invoicekey": "k"}, content_id=100)

    status, inner, text = send(
        world, changeset(link, patch(f"invoicedetails({line_of(world, invoice_id)})", {"tax": 2}))
    )

    assert (status, inner) == (400, [400])
    assert "0x80043B09" in text
    assert world.env.rows("new_xerolinks") == []


def test_columns_in_the_patch_that_closes_are_written_before_it(world: DataverseWorld, invoice_id: str) -> None:
    """Two Updates: the first without the state columns."""
    world.step("Update")

    answer = world.call("PATCH", f"invoices({invoice_id})", PAID | {"new_due": 0}, headers={"If-Match": "*"})

    bodies = world.deliver()
    targets = [{pair["key"] for pair in body["InputParameters"][0]["value"]["Attributes"]} for body in bodies]
    assert answer.status_code == 204
    assert world.person.get("invoices", invoice_id)["new_due"] == Decimal("0.00")
    assert states(world, invoice_id) == (2, 100001)
    assert ["new_due" in target for target in targets] == [True, False]
    assert ["statecode" in target for target in targets] == [False, True]


def test_a_whole_closing_is_one_transaction(world: DataverseWorld, invoice_id: str) -> None:
    """Amount due on the version that was read, then tax of the lines, then the state, then rows that name it."""
    link = {"new_invoicekey": "k", "new_Invoice@odata.bind": f"/invoices({invoice_id})"}

    status, inner, _ = send(
        world,
        changeset(
            patch(f"invoices({invoice_id})", {"new_due": 0}, etag_of(world, invoice_id)),
            patch(f"invoicedetails({line_of(world, invoice_id)})", {"tax": 2}),
            patch(f"invoices({invoice_id})", PAID),
            operation("POST", "new_xerolinks", link, content_id=200),
        ),
    )

    row = world.person.get("invoices", invoice_id)
    assert (status, inner) == (200, [204, 204, 204, 204])
    assert (row["totaltax"], row["totalamount"], row["statecode"]) == (Decimal("2.00"), Decimal("12.00"), 2)
    assert world.env.rows("new_xerolinks")[0]["_new_invoice_value"] == invoice_id


def test_the_roll_up_of_a_line_outdates_the_invoice_inside_the_same_changeset(
    world: DataverseWorld, invoice_id: str
) -> None:
    seen = etag_of(world, invoice_id)
    tax = patch(f"invoicedetails({line_of(world, invoice_id)})", {"tax": 2})
    due = patch(f"invoices({invoice_id})", {"new_due": 12}, seen)

    line_first = send(world, changeset(tax, due))
    unchanged = world.person.get("invoices", invoice_id)["totaltax"]
    invoice_first = send(world, changeset(due, tax))

    assert line_first[:2] == (412, [412])
    assert "0x80060882" in line_first[2]
    assert unchanged == Decimal("0.00")
    assert invoice_first[:2] == (200, [204, 204])
    assert etag_of(world, invoice_id) != seen


def test_opening_again_comes_before_what_is_written(world: DataverseWorld, invoice_id: str) -> None:
    world.person.update("invoices", invoice_id, PAID)
    opened, due = patch(f"invoices({invoice_id})", ACTIVE), patch(f"invoices({invoice_id})", {"new_due": 10})

    due_first = send(world, changeset(due, opened))
    still = states(world, invoice_id)
    opened_first = send(world, changeset(opened, due))

    assert due_first[:2] == (400, [400])
    assert still == (2, 100001)
    assert opened_first[:2] == (200, [204, 204])
    assert states(world, invoice_id) == (0, 1)
    assert world.person.get("invoices", invoice_id)["new_due"] == Decimal("10.00")


def test_an_invoice_opened_again_can_be_written_to_with_its_lines(world: DataverseWorld, invoice_id: str) -> None:
    world.person.pay_invoice(invoice_id)
    world.person.activate_invoice(invoice_id)

    world.person.update("invoicedetails", line_of(world, invoice_id), {"tax": 1})

    line = world.lines(invoice_id)[0]
    assert (line["invoicestatecode"], line["tax"]) == (0, Decimal("1.00"))


def test_rows_may_be_made_that_name_a_closed_invoice(world: DataverseWorld, invoice_id: str) -> None:
    world.person.cancel_invoice(invoice_id)
    version = world.person.get("invoices", invoice_id)["versionnumber"]

    made = world.post("new_xerolinks", {"new_Invoice@odata.bind": f"/invoices({invoice_id})"})
    world.call("PATCH", f"new_xerolinks({made})", {"new_due": 5}, headers={"If-Match": "*"})

    row = world.person.get("new_xerolinks", made)
    assert (row["_new_invoice_value"], row["new_due"]) == (invoice_id, Decimal("5.00"))
    assert world.person.get("invoices", invoice_id)["versionnumber"] == version


def test_people_pay_cancel_and_open_again(world: DataverseWorld, invoice_id: str) -> None:
    seen = []

    for act in (
        lambda: world.person.pay_invoice(invoice_id, 100002),
        lambda: world.person.cancel_invoice(invoice_id),
        lambda: world.person.activate_invoice(invoice_id, 4),
        lambda: world.person.pay_invoice(invoice_id),
    ):
        act()
        seen.append(states(world, invoice_id))

    assert seen == [(2, 100002), (3, 100003), (0, 4), (2, 100001)]


def test_people_close_invoices_over_the_control_api(world: DataverseWorld, invoice_id: str) -> None:
    def act(action: str, **more: Any) -> int:
        body = {"action": action, "id": invoice_id, **more}
        return Client(world.env.wire).post("/_control/act", json=body, base_url=URL).status_code

    assert act("pay_invoice", status=100002) == 200
    assert states(world, invoice_id) == (2, 100002)
    assert act("pay_invoice") == 400
    assert act("cancel_invoice", user="Accountant") == 200
    assert act("activate_invoice", status=4) == 200
    assert states(world, invoice_id) == (0, 4)


def test_the_control_api_tells_to_the_microsecond_when_a_row_was_written(world: DataverseWorld) -> None:
    """What was undone was not written; modifiedon has whole seconds only."""
    world.clock.advance(timedelta(seconds=0.25))
    account = world.account()
    world.clock.advance(timedelta(seconds=0.125))
    undone = operation("PATCH", f"accounts({account})", {"name": "x"}, content_id=1)
    send(world, changeset(undone, operation("POST", "accounts", {"name": "x" * 161}, content_id=2)))

    answer = Client(world.env.wire).get("/_control/moments/accounts", base_url=URL).get_json()

    assert answer["moments"] == {account: "2025-07-01T12:00:00.250000+00:00"}
    assert world.person.get("accounts", account)["modifiedon"] == "2025-07-01T12:00:00Z"


def test_a_status_reason_of_the_customers_own_is_left_and_gone_back_to(
    world: DataverseWorld, invoice_id: str
) -> None:
    world.env.customise({"statuses": {"invoice": [{"value": SENT, "state": 0, "label": "Sent"}]}})
    world.person.update("invoices", invoice_id, {"statuscode": SENT})

    world.person.pay_invoice(invoice_id)
    world.call("PATCH", f"invoices({invoice_id})", {"statecode": 0, "statuscode": SENT}, headers={"If-Match": "*"})

    everything = 'odata.include-annotations="*"'
    shown = world.get(f"invoices({invoice_id})", select="statuscode", prefer=everything)
    assert shown["statuscode@OData.Community.Display.V1.FormattedValue"] == "Sent"
    assert world.refusal("PATCH", f"invoices({invoice_id})", {"statecode": 2, "statuscode": SENT}) == (
        400,
        "0x80048408",
    )
    world.person.pay_invoice(invoice_id)
    world.person.update("invoices", invoice_id, {"statecode": 0})
    assert states(world, invoice_id) == (0, 1), "the default of a state stays what it was"


def test_a_status_reason_can_be_added_over_the_api(world: DataverseWorld, invoice_id: str) -> None:
    label = {"LocalizedLabels": [{"Label": "Disputed", "LanguageCode": 1033}]}
    body = {"EntityLogicalName": "invoice", "AttributeLogicalName": "statuscode", "StateCode": 0, "Label": label}

    first = world.call("POST", "InsertStatusValue", body).get_json()["NewOptionValue"]
    second = world.call("POST", "InsertStatusValue", body).get_json()["NewOptionValue"]
    world.person.update("invoices", invoice_id, {"statuscode": first})

    kind = "Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata"
    found = world.get(f"EntityDefinitions(LogicalName='invoice')/{kind}", select="LogicalName", expand="OptionSet")
    options = {option["Value"]: option["State"] for option in found["value"][0]["OptionSet"]["Options"]}
    assert (first, second) == (100_000_000, 100_000_001)
    assert options[first] == options[second] == 0
    assert states(world, invoice_id) == (0, first)
    assert world.refusal("POST", "InsertStatusValue", body | {"Value": first}) == (400, "0x80048403")
    assert world.refusal("POST", "InsertStatusValue", body | {"StateCode": 9}) == (400, "0x80048408")
    assert world.refusal("POST", "InsertStatusValue", body | {"AttributeLogicalName": "name"})[0] == 400


def test_rows_of_a_customers_own_table_are_deactivated_and_come_back(world: DataverseWorld) -> None:
    """An inactive row is not read-only: only the sales documents are."""
    row_id = world.post("new_xerolinks", {"new_invoicekey": "200"})
    address = f"new_xerolinks({row_id})"

    world.call("PATCH", address, {"statecode": 1, "statuscode": 2}, headers={"If-Match": "*"})
    inactive = world.get("new_xerolinks", filter="statecode eq 1", select="new_invoicekey")["value"]
    world.call("PATCH", address, {"new_count": 3}, headers={"If-Match": "*"})
    world.call("PATCH", address, {"statecode": 0, "new_kind": 2}, headers={"If-Match": "*"})

    row = world.person.get("new_xerolinks", row_id)
    assert [one["new_invoicekey"] for one in inactive] == ["200"]
    assert (row["statecode"], row["statuscode"], row["new_count"], row["new_kind"]) == (0, 1, 3, 2)
