"""Solutions over the Web API: staging, importing, following the job, and using what was imported."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from werkzeug.test import Client

from solution.names import UNIQUE_NAME
from solution.package import build
from solution.role import ROLE_ID, ROLE_NAME
from solution.webhook import ENDPOINT_ID, PLACEHOLDER_URL, STEPS
from tests.contract.dataverse_world import URL, DataverseWorld

IMPORT_S = 20
CONNECTORS, DETAILS = "stl3_dynamicsxeroconnectors", "stl3_xerodetailses"


@cache
def package(*, managed: bool = True, version: str = "1.0.0.0") -> bytes:
    return build(managed=managed, version=version)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


class Installer:
    """Somebody who administers the environment and imports solutions, as the documentation says."""

    def __init__(self, world: DataverseWorld) -> None:
        self.world = world
        world.env.set_roles(world.app_user_id, ("System Administrator",))

    def action(self, name: str, body: Any) -> dict[str, Any]:
        answer = self.world.call("POST", name, body)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def stage(self, content: bytes) -> dict[str, Any]:
        return self.action("StageSolution", {"CustomizationFile": encoded(content)})["StageSolutionResults"]

    def start(self, content: bytes, *, action: str = "ImportSolutionAsync", **more: Any) -> dict[str, Any]:
        """Begin an import without staging; return how to follow it."""
        body = {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": True}
        return self.action(action, body | {"CustomizationFile": encoded(content)} | more)

    def wait(self, seconds: float = IMPORT_S) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))

    def job(self, started: dict[str, Any]) -> dict[str, Any]:
        select = "statecode,statuscode,message,friendlymessage,errorcode,completedon,operationtype"
        return self.world.get(f"asyncoperations({started['AsyncOperationId']})", select=select)

    def run(self, content: bytes, **more: Any) -> dict[str, Any]:
        """Import and wait; return the job."""
        started = self.start(content, **more)
        self.wait()
        return self.job(started)

    def upgrade(self, content: bytes, **more: Any) -> dict[str, Any]:
        return self.run(content, action="StageAndUpgradeAsync", **more)

    def result(self, started: dict[str, Any]) -> dict[str, Any]:
        address = f"RetrieveSolutionImportResult(ImportJobId={started['ImportJobKey']})"
        return self.world.get(address)["SolutionOperationResult"]

    def solution(self, unique_name: str = UNIQUE_NAME) -> dict[str, Any] | None:
        found = self.world.get("solutions", filter=f"uniquename eq '{unique_name}'", expand="publisherid")["value"]
        return found[0] if found else None

    def tables(self, prefix: str = "stl3_") -> set[str]:
        rows = self.world.get("EntityDefinitions", select="LogicalName")["value"]
        return {row["LogicalName"] for row in rows if row["LogicalName"].startswith(prefix)}


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


@pytest.fixture
def installer(world: DataverseWorld) -> Installer:
    return Installer(world)


def outcome(job: dict[str, Any]) -> tuple[int, int]:
    return job["statecode"], job["statuscode"]


def test_staging_says_what_is_in_the_file_and_imports_nothing(installer: Installer) -> None:
    results = installer.stage(package())

    details = results["SolutionDetails"]
    entities = [one for one in results["SolutionComponentsDetails"] if one["ComponentTypeName"] == "entity"]
    present = {one["ComponentName"]: one["IsPresentInOrg"] for one in entities}
    assert (results["StageSolutionStatus"], results["SolutionValidationResults"]) == ("Passed", [])
    assert results["MissingDependencies"] == []
    assert uuid.UUID(results["StageSolutionUploadId"]).int > 0
    assert (details["SolutionUniqueName"], details["SolutionVersion"]) == (UNIQUE_NAME, "1.0.0.0")
    assert (details["IsManaged"], details["PreviousSolutionVersion"]) == (True, None)
    assert (present["invoice"], present["stl3_xerodetails"]) == ("True", "False")
    assert installer.tables() == set()
    assert installer.solution() is None


def test_a_staged_file_is_imported_when_its_time_is_up(installer: Installer) -> None:
    upload = installer.stage(package())["StageSolutionUploadId"]
    parameters = {"SolutionParameters": {"StageSolutionUploadId": upload}}
    started = installer.action(
        "ImportSolutionAsync", {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": False} | parameters
    )
    installer.wait(5)
    before, job, tables = installer.job(started), installer.world.get(f"importjobs({started['ImportJobKey']})"), set()
    tables = installer.tables()
    installer.wait(15)
    after = installer.job(started)

    assert (outcome(before), before["completedon"], before["operationtype"]) == ((2, 20), None, 203)
    assert (job["progress"], job["solutionname"], tables) == (Decimal(25), UNIQUE_NAME, set())
    assert (outcome(after), after["errorcode"]) == ((3, 30), None)
    assert len(installer.tables()) == 7
    found = installer.solution()
    assert found is not None
    assert (found["version"], found["ismanaged"]) == ("1.0.0.0", True)
    assert found["publisherid"]["customizationprefix"] == "stl3"


def test_the_result_and_the_jobs_data_tell_how_it_went(installer: Installer) -> None:
    started = installer.start(package())
    assert installer.world.refusal("GET", f"RetrieveSolutionImportResult(ImportJobId={started['ImportJobKey']})") == (
        400,
        "0x80040203",
    )
    installer.wait()
    result = installer.result(started)
    by_alias = f"RetrieveSolutionImportResult(ImportJobId=@p)?@p={started['ImportJobKey']}"
    job = installer.world.get(f"importjobs({started['ImportJobKey']})", select="progress,completedon,data")

    data = ET.fromstring(job["data"])
    results = {one.get("result") for one in data.iter("result")}
    assert (result["Type"], result["Status"], result["ErrorMessages"]) == ("Import", "Passed", [])
    assert installer.world.call("GET", by_alias).status_code == 200
    assert data.findtext("solutionManifests/solutionManifest/UniqueName") == UNIQUE_NAME
    assert data.find("solutionManifests/solutionManifest/result").attrib["result"] == "success"  # type: ignore[union-attr]
    assert results <= {"success", "warning"}
    assert (job["progress"], job["completedon"]) == (Decimal(100), "2025-07-01T12:00:20Z")
    assert {one.get("LocalizedName") for one in data.iter("entity")} >= {"invoice", "stl3_xerodetails"}


def test_rows_live_in_imported_tables(installer: Installer, world: DataverseWorld) -> None:
    """Lookups by their navigation properties, keys, defaults, lengths, amounts in base currency."""
    installer.run(package())
    connector = world.post(CONNECTORS, {"stl3_name": "Contoso", "stl3_connectionid": "c-1"})
    invoice = world.invoice(**{"stl3_Connector@odata.bind": f"/{CONNECTORS}({connector})", "stl3_amountdue": 12})
    row = {"stl3_name": "INV-1", "stl3_dynamicsinvoiceid": invoice, "stl3_xerourl": "https://go.xero.com/x"}
    world.call("PATCH", f"{DETAILS}(stl3_dynamicsinvoiceid='{invoice}')", row)
    bind = {"stl3_Invoice@odata.bind": f"/invoices({invoice})"}
    world.call("PATCH", f"{DETAILS}(stl3_dynamicsinvoiceid='{invoice}')", bind)

    read = world.get(f"invoices({invoice})", expand="stl3_xerodetails_invoice,stl3_Connector($select=stl3_state)")

    (details,) = read["stl3_xerodetails_invoice"]
    assert read["stl3_Connector"]["stl3_state"] == 367800000
    assert (read["stl3_amountdue_base"], read["_stl3_connector_value"]) == (Decimal(12), connector)
    assert (details["stl3_name"], details["stl3_exportstatus"]) == ("INV-1", 367800000)
    assert details["stl3_closedbyconnector"] is False  # yes and no are never empty: the default is No
    assert world.refusal("POST", CONNECTORS, {"stl3_connectionid": "c-1"}) == (412, "0x80060892")
    assert world.refusal("POST", CONNECTORS, {"stl3_connectionid": "c" * 37}) == (400, "0x80044331")
    assert world.refusal("POST", CONNECTORS, {"stl3_state": 5}) == (400, "0x80040203")


def test_metadata_tells_what_the_package_says(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    table = "EntityDefinitions(LogicalName='stl3_xerodetails')"
    columns = {row["LogicalName"]: row for row in world.get(f"{table}/Attributes")["value"]}
    on_invoice = world.get("EntityDefinitions(LogicalName='invoice')/Attributes(LogicalName='stl3_amountdue')")
    found = world.get(table, expand="Keys,ManyToOneRelationships($select=SchemaName,ReferencedEntity,IsManaged)")

    links = {one["SchemaName"]: one["ReferencedEntity"] for one in found["ManyToOneRelationships"]}
    assert (found["IsManaged"], found["IsCustomEntity"], found["OwnershipType"]) == (True, True, "OrganizationOwned")
    assert found["EntitySetName"] == DETAILS
    assert found["DisplayCollectionName"]["UserLocalizedLabel"]["Label"] == "Xero Details"
    assert found["Description"]["UserLocalizedLabel"]["Label"] == "What became of an invoice in Xero."
    assert [(key["SchemaName"], key["KeyAttributes"], key["IsManaged"]) for key in found["Keys"]] == [
        ("stl3_invoicekey", ["stl3_dynamicsinvoiceid"], True)
    ]
    assert links["stl3_xerodetails_invoice"] == "invoice"
    assert (columns["stl3_xerourl"]["FormatName"], columns["stl3_xerourl"]["MaxLength"]) == ({"Value": "Url"}, 1000)
    assert (columns["stl3_amountdue"]["AttributeType"], columns["stl3_amountdue"]["Precision"]) == ("Decimal", 4)
    assert columns["stl3_name"]["IsPrimaryName"]
    assert columns["stl3_name"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert columns["stl3_exportdate"]["DateTimeBehavior"] == {"Value": "UserLocal"}
    assert columns["stl3_exportstatus"]["DefaultFormValue"] == 367800000
    assert columns["stl3_documentkind"]["DefaultFormValue"] == -1
    assert columns["stl3_statusbeforeclose"]["MinValue"] == -(2**31)
    assert (on_invoice["PrecisionSource"], on_invoice["IsManaged"]) == (0, True)
    assert world.get("EntityDefinitions(LogicalName='invoice')", select="IsCustomEntity")["IsCustomEntity"] is False


def test_forms_views_app_role_endpoint_and_steps_are_there(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    solution = installer.solution()
    assert solution is not None
    forms = world.get("systemforms", filter="objecttypecode eq 'invoice'", select="name,type,formxml,ismanaged")
    views = world.get("savedqueries", filter="returnedtypecode eq 'stl3_xerodetails' and querytype eq 0")["value"]
    listed = world.get("solutioncomponents", filter=f"_solutionid_value eq {solution['solutionid']}")["value"]
    app = world.get(
        "appmodules", filter="uniquename eq 'stl3_StellariseConnector'", expand="appmoduleroles_association"
    )
    site_map = world.get("sitemaps", filter="sitemapnameunique eq 'stl3_StellariseConnector'")["value"]
    endpoint = world.get(f"serviceendpoints({ENDPOINT_ID})")
    steps = world.get("sdkmessageprocessingsteps", filter=f"_eventhandler_value eq {ENDPOINT_ID}")["value"]
    images = world.get("sdkmessageprocessingstepimages")["value"]

    (form,) = forms["value"]
    kinds = [one["componenttype"] for one in listed]
    assert (form["type"], form["ismanaged"], ET.fromstring(form["formxml"]).tag) == (2, True, "form")
    assert ET.fromstring(views[0]["fetchxml"]).find("entity").attrib["name"] == "stl3_xerodetails"  # type: ignore[union-attr]
    assert [one["name"] for one in app["value"][0]["appmoduleroles_association"]] == [ROLE_NAME]
    assert len(site_map) == 1
    assert (kinds.count(92), kinds.count(95), kinds.count(20), kinds.count(80)) == (len(STEPS), 1, 1, 1)
    assert sorted({one["rootcomponentbehavior"] for one in listed if one["componenttype"] == 1}) == [0, 2]
    assert (endpoint["contract"], endpoint["authtype"], endpoint["url"]) == (8, 5, PLACEHOLDER_URL)
    assert (endpoint["isauthvalueset"], endpoint["ismanaged"]) == (False, True)
    assert {one["statecode"] for one in steps} == {0}
    assert {one["name"] for one in steps} == {step.name for step in STEPS}
    assert len(images) == sum(1 for step in STEPS if step.before)


def test_only_privileges_that_exist_come_with_a_role(installer: Installer, world: DataverseWorld) -> None:
    """The platform knows no privilege for price lists: reading them is part of reading products."""
    started = installer.start(package())
    installer.wait()
    address = f"RetrieveRolePrivilegesRole(RoleId={ROLE_ID})"
    granted = {one["PrivilegeName"]: one["Depth"] for one in world.get(address)["RolePrivileges"]}
    through = world.get(f"roles({ROLE_ID})/roleprivileges_association", select="name")["value"]

    assert granted["prvReadInvoice"] == "Global"
    assert "prvReadPriceLevel" not in granted
    assert {one["name"] for one in through} == set(granted)
    known = {row["name"] for row in world.get("privileges", select="name")["value"]}
    assert "prvWritestl3_xerodetails" in known
    assert all("privilege" in one["Message"] for one in installer.result(started)["WarningMessages"])


def test_steps_are_imported_disabled_when_asked(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package(), PublishWorkflows=False)

    steps = world.get("sdkmessageprocessingsteps", select="statecode,statuscode")["value"]
    assert {(one["statecode"], one["statuscode"]) for one in steps} == {(1, 2)}


def test_imported_steps_post_to_the_address_that_is_set(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    secret = '<settings><setting name="x-hook-secret" value="s3cret" /></settings>'
    patch = {"url": "https://hook.example/d", "authtype": 5, "authvalue": secret}
    assert world.call("PATCH", f"serviceendpoints({ENDPOINT_ID})", patch).status_code == 204
    invoice = world.invoice()
    world.deliver()

    world.person.delete("invoices", invoice)
    (body,) = world.deliver()

    assert {delivery.url for delivery in world.sent} == {"https://hook.example/d"}
    assert {delivery.headers["x-hook-secret"] for delivery in world.sent} == {"s3cret"}
    assert (body["MessageName"], body["PreEntityImages"][0]["key"]) == ("Delete", "before")
    assert world.get(f"serviceendpoints({ENDPOINT_ID})")["isauthvalueset"] is True


def test_an_endpoint_without_its_secret_is_called_without_one(world: DataverseWorld) -> None:
    world.env.import_solution(package())
    world.invoice()

    world.deliver(404)

    assert {delivery.url for delivery in world.sent} == {PLACEHOLDER_URL}
    assert {job["statuscode"] for job in world.env.rows("asyncoperations")} == {31}


def test_one_import_at_a_time(installer: Installer, world: DataverseWorld) -> None:
    started = installer.start(package())
    body = {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": True, "CustomizationFile": "UEs="}
    second = world.call("POST", "ImportSolutionAsync", body)
    column = {"@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "new_X", "MaxLength": 5}
    address = "EntityDefinitions(LogicalName='account')/Attributes"

    assert (second.status_code, second.get_json()["error"]["code"]) == (429, "0x80071151")
    assert "another [Import]" in second.get_json()["error"]["message"]
    assert world.refusal("POST", "PublishAllXml", {}) == (429, "0x80071151")
    assert world.refusal("POST", address, column) == (429, "0x80071151")
    installer.wait()
    assert outcome(installer.job(started)) == (3, 30)
    assert world.call("POST", "PublishAllXml", {}).status_code == 204
    assert world.call("POST", address, column).status_code == 204


def test_a_job_id_of_ones_own_is_used_once_only(installer: Installer, world: DataverseWorld) -> None:
    job_id = str(uuid.UUID(int=7))

    started = installer.start(package(), ImportJobId=job_id)
    installer.wait()

    assert started["ImportJobKey"] == job_id
    assert world.get(f"importjobs({job_id})")["progress"] == 100
    body = {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": True, "ImportJobId": job_id}
    again = body | {"CustomizationFile": encoded(package())}
    assert world.refusal("POST", "ImportSolutionAsync", again) == (412, "0x80040237")


def test_importing_the_same_again_changes_nothing(installer: Installer, world: DataverseWorld) -> None:
    installer.run(package())
    connector = world.post(CONNECTORS, {"stl3_name": "Contoso", "stl3_connectionid": "c-1"})
    sets = (CONNECTORS, "systemforms", "savedqueries", "roles", "sdkmessageprocessingsteps", "serviceendpoints")
    before = {name: world.env.rows(name) for name in sets}

    job = installer.run(package())

    assert outcome(job) == (3, 30)
    assert {name: world.env.rows(name) for name in sets} == before
    assert world.get(f"{CONNECTORS}({connector})")["stl3_connectionid"] == "c-1"
    assert len(world.env.rows("solutions")) == 1


def test_the_unmanaged_twin_is_imported_too(installer: Installer, world: DataverseWorld) -> None:
    job = installer.run(package(managed=False))

    found = installer.solution()
    assert outcome(job) == (3, 30)
    assert found is not None
    assert found["ismanaged"] is False
    assert world.get("EntityDefinitions(LogicalName='stl3_taxtype')", select="IsManaged")["IsManaged"] is False
    assert world.call("POST", "PublishAllXml", {}).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"PublishWorkflows": True},
        {"PublishWorkflows": True, "OverwriteUnmanagedCustomizations": None},
        {"PublishWorkflows": True, "OverwriteUnmanagedCustomizations": False, "ComponentParameters": None},
        {"PublishWorkflows": True, "OverwriteUnmanagedCustomizations": False, "Nonsense": 1},
        {"PublishWorkflows": True, "OverwriteUnmanagedCustomizations": False, "CustomizationFile": "no base64!"},
        {"PublishWorkflows": True, "OverwriteUnmanagedCustomizations": False, "ImportJobId": "7"},
    ],
)
def test_parameters_are_checked(installer: Installer, body: dict[str, Any]) -> None:
    given = {"CustomizationFile": encoded(package())} | body

    assert installer.world.refusal("POST", "ImportSolutionAsync", given) == (400, "0x80048d19")
    assert installer.world.env.rows("asyncoperations") == []


def test_an_unknown_upload_is_not_found(installer: Installer) -> None:
    parameters = {"SolutionParameters": {"StageSolutionUploadId": str(uuid.UUID(int=1))}}
    body = {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": True} | parameters

    assert installer.world.refusal("POST", "StageAndUpgradeAsync", body) == (404, "0x80040217")


def test_only_administrators_import(world: DataverseWorld) -> None:
    file = {"CustomizationFile": encoded(package())}
    answer = world.call("POST", "StageSolution", file)
    body = {"OverwriteUnmanagedCustomizations": False, "PublishWorkflows": True} | file

    assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "0x80040220")
    assert "prvImportCustomization" in answer.get_json()["error"]["message"]
    assert world.refusal("POST", "ImportSolutionAsync", body) == (403, "0x80040220")


def test_tests_and_demos_import_at_once(world: DataverseWorld) -> None:
    """In the process, or by the control API from another one."""
    content = {"package": encoded(package()), "enable_steps": False}
    answer = Client(world.env.wire).post("/_control/import-solution", json=content, base_url=URL)
    broken = Client(world.env.wire).post("/_control/import-solution", json={"package": "UEs="}, base_url=URL)

    assert answer.get_json() == {"imported": True}
    assert (broken.status_code, broken.get_json()["error"]["code"]) == (400, "0x80048060")
    assert {row["statecode"] for row in world.env.rows("sdkmessageprocessingsteps")} == {1}
    assert world.env.rows("asyncoperations") == []
