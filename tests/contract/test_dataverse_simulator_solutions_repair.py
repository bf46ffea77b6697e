"""Customising by the metadata API: what an installer does that puts right what is missing, piece by piece."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.dataverse_world import DataverseWorld
from tests.contract.test_dataverse_simulator_solutions import Installer
from tests.contract.test_dataverse_simulator_solutions_made import vehicle

CRM = "Microsoft.Dynamics.CRM."
VANS = "EntityDefinitions(LogicalName='new_van')"


def label(text: str) -> dict[str, Any]:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def column(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"@odata.type": f"{CRM}{kind}AttributeMetadata", "SchemaName": name, "DisplayName": label(name), **more}


@pytest.fixture
def world() -> DataverseWorld:
    """An administrator has made a table by the API."""
    world = DataverseWorld()
    Installer(world)
    name = column(
        "String", "new_Name", MaxLength=50, IsPrimaryName=True, RequiredLevel={"Value": "ApplicationRequired"}
    )
    body = {
        "@odata.type": f"{CRM}EntityMetadata",
        "SchemaName": "new_Van",
        "EntitySetName": "new_vans",
        "DisplayName": label("Van"),
        "DisplayCollectionName": label("Vans"),
        "Description": label("A van."),
        "OwnershipType": "OrganizationOwned",
        "Attributes": [name],
    }
    assert world.call("POST", "EntityDefinitions", body).status_code == 204
    return world


def shapes(world: DataverseWorld) -> dict[str, dict[str, Any]]:
    return {row["LogicalName"]: row for row in world.get(f"{VANS}/Attributes")["value"]}


def test_a_table_is_made_and_described(world: DataverseWorld) -> None:
    found = world.get(VANS, expand="Attributes")

    assert (found["EntitySetName"], found["IsManaged"], found["IsCustomEntity"]) == ("new_vans", False, True)
    assert found["DisplayCollectionName"]["UserLocalizedLabel"]["Label"] == "Vans"
    assert found["Description"]["UserLocalizedLabel"]["Label"] == "A van."
    assert shapes(world)["new_name"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert "prvReadnew_Van" in {row["name"] for row in world.get("privileges", select="name")["value"]}


def test_every_kind_of_column_is_made(world: DataverseWorld) -> None:
    fuels = [{"Value": 1, "Label": label("Petrol")}, {"Value": 2, "Label": label("Power")}]
    yes = {"TrueOption": {"Value": 1, "Label": label("Sold")}, "FalseOption": {"Value": 0, "Label": label("Ours")}}
    columns = (
        column("String", "new_Page", MaxLength=200, FormatName={"Value": "Url"}),
        column("Memo", "new_Notes", MaxLength=4000),
        column("Integer", "new_Seats", MinValue=1, MaxValue=9),
        column("Decimal", "new_Weight", Precision=3),
        column("Money", "new_Price", Precision=2, PrecisionSource=2),
        column("Picklist", "new_Fuel", OptionSet={"Options": fuels, "IsGlobal": False}, DefaultFormValue=2),
        column("Boolean", "new_Sold", OptionSet=yes, DefaultValue=True),
        column("DateTime", "new_On", Format="DateOnly", DateTimeBehavior={"Value": "DateOnly"}),
        column("DateTime", "new_At", Format="DateAndTime", DateTimeBehavior={"Value": "UserLocal"}),
    )
    for one in columns:
        assert world.call("POST", f"{VANS}/Attributes", one).status_code == 204, one
    made = world.post("new_vans", {"new_name": "A", "new_price": 3, "new_on": "2025-07-01"})

    found, row = shapes(world), world.get(f"new_vans({made})")

    assert (row["new_fuel"], row["new_sold"], row["new_price_base"]) == (2, True, Decimal(3))
    assert (found["new_fuel"]["DefaultFormValue"], found["new_sold"]["DefaultValue"]) == (2, True)
    assert (found["new_page"]["FormatName"]["Value"], found["new_seats"]["MaxValue"]) == ("Url", 9)
    assert world.refusal("POST", f"{VANS}/Attributes", columns[0]) == (400, "0x80044153")


def test_a_column_is_changed_by_its_whole_definition(world: DataverseWorld) -> None:
    world.call("POST", f"{VANS}/Attributes", column("String", "new_Page", MaxLength=20))
    address = f"{VANS}/Attributes(LogicalName='new_page')"
    wider = column("String", "new_Page", MaxLength=200, FormatName={"Value": "Url"})

    answer = world.call("PUT", address, wider, headers={"MSCRM-MergeLabels": "true"})

    assert answer.status_code == 204
    assert (shapes(world)["new_page"]["MaxLength"], shapes(world)["new_page"]["SchemaName"]) == (200, "new_Page")
    assert world.refusal("PUT", address, column("Integer", "new_Page"))[0] == 400


def test_lookups_and_keys_are_made(world: DataverseWorld) -> None:
    relationship = {
        "@odata.type": f"{CRM}OneToManyRelationshipMetadata",
        "SchemaName": "new_account_van",
        "ReferencedEntity": "account",
        "ReferencingEntity": "new_van",
        "CascadeConfiguration": {"Delete": "RemoveLink"},
        "Lookup": column("Lookup", "new_Owner"),
    }
    assert world.call("POST", "RelationshipDefinitions", relationship).status_code == 204
    key = {"SchemaName": "new_namekey", "KeyAttributes": ["new_name"], "DisplayName": label("Name")}
    assert world.call("POST", f"{VANS}/Keys", key).status_code == 204
    account = world.account()

    bind = {"new_Owner@odata.bind": f"/accounts({account})"}
    assert world.call("PATCH", "new_vans(new_name='A')", bind).status_code == 204

    assert len(world.get(f"accounts({account})/new_account_van")["value"]) == 1
    assert world.refusal("POST", "RelationshipDefinitions", relationship) == (400, "0x80044153")
    listed = world.get("EntityDefinitions(LogicalName='account')/OneToManyRelationships")["value"]
    assert "new_account_van" in {one["SchemaName"] for one in listed}


def test_a_column_and_a_table_go_with_their_values(world: DataverseWorld) -> None:
    world.call("POST", f"{VANS}/Attributes", column("String", "new_Page", MaxLength=20))
    made = world.post("new_vans", {"new_page": "x"})
    world.call("POST", f"{VANS}/Keys", {"SchemaName": "new_pagekey", "KeyAttributes": ["new_page"]})
    page = f"{VANS}/Attributes(LogicalName='new_page')"

    assert world.refusal("DELETE", page) == (400, "0x8004f01f")
    assert world.call("DELETE", f"{VANS}/Keys(LogicalName='new_pagekey')").status_code == 204
    assert world.call("DELETE", page).status_code == 204
    assert "new_page" not in world.get(f"new_vans({made})")
    assert world.refusal("DELETE", f"{VANS}/Attributes(LogicalName='createdon')") == (400, "0x8004f032")
    assert world.call("DELETE", VANS).status_code == 204
    assert world.call("GET", "new_vans").status_code == 404


def test_what_is_made_becomes_part_of_the_solution_that_is_named(world: DataverseWorld) -> None:
    world.env.import_solution(vehicle(managed=False))
    solution = world.get("solutions", filter="uniquename eq 'Fleet'")["value"][0]["solutionid"]
    page = column("String", "new_Page", MaxLength=20)

    made = world.call("POST", f"{VANS}/Attributes", page, headers={"MSCRM.SolutionUniqueName": "Fleet"})
    other = column("String", "new_Other", MaxLength=20)
    nobody = world.call("POST", f"{VANS}/Attributes", other, headers={"MSCRM.SolutionUniqueName": "Nobody"})

    identity = made.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
    listed = world.get("solutioncomponents", filter=f"_solutionid_value eq {solution} and objectid eq {identity}")
    assert [one["componenttype"] for one in listed["value"]] == [2]
    assert (nobody.status_code, "new_other" in shapes(world)) == (404, False)


def test_a_role_is_made_filled_and_deleted(world: DataverseWorld) -> None:
    unit = world.get("businessunits")["value"][0]["businessunitid"]
    role = world.post("roles", {"name": "Van driver", "businessunitid@odata.bind": f"/businessunits({unit})"})
    wanted = world.get("privileges", filter="name eq 'prvReadnew_Van'")["value"][0]["privilegeid"]
    body = {"Privileges": [{"PrivilegeId": wanted, "Depth": "Global", "BusinessUnitId": unit}]}

    added = world.call("POST", f"roles({role})/{CRM}AddPrivilegesRole", body)
    replaced = world.call("POST", f"roles({role})/{CRM}ReplacePrivilegesRole", {"Privileges": []})
    empty = world.get(f"RetrieveRolePrivilegesRole(RoleId={role})")["RolePrivileges"]

    assert (added.status_code, replaced.status_code, empty) == (204, 204, [])
    bad = {"Privileges": [{"PrivilegeId": unit, "Depth": "Global"}]}
    assert world.refusal("POST", f"roles({role})/{CRM}AddPrivilegesRole", bad) == (404, "0x80040217")
    assert world.call("DELETE", f"roles({role})").status_code == 204
    assert "Van driver" not in {row["name"] for row in world.env.rows("roles")}


def test_endpoint_and_step_by_the_api_are_unmanaged_and_deletable(world: DataverseWorld) -> None:
    step = world.step("Create", "new_van")
    endpoint = world.get(f"sdkmessageprocessingsteps({step})")["_eventhandler_value"]

    made = world.get(f"sdkmessageprocessingsteps({step})", select="ismanaged")

    assert made["ismanaged"] is False
    assert world.refusal("DELETE", f"serviceendpoints({endpoint})") == (405, "0x80040227")
    assert world.call("DELETE", f"sdkmessageprocessingsteps({step})").status_code == 204
    assert world.call("DELETE", f"serviceendpoints({endpoint})").status_code == 204


def test_publishing_some_tables(world: DataverseWorld) -> None:
    xml = "<importexportxml><entities><entity>new_van</entity></entities></importexportxml>"

    assert world.call("POST", "PublishXml", {"ParameterXml": xml}).status_code == 204
