"""Solutions that are there already: updates, upgrades, uninstalling, and what does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.dataverse import Refused
from solution.webhook import ENDPOINT_ID, PLACEHOLDER_URL
from tests.contract.dataverse_world import DataverseWorld
from tests.contract.test_dataverse_simulator_solutions import CONNECTORS, Installer, outcome, package
from tests.contract.test_dataverse_simulator_solutions_made import (
    KEY,
    NAME,
    attribute,
    entity,
    link,
    manifest,
    vehicle,
    zipped,
)

SECRET = {"authtype": 5, "authvalue": '<settings><setting name="x-hook-secret" value="s3cret" /></settings>'}
MINE = {"url": "https://mine.example/hook", **SECRET}
COLOUR = attribute("fab_Colour", "nvarchar", "<Format>text</Format><MaxLength>20</MaxLength>")
SEATS = attribute("fab_Seats", "int", "<Format>none</Format>")


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


@pytest.fixture
def installer(world: DataverseWorld) -> Installer:
    return Installer(world)


def endpoint(world: DataverseWorld) -> dict[str, Any]:
    return world.get(f"serviceendpoints({ENDPOINT_ID})", select="url,isauthvalueset")


def fleet(*attributes: str, owners: bool = True, **more: Any) -> bytes:
    """Two tables that know one another, and a column on the account; `owners`: with the second table."""
    roots = ((1, "fab_vehicle", 0), (1, "account", 2))
    entities = entity("fab_Vehicle", KEY, NAME, *attributes, attribute("fab_Owner", "lookup") if owners else "")
    entities += entity("Account", attribute("fab_Fleet", "lookup"))
    links = link("fab_vehicle_account", "Account", "fab_Fleet", "fab_Vehicle")
    if owners:
        roots = (*roots, (1, "fab_owner", 0))
        named = attribute("fab_Name", "nvarchar", "<MaxLength>80</MaxLength>", mask="PrimaryName")
        entities += entity("fab_Owner", attribute("fab_OwnerId", "primarykey", custom=0), named)
        links += link("fab_owner_vehicle", "fab_Vehicle", "fab_Owner", "fab_Owner")
    after = f"<EntityRelationships>{links}</EntityRelationships>"
    return zipped(manifest(roots=roots, **more), entities, after=after)


def test_an_update_adds_and_changes_but_removes_nothing(installer: Installer, world: DataverseWorld) -> None:
    installer.run(vehicle(COLOUR))
    made = world.post("fab_vehicles", {"fab_name": "Van", "fab_colour": "red"})
    longer = attribute("fab_Name", "nvarchar", "<MaxLength>200</MaxLength>", mask="PrimaryName")

    job = installer.run(zipped(manifest(version="1.1.0.0"), entity("fab_Vehicle", KEY, longer, SEATS)))

    assert outcome(job) == (3, 30)
    assert world.call("PATCH", f"fab_vehicles({made})", {"fab_name": "V" * 150, "fab_seats": 3}).status_code == 204
    assert world.get(f"fab_vehicles({made})")["fab_colour"] == "red"
    found = installer.solution("Fleet")
    assert found is not None
    assert found["version"] == "1.1.0.0"


def test_an_upgrade_removes_what_the_new_version_omits(installer: Installer, world: DataverseWorld) -> None:
    installer.run(fleet(COLOUR))
    owner = world.post("fab_owners", {"fab_name": "Ann"})
    made = world.post("fab_vehicles", {"fab_colour": "red", "fab_Owner@odata.bind": f"/fab_owners({owner})"})

    job = installer.upgrade(fleet(SEATS, owners=False, version="2.0.0.0"))

    row = world.get(f"fab_vehicles({made})")
    assert (outcome(job), job["operationtype"]) == ((3, 30), 211)
    assert "fab_seats" in row
    assert not {"fab_colour", "_fab_owner_value"} & set(row)
    assert installer.tables("fab_") == {"fab_vehicle"}
    assert world.call("GET", "fab_owners").status_code == 404
    assert "fab_owner" not in {row["primaryobjecttypecode"] for row in world.env.rows("sdkmessagefilters")}
    assert "prvReadfab_Owner" not in {row["name"] for row in world.env.rows("privileges")}
    again = installer.upgrade(fleet(COLOUR, SEATS, version="3.0.0.0"))
    assert outcome(again) == (3, 30)
    assert world.get(f"fab_vehicles({made})")["fab_colour"] is None
    assert world.get("fab_owners")["value"] == []


def test_an_upgrade_that_somebody_depends_on_fails_as_a_whole(installer: Installer, world: DataverseWorld) -> None:
    installer.run(fleet(COLOUR))
    world.env.customise({"columns": {"contact": [{"name": "new_owner", "type": "lookup", "targets": ["fab_owner"]}]}})
    world.post("fab_owners", {"fab_name": "Ann"})

    job = installer.upgrade(fleet(SEATS, owners=False, version="2.0.0.0"))

    found = installer.solution("Fleet")
    assert (outcome(job), job["errorcode"]) == ((3, 31), 0x8004F01F - 2**32)
    assert "cannot be deleted because it is referenced by" in job["friendlymessage"]
    assert found is not None
    assert found["version"] == "1.0.0.0"
    assert len(world.get("fab_owners")["value"]) == 1
    assert "fab_colour" in world.get("fab_vehicles", select="fab_colour")["@odata.context"]
    assert world.call("GET", "fab_vehicles?$select=fab_seats").status_code == 400


def test_an_upgrade_needs_a_higher_version(installer: Installer) -> None:
    installer.run(package())

    same = installer.upgrade(package())
    lower = installer.upgrade(package(version="0.9.0.0"))

    message = "The import solution must have a higher version than the existing solution it is upgrading."
    assert [(outcome(one), one["friendlymessage"]) for one in (same, lower)] == [((3, 31), message)] * 2
    assert same["errorcode"] == 0x80048541 - 2**32


def test_a_first_install_by_upgrade_is_an_import(installer: Installer) -> None:
    assert outcome(installer.upgrade(package())) == (3, 30)
    assert len(installer.tables()) == 7


@pytest.mark.parametrize(
    ("installed", "comes", "code", "words"),
    [
        (vehicle(), vehicle(managed=False), "0x80048041", "already installed on this system as a managed solution"),
        (
            vehicle(managed=False),
            vehicle(),
            "0x80048040",
            "already installed on this system as an unmanaged solution",
        ),
        (vehicle(version="2.0.0.0"), vehicle(), "0x80048541", "must have a higher version"),
        (vehicle(), vehicle(publisher="contoso"), "0x8004801c", "The publisher name cannot be changed from fabrikam"),
    ],
)
def test_what_does_not_fit_the_installed_one_is_refused(
    installer: Installer, installed: bytes, comes: bytes, code: str, words: str
) -> None:
    installer.run(installed)
    before = installer.solution("Fleet")

    staged, job = installer.stage(comes), installer.run(comes)

    (said,) = staged["SolutionValidationResults"]
    assert (staged["StageSolutionStatus"], staged["SolutionDetails"]["PreviousSolutionUniqueName"]) == (
        "Failed",
        "Fleet",
    )
    assert words in said["Message"]
    assert outcome(job) == (3, 31)
    assert f"0x{job['errorcode'] & 0xFFFFFFFF:08x}" == code
    assert installer.solution("Fleet") == before


def test_a_column_cannot_change_its_type(installer: Installer) -> None:
    installer.run(vehicle(COLOUR))

    job = installer.run(vehicle(attribute("fab_Colour", "int"), version="1.1.0.0"))

    assert outcome(job) == (3, 31)
    assert "Attribute fab_colour is a string, but a integer type was specified." in job["friendlymessage"]


def test_an_address_that_was_set_stays_unless_it_is_overwritten(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    world.call("PATCH", f"serviceendpoints({ENDPOINT_ID})", MINE)

    installer.run(package(version="1.1.0.0"))
    kept = endpoint(world)
    installer.upgrade(package(version="1.2.0.0"))
    after_upgrade = endpoint(world)
    installer.run(package(version="1.3.0.0"), OverwriteUnmanagedCustomizations=True)
    overwritten = endpoint(world)

    assert (kept["url"], kept["isauthvalueset"]) == (MINE["url"], True)
    assert (after_upgrade["url"], after_upgrade["isauthvalueset"]) == (MINE["url"], True)
    assert (overwritten["url"], overwritten["isauthvalueset"]) == (PLACEHOLDER_URL, False)


def test_steps_stay_enabled_or_disabled_as_they_are(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package(), PublishWorkflows=False)
    first, second = (row["sdkmessageprocessingstepid"] for row in world.env.rows("sdkmessageprocessingsteps")[:2])
    world.call("PATCH", f"sdkmessageprocessingsteps({first})", {"statecode": 0, "statuscode": 1})

    installer.upgrade(package(version="1.1.0.0"), PublishWorkflows=False)
    disabled = {
        row["sdkmessageprocessingstepid"]: row["statecode"] for row in world.env.rows("sdkmessageprocessingsteps")
    }
    installer.upgrade(package(version="1.2.0.0"), PublishWorkflows=True)
    enabled = {
        row["sdkmessageprocessingstepid"]: row["statecode"] for row in world.env.rows("sdkmessageprocessingsteps")
    }

    assert (disabled[first], disabled[second]) == (0, 1)
    assert enabled == disabled


def test_uninstalling_takes_everything_away(installer: Installer, world: DataverseWorld) -> None:
    standard = set(world.env._env.schema.by_name)
    on_invoice = set(world.env._env.schema.by_name["invoice"].columns)
    sets = ("systemforms", "savedqueries", "roles", "appmodules", "sitemaps", "serviceendpoints", "privileges")
    before = {name: len(world.env.rows(name)) for name in (*sets, "sdkmessageprocessingsteps", "sdkmessagefilters")}
    installer.run(package())
    connector = world.post(CONNECTORS, {"stl3_name": "Contoso"})
    invoice = world.invoice(**{"stl3_Connector@odata.bind": f"/{CONNECTORS}({connector})"})
    found = installer.solution()
    assert found is not None

    assert world.call("DELETE", f"solutions({found['solutionid']})").status_code == 204

    assert installer.solution() is None
    assert set(world.env._env.schema.by_name) == standard
    assert set(world.env._env.schema.by_name["invoice"].columns) == on_invoice
    assert {name: len(world.env.rows(name)) for name in before} == before
    assert world.get(f"invoices({invoice})")["name"] == "June"
    assert world.env.rows("solutioncomponents") == []
    assert outcome(installer.run(package())) == (3, 30)
    assert world.get(CONNECTORS)["value"] == []
    assert world.get(f"invoices({invoice})")["_stl3_connector_value"] is None


def test_uninstalling_is_refused_while_something_depends_on_it(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    world.call("PATCH", f"serviceendpoints({ENDPOINT_ID})", MINE)
    step = world.step("Update", "stl3_taxtype", endpoint=ENDPOINT_ID)
    found = installer.solution()
    assert found is not None
    address = f"solutions({found['solutionid']})"

    refused = world.call("DELETE", address)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (400, "0x8004f01d")
    assert (
        "Solution dependencies exist, cannot uninstall. DependencyCount : 2" in refused.get_json()["error"]["message"]
    )
    assert "ObjectName : Xero: stl3_taxtype Update" in refused.get_json()["error"]["message"]
    assert len(installer.tables()) == 7

    assert world.call("DELETE", f"sdkmessageprocessingsteps({step})").status_code == 204
    assert world.call("DELETE", address).status_code == 204


def test_a_view_of_somebody_that_shows_a_managed_column_is_a_dependency(installer: Installer) -> None:
    installer.run(fleet(COLOUR))
    view = {
        "name": "Mine",
        "returnedtypecode": "account",
        "querytype": 0,
        "fetchxml": '<fetch><entity name="account"><attribute name="fab_fleet" /></entity></fetch>',
    }
    made = installer.world.post("savedqueries", view)
    found = installer.solution("Fleet")
    assert found is not None

    assert installer.world.refusal("DELETE", f"solutions({found['solutionid']})") == (400, "0x8004f01d")
    installer.world.call("DELETE", f"savedqueries({made})")
    assert installer.world.call("DELETE", f"solutions({found['solutionid']})").status_code == 204


def test_nothing_is_uninstalled_while_an_import_runs(installer: Installer) -> None:
    installer.run(vehicle())
    found = installer.solution("Fleet")
    assert found is not None
    installer.start(vehicle(version="1.1.0.0"))

    assert installer.world.refusal("DELETE", f"solutions({found['solutionid']})") == (429, "0x80071151")
    installer.wait()
    assert installer.world.call("DELETE", f"solutions({found['solutionid']})").status_code == 204


def test_an_unmanaged_solution_is_a_container_only(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package(managed=False))
    world.post(CONNECTORS, {"stl3_name": "Contoso"})
    found = installer.solution()
    assert found is not None

    world.call("DELETE", f"solutions({found['solutionid']})")

    assert installer.solution() is None
    assert len(world.get(CONNECTORS)["value"]) == 1
    assert world.refusal("DELETE", "EntityDefinitions(LogicalName='stl3_brandingtheme')") == (400, "0x8004f01f")
    step = world.env.rows("sdkmessageprocessingsteps")[0]["sdkmessageprocessingstepid"]
    assert world.call("DELETE", f"sdkmessageprocessingsteps({step})").status_code == 204


@pytest.mark.parametrize(
    "address",
    [
        f"serviceendpoints({ENDPOINT_ID})",
        "EntityDefinitions(LogicalName='stl3_taxtype')",
        "EntityDefinitions(LogicalName='invoice')/Attributes(LogicalName='stl3_amountdue')",
        "EntityDefinitions(LogicalName='stl3_taxtype')/Keys(LogicalName='stl3_taxtypekey')",
    ],
)
def test_what_is_managed_cannot_be_deleted_by_itself(installer: Installer, address: str) -> None:
    installer.run(package())

    assert installer.world.refusal("DELETE", address) == (400, "0x8004f032")


def test_every_kind_of_managed_row_stays(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    sets = {"roles": "roleid", "sdkmessageprocessingsteps": "sdkmessageprocessingstepid", "systemforms": "formid"}

    codes = {name: world.refusal("DELETE", f"{name}({world.env.rows(name)[-1][key]})") for name, key in sets.items()}

    assert set(codes.values()) == {(400, "0x8004f032")}


def test_a_changeset_that_fails_keeps_what_it_would_have_uninstalled(installer: Installer) -> None:
    installer.run(vehicle(COLOUR))
    env, row = installer.world.env._env, installer.solution("Fleet")
    assert row is not None
    made = installer.world.post("fab_vehicles", {"fab_colour": "red"})

    def change() -> None:
        with env.transaction():
            installer.world.person.delete("solutions", row["solutionid"])
            installer.world.person.delete("accounts", row["solutionid"])

    with pytest.raises(Refused):
        change()

    assert installer.world.get(f"fab_vehicles({made})")["fab_colour"] == "red"
