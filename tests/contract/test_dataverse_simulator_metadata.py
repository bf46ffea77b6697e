"""Metadata over the Web API, and the control API for tests in other processes."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from tests.contract.dataverse_world import TENANT, URL, DataverseWorld

TYPES = "EntityDefinitions(LogicalName='{}')/Attributes/Microsoft.Dynamics.CRM.{}AttributeMetadata"


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def test_tables_are_found_by_name_and_id(world: DataverseWorld) -> None:
    found = world.get("EntityDefinitions", select="LogicalName,EntitySetName", filter="LogicalName eq 'invoice'")[
        "value"
    ]

    by_id = world.get(f"EntityDefinitions({found[0]['MetadataId']})", select="PrimaryNameAttribute,ObjectTypeCode")

    assert [(row["LogicalName"], row["EntitySetName"]) for row in found] == [("invoice", "invoices")]
    assert (by_id["PrimaryNameAttribute"], by_id["ObjectTypeCode"]) == ("name", 1090)
    assert world.refusal("GET", "EntityDefinitions(LogicalName='nonsense')")[0] == 404


def test_columns_show_type_length_and_behaviour(world: DataverseWorld) -> None:
    columns = {
        row["LogicalName"]: row for row in world.get("EntityDefinitions(LogicalName='invoice')/Attributes")["value"]
    }

    assert columns["name"]["MaxLength"] == 300
    assert columns["customerid"]["AttributeType"] == "Customer"
    assert columns["duedate"]["DateTimeBehavior"]["Value"] == "DateOnly"
    assert (columns["datedelivered"]["Format"], columns["datedelivered"]["DateTimeBehavior"]["Value"]) == (
        "DateOnly",
        "UserLocal",
    )
    assert columns["totalamount"]["IsValidForUpdate"] is False


def test_status_reasons_name_their_state(world: DataverseWorld) -> None:
    found = world.get(TYPES.format("invoice", "Status"), select="LogicalName", expand="OptionSet")["value"]

    options = {
        o["Value"]: (o["State"], o["Label"]["UserLocalizedLabel"]["Label"]) for o in found[0]["OptionSet"]["Options"]
    }

    assert options[100001] == (2, "Complete")
    assert options[4] == (0, "Billed")


def test_choices_of_a_solution_are_listed(world: DataverseWorld) -> None:
    expand = "OptionSet($select=Options)"
    found = world.get(TYPES.format("new_xerolink", "Picklist"), select="LogicalName", expand=expand)["value"]

    assert [row["LogicalName"] for row in found] == ["new_kind"]
    assert [option["Value"] for option in found[0]["OptionSet"]["Options"]] == [1, 2]


def test_keys_and_relationships(world: DataverseWorld) -> None:
    world.env.set_key_status("new_xerolink", "new_invoicekeykey", active=False)
    keys = world.get("EntityDefinitions(LogicalName='new_xerolink')/Keys")["value"]
    related = world.get(
        "EntityDefinitions(LogicalName='invoice')/OneToManyRelationships",
        filter="ReferencingEntity eq 'invoicedetail'",
    )["value"]

    assert [(key["LogicalName"], key["EntityKeyIndexStatus"]) for key in keys] == [
        ("new_invoicekeykey", "Pending"),
        ("new_rateinvoice", "Active"),
    ]
    assert [row["ReferencedEntityNavigationPropertyName"] for row in related] == ["invoice_details"]
    assert related[0]["CascadeConfiguration"]["Delete"] == "Cascade"


def test_a_lookup_is_created_over_the_api(world: DataverseWorld) -> None:
    body = {
        "SchemaName": "new_account_invoice_payer",
        "ReferencedEntity": "account",
        "ReferencingEntity": "invoice",
        "CascadeConfiguration": {"Delete": "Restrict"},
        "Lookup": {"SchemaName": "new_Payer"},
    }
    assert world.call("POST", "RelationshipDefinitions", body).status_code == 204
    payer = world.account("Payer")

    invoice_id = world.invoice(**{"new_Payer@odata.bind": f"/accounts({payer})"})

    assert world.get(f"invoices({invoice_id})", expand="new_Payer($select=name)")["new_Payer"]["name"] == "Payer"
    assert world.refusal("DELETE", f"accounts({payer})") == (405, "0x80040227")
    assert len(world.get(f"accounts({payer})/new_account_invoice_payer")["value"]) == 1


def control(world: DataverseWorld, method: str, path: str, body: Any = None) -> Any:
    answer = Client(world.env.wire).open(f"/_control/{path}", method=method, json=body, base_url=URL)
    return answer.get_json() | {"status": answer.status_code}


def test_the_control_api_sets_up_an_environment(world: DataverseWorld) -> None:
    people = control(world, "POST", "tenants", {"tenant_id": TENANT, "people": ["a@contoso.com"]})["people"]
    control(world, "POST", "apps", {"tenant_id": TENANT, "client_id": "c2", "client_secret": "s2"})
    user = control(world, "POST", "app-users", {"client_id": "c2"})["systemuserid"]
    columns = {"account": [{"name": "new_note", "type": "string"}]}
    control(world, "POST", "customise", {"columns": columns})
    control(world, "POST", "webhook-switches", {"delay_s": 5})
    made = control(
        world, "POST", "act", {"action": "create", "set": "accounts", "row": {"name": "A", "new_note": "n"}}
    )
    control(world, "POST", "act", {"action": "update", "set": "accounts", "id": made["result"], "row": {"name": "B"}})

    rows = control(world, "GET", "rows/accounts")["rows"]

    assert list(people) == ["a@contoso.com"]
    assert world.call("GET", "WhoAmI", token=world.login.issue(TENANT, "c2", URL)).get_json()["UserId"] == user
    assert [(row["name"], row["new_note"]) for row in rows] == [("B", "n")]
    assert world.env.switches.delay_s == 5
    assert control(world, "POST", "webhook-switches", {"nonsense": 1})["status"] == 400
    control(world, "POST", "privileges", {"user_id": world.app_user_id, "privilege": "prvReadAccount"})
    assert world.refusal("GET", "accounts") == (403, "0x80040220")
    assert control(world, "POST", "act", {"action": "create", "set": "accounts", "row": {"x": 1}})["status"] == 400


def test_faults_can_be_injected_and_calls_are_logged(world: DataverseWorld) -> None:
    control(world, "POST", "faults", {"match": "POST .*accounts", "kind": "status-after", "status": 503})

    lost = world.call("POST", "accounts", {"name": "A"})

    assert lost.status_code == 503
    assert [row["name"] for row in world.env.rows("accounts")] == ["A"]
    assert [(call.method, call.status) for call in world.env.wire.calls] == [("POST", 503)]
