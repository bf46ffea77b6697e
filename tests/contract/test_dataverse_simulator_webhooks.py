"""Webhooks: what is sent, to whom, how often, and what becomes of the job."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulators.dataverse import Refused
from tests.contract.dataverse_world import DataverseWorld

EXAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "dataverse-examples"
# Members that only newer builds send; values whose type depends on the columns of the table are compared by form.
NEWER = {"InitiatingUserAgent", "InitiatingUserAzureActiveDirectoryObjectId", "UserAzureActiveDirectoryObjectId"}
PAID = {"statecode": 2, "statuscode": 100001}


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def attributes(entity: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: pair["value"] for pair in entity["Attributes"]}


def members(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: pair["value"] for pair in pairs}


def target(body: dict[str, Any]) -> dict[str, Any]:
    return attributes(members(body["InputParameters"])["Target"])


def messages(bodies: list[dict[str, Any]]) -> list[str]:
    return [body["MessageName"] for body in bodies]


# -- the form, against what real environments sent ---------------------------------------------------------


def form(value: Any) -> Any:
    """Return the shape of a value: the members of objects, the set of shapes in arrays, the type of the rest."""
    if isinstance(value, dict):
        return {key: form(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [form(inner) for inner in value]
    if isinstance(value, str) and value.startswith("/Date("):
        return "date with offset" if "+" in value[7:] or "-" in value[7:] else "date"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Compare two payloads by shape: entities by their frame, each attribute by the forms it may take."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        odd = (set(theirs) ^ set(ours)) - NEWER
        common = set(theirs) & set(ours)
        return [f"{path}: {sorted(odd)}"] * bool(odd) + [
            d for key in sorted(common) for d in differences(ours[key], theirs[key], f"{path}/{key}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list):
        return _list_differences(ours, theirs, path)
    if ours is None or theirs is None or form(ours) == form(theirs):
        return []
    return [f"{path}: {form(ours)} instead of {form(theirs)}"]


def _list_differences(ours: list[Any], theirs: list[Any], path: str) -> list[str]:
    found = []
    for one in ours:
        if not isinstance(one, dict):
            found.append(f"{path}: an element is no object")
        elif "key" in one and path.endswith(("Attributes", "FormattedValues")):
            found += [] if _is_attribute(one) else [f"{path}: {one}"]
        elif "key" in one:
            same = [other for other in theirs if other.get("key") == one["key"]]
            found += differences(one, same[0], f"{path}[{one['key']}]") if same else []
    return found


def _is_attribute(pair: dict[str, Any]) -> bool:
    value = pair["value"]
    if set(pair) != {"key", "value"}:
        return False
    if not isinstance(value, dict):
        return not isinstance(value, list)
    wanted = {
        "EntityReference": {"Id", "KeyAttributes", "LogicalName", "Name", "RowVersion"},
        "Money": {"Value"},
        "OptionSetValue": {"Value"},
    }
    kind, _, namespace = value["__type"].partition(":")
    return namespace == "http://schemas.microsoft.com/xrm/2011/Contracts" and set(value) - {"__type"} == wanted[kind]


def real(name: str) -> dict[str, Any]:
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip(f"the published payload samples are not here: {EXAMPLES}")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document.get("body", document)


def bodies_of_all_messages(world: DataverseWorld, *, mode: int) -> dict[str, dict[str, Any]]:
    endpoint = world.endpoint()
    taken: list[bytes] = []
    world.env.set_send(lambda delivery: taken.append(delivery.body) or 200)
    for message in ("Create", "Update", "Delete"):
        step = world.step(message, "account", endpoint=endpoint, mode=mode)
        if message == "Update":
            world.image(step, 2, "Both", "name,creditlimit,ownerid")
    account_id = world.account(creditlimit=Decimal("12.5"), paymenttermscode=1)
    world.person.update("accounts", account_id, {"name": "New", "creditlimit": Decimal(2)})
    world.person.delete("accounts", account_id)
    bodies = world.deliver() if mode == 1 else [json.loads(body) for body in taken]
    return {body["MessageName"]: body for body in bodies}


@pytest.mark.parametrize(
    ("mode", "message", "sample"),
    [
        (1, "Update", "01-contact-update-async.json"),
        (0, "Delete", "02-account-delete-sync.json"),
        (0, "Update", "03-account-update-sync.json"),
        (0, "Create", "04-alltypes-create-sync.json"),
        (1, "Create", "05-alltypes-create-async.json"),
        (1, "Update", "06-msdyn_agentstatus-update-async.json"),
        (0, "Create", "07-msdyn_agentstatus-create-sync.json"),
    ],
)
def test_payloads_have_the_form_of_real_ones(world: DataverseWorld, mode: int, message: str, sample: str) -> None:
    body, theirs = bodies_of_all_messages(world, mode=mode)[message], real(sample)

    assert differences(body, theirs) == []
    assert list(body) == sorted(body)
    assert (body["Mode"], body["MessageName"]) == (theirs["Mode"], theirs["MessageName"])
    # The comparison itself must see what it is for.
    assert differences({k: v for k, v in body.items() if k != "Depth"}, theirs)
    assert differences(body | {"ParentContext": body["ParentContext"] | {"Stage": "30"}}, theirs)


@pytest.mark.parametrize(
    "sample", ["invoice-update-paid-async-with-images.json", "invoice-update-cancelled-async.json"]
)
def test_a_state_change_has_the_form_of_the_sample(world: DataverseWorld, sample: str) -> None:
    theirs = real(f"synthetic/{sample}")
    world.step("Update", filteringattributes="statecode")
    world.person.update("invoices", world.invoice(), PAID)

    body = world.deliver()[0]

    assert differences(body, theirs) == []
    assert set(target(body)) == set(target(theirs))


def test_an_opportunity_won_looks_like_an_invoice_paid(world: DataverseWorld) -> None:
    theirs = real("09-servicebus-opportunity-won-PARTIAL.json")
    world.step("Update", filteringattributes="statecode")
    world.person.update("invoices", world.invoice(), PAID)

    ours = target(world.deliver()[0])

    renamed = {"opportunityid": "invoiceid"}
    assert set(ours) == {renamed.get(name, name) for name in target(theirs)}
    assert form(ours["statecode"]) == form(target(theirs)["statecode"])


# -- who hears of what --------------------------------------------------------------------------------------


def test_create_carries_what_was_stored_but_not_the_totals(world: DataverseWorld) -> None:
    world.step("Create")
    invoice_id = world.invoice({"quantity": 1, "priceperunit": 10})

    body = world.deliver()[0]

    assert body["PrimaryEntityId"] == invoice_id
    assert body["OutputParameters"] == [{"key": "id", "value": invoice_id}]
    assert target(body)["name"] == "June"
    assert target(body)["statecode"]["Value"] == 0
    assert not [name for name in target(body) if name.startswith("total")]
    formatted = members(members(body["InputParameters"])["Target"]["FormattedValues"])
    assert (formatted["statecode"], formatted["createdon"]) == ("Active", "2025-07-01T13:00:00+01:00")
    primary = members(body["PostEntityImages"])["AsynchronousStepPrimaryName"]
    assert attributes(primary) == {"name": "June", "invoiceid": invoice_id}


def test_the_endpoint_is_called_with_headers_and_secret(world: DataverseWorld) -> None:
    world.step("Create")
    world.invoice()
    world.deliver()

    sent = world.sent[0]

    assert sent.url == "https://hook.example/dynamics"
    assert sent.timeout_s == 60
    assert sent.headers == {
        "Content-Type": "application/json; charset=utf-8",
        "x-ms-dynamics-organization": "contoso.crm4.dynamics.com",
        "x-ms-dynamics-entity-name": "invoice",
        "x-ms-dynamics-request-name": "Create",
        "x-ms-correlation-request-id": json.loads(sent.body)["CorrelationId"],
        "x-hook-secret": "s3cret",
    }
    assert b'":http:' not in sent.body
    assert b":http:\\/\\/schemas" in sent.body  # .NET escapes slashes


@pytest.mark.parametrize(
    ("authtype", "value", "url"),
    [
        (4, "bare key", "https://hook.example/dynamics?code=bare+key"),
        (6, '<settings><setting name="a" value="b c" /></settings>', "https://hook.example/dynamics?a=b+c"),
    ],
)
def test_the_secret_may_be_in_the_query(world: DataverseWorld, authtype: int, value: str, url: str) -> None:
    world.step("Create", endpoint=world.endpoint(authtype=authtype, authvalue=value))
    world.invoice()
    world.deliver()

    assert world.sent[0].url == url


def test_the_secret_cannot_be_read_back(world: DataverseWorld) -> None:
    endpoint = world.get(f"serviceendpoints({world.endpoint()})")

    assert endpoint["isauthvalueset"] is True
    assert "authvalue" not in endpoint
    assert world.refusal("GET", "serviceendpoints?$select=authvalue")[0] == 400


def test_filtering_attributes_count_sent_columns_changed_or_not(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    world.step("Update", filteringattributes="name, duedate")

    world.person.update("invoices", invoice_id, {"description": "not watched"})
    world.person.update("invoices", invoice_id, {"name": "June"})

    bodies = world.deliver()
    assert [set(target(body)) & {"name", "description"} for body in bodies] == [{"name"}]


def test_a_patch_of_columns_and_state_is_two_updates(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    world.step("Update")

    world.person.update("invoices", invoice_id, PAID | {"description": "done"})

    bodies = world.deliver()
    assert [set(target(body)) & {"description", "statecode", "statuscode"} for body in bodies] == [
        {"description"},
        {"statecode", "statuscode"},
    ]
    assert len({body["CorrelationId"] for body in bodies}) == 1
    assert len({body["OperationId"] for body in bodies}) == 2


def test_images_show_before_and_after(world: DataverseWorld) -> None:
    invoice_id = world.invoice(name="Before")
    step = world.step("Update", filteringattributes="name")
    world.image(step, 0, "Pre", "name,customerid")
    world.image(step, 1, "Post", "name")
    world.person.update("invoices", invoice_id, {"name": "After"})

    body = world.deliver()[0]

    before, after = members(body["PreEntityImages"])["Pre"], members(body["PostEntityImages"])["Post"]
    assert (attributes(before)["name"], attributes(after)["name"]) == ("Before", "After")
    assert attributes(before)["customerid"]["Name"] == "Contoso"
    assert "__type" not in before


def test_delete_has_a_reference_and_its_pre_image_and_cascades_tell_of_lines(world: DataverseWorld) -> None:
    invoice_id = world.invoice({"quantity": 1})
    endpoint = world.endpoint()
    world.image(world.step("Delete", endpoint=endpoint), 0, "Pre", "invoicenumber")
    world.image(world.step("Delete", "invoicedetail", endpoint=endpoint), 0, "Pre", "invoiceid")

    world.person.delete("invoices", invoice_id)

    line, invoice = world.deliver()
    assert members(invoice["InputParameters"])["Target"]["LogicalName"] == "invoice"
    assert attributes(members(invoice["PreEntityImages"])["Pre"])["invoicenumber"].startswith("INV-")
    assert attributes(members(line["PreEntityImages"])["Pre"])["invoiceid"]["Id"] == invoice_id
    assert invoice["PostEntityImages"] == []


def test_roll_ups_are_updates_of_the_invoice_unless_switched_off(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    world.step("Update")
    line = {
        "invoiceid@odata.bind": f"/invoices({invoice_id})",
        "productdescription": "x",
        "quantity": 1,
        "priceperunit": 5,
    }

    world.person.create("invoicedetails", line)
    told = world.deliver()
    world.env.switches.rollup_events = False
    world.person.create("invoicedetails", line)

    assert [(body["Depth"], target(body)["totalamount"]["Value"]) for body in told] == [(2, Decimal("5.00"))]
    assert world.deliver() == []


def test_our_own_writes_are_known_by_user_and_tag_or_bypassed(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    step = world.step("Update")
    address = f"invoices({invoice_id})"

    world.call("PATCH", f"{address}?tag=ours", {"name": "1"}, headers={"If-Match": "*"})
    world.call("PATCH", address, {"name": "2"}, headers={"MSCRM.BypassBusinessLogicExecutionStepIds": step})
    world.call(
        "PATCH", address, {"name": "3"}, headers={"MSCRM.BypassBusinessLogicExecution": "CustomSync,CustomAsync"}
    )

    bodies = world.deliver()
    assert [body["InitiatingUserId"] for body in bodies] == [world.app_user_id]
    assert members(bodies[0]["SharedVariables"])["tag"] == "ours"
    assert members(bodies[0]["ParentContext"]["SharedVariables"])["tag"] == "ours"


def test_events_leave_only_when_the_transaction_is_committed(world: DataverseWorld) -> None:
    world.step("Create", "account")
    targets = {"Targets": [{"name": "ok"}, {"nonsense": 1}]}

    world.refusal("POST", "accounts/Microsoft.Dynamics.CRM.CreateMultiple", targets)

    assert world.deliver() == []


def test_disabled_steps_hear_nothing(world: DataverseWorld) -> None:
    step = world.step("Create")
    world.call("PATCH", f"sdkmessageprocessingsteps({step})", {"statecode": 1, "statuscode": 2})
    world.invoice()

    assert world.deliver() == []


@pytest.mark.parametrize(("stripped", "rest"), [("absent", ()), ("null", None), ("empty", [])])
def test_a_large_body_loses_its_members_and_says_so(world: DataverseWorld, stripped: str, rest: Any) -> None:
    world.env.switches.stripped = stripped
    world.env.customise({"columns": {"invoice": [{"name": "new_big", "type": "memo", "max_length": 200000}]}})
    world.step("Create")
    invoice_id = world.invoice(new_big="x" * 150000)

    body = world.deliver()[0]

    assert world.sent[0].headers["x-ms-dynamics-msg-size-exceeded"] == "true"
    assert body["PrimaryEntityId"] == invoice_id
    assert body.get("InputParameters", ()) == rest


# -- how it travels -----------------------------------------------------------------------------------------


def job(world: DataverseWorld) -> tuple[int, int]:
    row = world.env.rows("asyncoperations")[0]
    return row["statecode"], row["statuscode"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_unavailable_is_tried_once_more(world: DataverseWorld, status: int) -> None:
    world.step("Create")
    world.invoice()

    world.deliver(status)

    assert len(world.sent) == 2
    assert world.sent[0].body == world.sent[1].body
    assert job(world) == (3, 31)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, None])
def test_everything_else_fails_for_good(world: DataverseWorld, status: int | None) -> None:
    step = world.step("Create", asyncautodelete=True)
    invoice_id = world.invoice()

    world.deliver(status)

    wanted = f"_owningextensionid_value eq {step} and statuscode eq 31"
    found = world.get("asyncoperations", filter=wanted, select="friendlymessage,_regardingobjectid_value")["value"]
    assert len(world.sent) == 1
    assert [row["_regardingobjectid_value"] for row in found] == [invoice_id]
    assert "webhook call failed" in found[0]["friendlymessage"]


@pytest.mark.parametrize(("autodelete", "left"), [(True, 0), (False, 1)])
def test_a_successful_job_stays_unless_it_is_deleted_by_itself(
    world: DataverseWorld, autodelete: bool, left: int
) -> None:
    world.step("Create", asyncautodelete=autodelete)
    world.invoice()
    assert job(world) == (0, 0)

    world.deliver()

    assert len(world.env.rows("asyncoperations")) == left
    assert left == 0 or job(world) == (3, 30)


def test_deliveries_are_delayed_dropped_doubled_and_overtake(world: DataverseWorld) -> None:
    world.step("Create")
    world.env.switches.delay_s = 30
    world.invoice(name="late")
    assert world.deliver() == []
    world.clock.advance(timedelta(seconds=30))
    assert messages(world.deliver()) == ["Create"]

    world.env.switches.delay_s = 0
    world.env.switches.drop = 1
    world.invoice(name="lost")
    world.env.switches.drop = 0
    world.env.switches.duplicate = 1
    first, second = world.invoice(name="twice") and world.deliver()
    assert first["OperationId"] == second["OperationId"]

    world.env.switches.duplicate = 0
    world.invoice(name="first")
    world.env.switches.reorder = 1
    world.invoice(name="second")
    assert [target(body)["name"] for body in world.deliver()] == ["second", "first"]


def test_a_synchronous_step_that_fails_undoes_the_write(world: DataverseWorld) -> None:
    world.step("Update", "account", mode=0)
    account_id = world.account(name="Before")
    answers: list[int | None] = [500, None, 200]
    world.env.set_send(lambda _delivery: answers.pop(0))

    for code in ("0x80050201", "0x80050202"):
        with pytest.raises(Refused) as caught:
            world.person.update("accounts", account_id, {"name": "After"})
        assert caught.value.code == code
        assert world.person.get("accounts", account_id)["name"] == "Before"
    world.person.update("accounts", account_id, {"name": "After"})

    assert world.person.get("accounts", account_id)["name"] == "After"


def test_a_service_bus_endpoint_gets_a_message_instead(world: DataverseWorld) -> None:
    row = {"name": "bus", "contract": 2, "path": "invoices", "namespaceaddress": "sb://x", "messageformat": 2}
    world.env.customise({"columns": {"invoice": [{"name": "new_big", "type": "memo", "max_length": 300000}]}})
    world.step("Create", endpoint=world.post("serviceendpoints", row))
    world.invoice()
    world.invoice(new_big="x" * 110000)

    small, large = world.env.bus

    claims = "http://schemas.microsoft.com/xrm/2011/Claims"
    assert (small.path, small.content_type) == ("invoices", "application/json")
    assert small.application_properties[f"{claims}/EntityLogicalName"] == "invoice"
    assert target(json.loads(small.body))["name"] == "June"
    assert large.application_properties[f"{claims}/MessageMaxSizeExceeded"] == "true"
    assert "InputParameters" not in json.loads(large.body)
    assert world.deliver() == []


# -- registration -------------------------------------------------------------------------------------------


def test_registrations_that_cannot_work_are_refused(world: DataverseWorld) -> None:
    bad_header = {"name": "x", "url": "https://x.example", "contract": 8, "authtype": 5, "authvalue": "not xml"}
    step = world.step("Create")
    image = {"name": "i", "entityalias": "i", "imagetype": 0, "messagepropertyname": "Id"}
    image |= {"sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({step})"}

    assert world.refusal("POST", "serviceendpoints", bad_header) == (400, "0x80050203")
    assert world.refusal("POST", "serviceendpoints", bad_header | {"authtype": 6}) == (400, "0x80050204")
    assert world.refusal("POST", "serviceendpoints", bad_header | {"authtype": 2})[0] == 400
    assert world.refusal("POST", "serviceendpoints", bad_header | {"authtype": 4, "url": "x"})[0] == 400
    assert world.refusal("PATCH", f"sdkmessageprocessingsteps({step})", {"stage": 20})[0] == 400
    assert world.refusal("PATCH", f"sdkmessageprocessingsteps({step})", {"filteringattributes": "name"})[0] == 400
    assert world.refusal("POST", "sdkmessageprocessingstepimages", image)[0] == 400
    assert (
        world.refusal(
            "POST", "sdkmessageprocessingstepimages", image | {"imagetype": 1, "messagepropertyname": "Target"}
        )[0]
        == 400
    )


def test_an_endpoint_is_kept_while_steps_use_it(world: DataverseWorld) -> None:
    endpoint = world.endpoint()
    step = world.step("Create", endpoint=endpoint)

    assert world.refusal("DELETE", f"serviceendpoints({endpoint})") == (405, "0x80040227")
    found = world.get("sdkmessageprocessingsteps", filter=f"_eventhandler_value eq {endpoint}", select="name")[
        "value"
    ]
    assert [row["sdkmessageprocessingstepid"] for row in found] == [step]
    world.call("DELETE", f"sdkmessageprocessingsteps({step})")
    assert world.call("DELETE", f"serviceendpoints({endpoint})").status_code == 204
