"""Solutions that are somebody else's: hand-made files with every kind of column, and what a file can get wrong."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest

from simulators.dataverse import Refused
from tests.contract.dataverse_world import DataverseWorld
from tests.contract.test_dataverse_simulator_solutions import Installer, outcome

D = Decimal
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types" />'
ROOTS = ((1, "fab_vehicle", 0),)


def manifest(
    *,
    name: str = "Fleet",
    version: str = "1.0.0.0",
    managed: bool = True,
    prefix: str = "fab",
    publisher: str = "fabrikam",
    roots: tuple[tuple[int, str, int], ...] = ROOTS,
    dependencies: str = "",
) -> str:
    listed = "".join(
        f'<RootComponent type="{kind}" {"id" if of.startswith("{") else "schemaName"}="{of}" behavior="{behavior}" />'
        for kind, of, behavior in roots
    )
    return f"""<ImportExportXml version="9.2.0.0" SolutionPackageVersion="9.2" languagecode="1033">
      <SolutionManifest><UniqueName>{name}</UniqueName>
        <LocalizedNames><LocalizedName description="{name}" languagecode="1033" /></LocalizedNames><Descriptions />
        <Version>{version}</Version><Managed>{int(managed)}</Managed>
        <Publisher><UniqueName>{publisher}</UniqueName><LocalizedNames>
          <LocalizedName description="Fabrikam" languagecode="1033" /></LocalizedNames>
          <CustomizationPrefix>{prefix}</CustomizationPrefix>
          <CustomizationOptionValuePrefix>77564</CustomizationOptionValuePrefix></Publisher>
        <RootComponents>{listed}</RootComponents><MissingDependencies>{dependencies}</MissingDependencies>
      </SolutionManifest></ImportExportXml>"""


def attribute(name: str, kind: str, inside: str = "", *, mask: str = "ValidForForm", custom: int = 1) -> str:
    return f"""<attribute PhysicalName="{name}"><Type>{kind}</Type><Name>{name.lower()}</Name>
      <LogicalName>{name.lower()}</LogicalName><RequiredLevel>none</RequiredLevel><DisplayMask>{mask}</DisplayMask>
      <IsCustomField>{custom}</IsCustomField>{inside}
      <displaynames><displayname description="{name} label" languagecode="1033" /></displaynames></attribute>"""


KEY = attribute("fab_VehicleId", "primarykey", custom=0)
NAME = attribute("fab_Name", "nvarchar", "<Format>text</Format><MaxLength>80</MaxLength>", mask="PrimaryName")


def entity(name: str, *attributes: str, owned: str = "OrgOwned", more: str = "") -> str:
    return f"""<Entity><Name LocalizedName="{name}" OriginalName="{name}">{name}</Name><EntityInfo>
      <entity Name="{name}"><LocalizedNames><LocalizedName description="A {name}" languagecode="1033" />
      </LocalizedNames><attributes>{"".join(attributes)}</attributes><EntitySetName>{name.lower()}s</EntitySetName>
      <OwnershipTypeMask>{owned}</OwnershipTypeMask></entity></EntityInfo>{more}</Entity>"""


def link(name: str, table: str, column: str, target: str, *, delete: str = "RemoveLink") -> str:
    return f"""<EntityRelationship Name="{name}"><EntityRelationshipType>OneToMany</EntityRelationshipType>
      <ReferencingEntityName>{table}</ReferencingEntityName><ReferencedEntityName>{target}</ReferencedEntityName>
      <CascadeDelete>{delete}</CascadeDelete><ReferencingAttributeName>{column}</ReferencingAttributeName>
      <EntityRelationshipRoles><EntityRelationshipRole><NavigationPropertyName>{column}</NavigationPropertyName>
      <RelationshipRoleType>1</RelationshipRoleType></EntityRelationshipRole></EntityRelationshipRoles>
      </EntityRelationship>"""


def zipped(solution: str, entities: str = "", *, after: str = "", before: str = "") -> bytes:
    """Return a solution file; `before` and `after` are what stands around the tables."""
    root = f"<ImportExportXml>{before}<Entities>{entities}</Entities>{after}</ImportExportXml>"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for file, text in (("solution.xml", solution), ("customizations.xml", root), ("[Content_Types].xml", TYPES)):
            archive.writestr(file, text)
    return made.getvalue()


def vehicle(*attributes: str, **more: Any) -> bytes:
    """Return a solution with one table of these columns besides key and name."""
    return zipped(manifest(**more), entity("fab_Vehicle", KEY, NAME, *attributes))


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


@pytest.fixture
def installer(world: DataverseWorld) -> Installer:
    return Installer(world)


def option(value: int, text: str) -> str:
    label = f'<label description="{text}" languagecode="1033" />'
    return f'<option value="{value}"><labels>{label}</labels></option>'


def test_every_kind_of_column_is_imported(installer: Installer, world: DataverseWorld) -> None:
    """Names in any case: the file says fab_Vehicle, the platform's logical name is fab_vehicle."""
    fuels = f"<options>{option(775640000, 'Petrol')}{option(775640001, 'Power')}</options>"
    yes = f"<options>{option(1, 'Sold')}{option(0, 'Ours')}</options>"
    columns = (
        attribute("fab_Page", "nvarchar", "<Format>url</Format><MaxLength>200</MaxLength>"),
        attribute("fab_Notes", "ntext", "<Format>textarea</Format><MaxLength>4000</MaxLength>"),
        attribute("fab_Seats", "int", "<Format>none</Format><MinValue>1</MinValue><MaxValue>9</MaxValue>"),
        attribute("fab_Weight", "decimal", "<Accuracy>3</Accuracy><MinValue>0</MinValue><MaxValue>99</MaxValue>"),
        attribute("fab_Price", "money", "<Accuracy>2</Accuracy><AccuracySource>2</AccuracySource>"),
        attribute("fab_Price_Base", "money", "<CalculationOf>fab_price</CalculationOf>"),
        attribute("fab_Boughton", "datetime", "<Format>date</Format><Behavior>2</Behavior>"),
        attribute("fab_Seenat", "datetime", "<Format>datetime</Format><Behavior>1</Behavior>"),
        attribute("fab_Opens", "datetime", "<Format>datetime</Format><Behavior>3</Behavior>"),
        attribute(
            "fab_Fuel", "picklist", f"<AppDefaultValue>775640001</AppDefaultValue><optionset>{fuels}</optionset>"
        ),
        attribute("fab_Grade", "picklist", "<OptionSetName>fab_grade</OptionSetName>"),
        attribute("fab_Sold", "bit", f"<AppDefaultValue>0</AppDefaultValue><optionset>{yes}</optionset>"),
        attribute("fab_Driver", "lookup"),
        attribute("OwnerId", "owner", custom=0),
    )
    relationships = link("fab_contact_vehicle", "fab_Vehicle", "fab_Driver", "Contact", delete="Restrict")
    shared = f'<optionset Name="fab_grade"><options>{option(1, "A")}{option(2, "B")}</options></optionset>'
    after = f"<EntityRelationships>{relationships}</EntityRelationships><optionsets>{shared}</optionsets>"
    roots = (*ROOTS, (9, "fab_grade", 0))
    content = zipped(
        manifest(roots=roots), entity("fab_Vehicle", KEY, NAME, *columns, owned="UserOwned"), after=after
    )
    assert outcome(installer.run(content)) == (3, 30)
    driver = world.person.create("contacts", {"lastname": "Ann"})
    values = {
        "fab_seats": 5,
        "fab_weight": D("1.2345"),
        "fab_price": 10,
        "fab_boughton": "2025-07-01",
        "fab_grade": 2,
    }

    made = world.post("fab_vehicles", values | {"fab_Driver@odata.bind": f"/contacts({driver})"})

    row = world.get(f"fab_vehicles({made})")
    assert (row["fab_weight"], row["fab_price_base"]) == (D("1.235"), D(10))
    assert (row["fab_fuel"], row["fab_grade"], row["fab_sold"]) == (775640001, 2, False)
    assert (row["_fab_driver_value"], row["_ownerid_value"]) == (driver, world.app_user_id)
    assert world.refusal("PATCH", f"fab_vehicles({made})", {"fab_seats": 10}) == (400, "0x80044330")
    assert world.refusal("DELETE", f"contacts({driver})") == (405, "0x80040227")
    assert len(world.get(f"contacts({driver})/fab_contact_vehicle")["value"]) == 1
    types = world.get("EntityDefinitions(LogicalName='fab_vehicle')/Attributes", filter="IsCustomAttribute eq true")
    shapes = {one["LogicalName"]: one for one in types["value"]}
    assert shapes["fab_page"]["FormatName"] == {"Value": "Url"}
    assert shapes["fab_opens"]["DateTimeBehavior"] == {"Value": "TimeZoneIndependent"}
    assert shapes["fab_boughton"]["DateTimeBehavior"] == {"Value": "DateOnly"}
    assert [one for one in shapes if one.startswith("fab_price")] == ["fab_price", "fab_price_base"]
    assert world.get("GlobalOptionSetDefinitions(Name='fab_grade')")["Options"][1]["Value"] == 2


def test_a_status_of_its_own_comes_with_the_table(world: DataverseWorld) -> None:
    states = """<optionset Name="s"><states><state value="0" defaultstatus="2"><labels>
      <label description="Open" languagecode="1033" /></labels></state><state value="1" defaultstatus="3"><labels>
      <label description="Shut" languagecode="1033" /></labels></state></states></optionset>"""
    reasons = """<optionset Name="r"><statuses><status value="1" state="0"><labels>
      <label description="New" languagecode="1033" /></labels></status><status value="2" state="0"><labels>
      <label description="Used" languagecode="1033" /></labels></status><status value="3" state="1"><labels>
      <label description="Scrapped" languagecode="1033" /></labels></status></statuses></optionset>"""
    pair = (attribute("statecode", "state", states, custom=0), attribute("statuscode", "status", reasons, custom=0))
    world.env.import_solution(vehicle(*pair))

    made = world.post("fab_vehicles", {"fab_name": "Van"})
    world.call("PATCH", f"fab_vehicles({made})", {"statecode": 1})

    assert [row["statuscode"] for row in world.env.rows("fab_vehicles")] == [3]


def test_steps_of_any_table_and_roles_of_any_name(world: DataverseWorld) -> None:
    endpoint, step, role = (f"{{{sign * 8}-0000-4000-8000-000000000000}}" for sign in "abc")
    after = f"""<SdkMessageProcessingSteps>
      <SdkMessageProcessingStep Name="On update" SdkMessageProcessingStepId="{step}">
      <PrimaryEntity>fab_Vehicle</PrimaryEntity><FilteringAttributes>fab_name</FilteringAttributes><Mode>1</Mode>
      <Rank>1</Rank><SdkMessageId>20bebb1b-ea3e-db11-86a7-000a3a5473e8</SdkMessageId>
      <EventHandler>{endpoint}</EventHandler><EventHandlerTypeCode>4618</EventHandlerTypeCode><Stage>40</Stage>
      </SdkMessageProcessingStep></SdkMessageProcessingSteps><ServiceEndpoints>
      <ServiceEndpoint ServiceEndpointId="{endpoint}" Name="Fleet"><Contract>8</Contract><AuthType>4</AuthType>
      <Url>https://fleet.example/hook</Url></ServiceEndpoint></ServiceEndpoints>"""
    privileges = f"""<Roles><Role id="{role}" name="Driver"><RolePrivileges>
      <RolePrivilege name="prvReadfab_Vehicle" level="Global" /></RolePrivileges></Role></Roles>"""
    roots = (*ROOTS, (20, role, 0), (92, step, 0), (95, endpoint, 0))
    content = zipped(manifest(roots=roots), entity("fab_Vehicle", KEY, NAME), after=privileges + after)
    world.env.import_solution(content)
    made = world.person.create("fab_vehicles", {"fab_name": "Van"})

    world.person.update("fab_vehicles", made, {"fab_name": "Truck"})

    (body,) = world.deliver()
    assert (body["PrimaryEntityName"], body["MessageName"]) == ("fab_vehicle", "Update")
    assert [row["name"] for row in world.env.rows("roles")] == ["System Administrator", "Driver"]


LOOSE = attribute("fab_Driver", "lookup")
TEXT = attribute("fab_Text", "nvarchar", "<Format>text</Format>")
VIEW = """<SavedQueries><savedqueries><savedquery><savedqueryid>{0f0f0f0f-0000-4000-8000-000000000001}</savedqueryid>
  <querytype>0</querytype><fetchxml><fetch version="1.0"><entity name="fab_vehicle"><attribute name="fab_gone" />
  </entity></fetch></fetchxml><LocalizedNames><LocalizedName description="All" languagecode="1033" /></LocalizedNames>
  </savedquery></savedqueries></SavedQueries>"""
FORM = """<FormXml><forms type="main"><systemform><formid>{0f0f0f0f-0000-4000-8000-000000000002}</formid><form><tabs>
  <control id="x" datafieldname="fab_gone" /></tabs></form><LocalizedNames>
  <LocalizedName description="Main" languagecode="1033" /></LocalizedNames></systemform></forms></FormXml>"""
WRONG: dict[str, tuple[bytes, str, str]] = {
    "no zip": (b"PK no zip", "0x80048060", "must contain the following files at its root"),
    "unknown element": (
        zipped(manifest(), entity("fab_Vehicle", KEY, NAME), after="<Gadgets />"),
        "0x8004801a",
        "XSD validation failed with the following error: 'The element 'ImportExportXml' has invalid child",
    ),
    "wrong order": (
        zipped(manifest(), entity("fab_Vehicle", KEY, NAME), before="<Roles />"),
        "0x8004801a",
        "invalid child element 'Entities'",
    ),
    "not well formed": (zipped(manifest(), "<Entity>"), "0x80048013", "not well formed"),
    "lookup without relationship": (
        vehicle(LOOSE),
        "0x80048033",
        "attributes fab_driver of entity fab_vehicle are missing their associated relationship definition",
    ),
    "no primary name": (
        zipped(manifest(), entity("fab_Vehicle", KEY)),
        "0x80044355",
        "PrimaryName attribute not found for Entity: fab_vehicle",
    ),
    "two primary names": (
        vehicle(attribute("fab_Two", "nvarchar", "<MaxLength>9</MaxLength>", mask="PrimaryName")),
        "0x80048033",
        "An entity can only have one primary name attribute",
    ),
    "prefix": (
        vehicle(attribute("new_Text", "nvarchar", "<MaxLength>9</MaxLength>")),
        "0x80048062",
        "Invalid name for attribute new_Text.  Custom attribute names must start with a valid customization prefix",
    ),
    "length": (vehicle(TEXT), "0x80040203", "New string attributes must have a max length value"),
    "type": (vehicle(attribute("fab_X", "memo")), "0x80040203", "Unable to find attribute type by name memo"),
    "format": (
        vehicle(attribute("fab_X", "datetime", "<Format>dateonly</Format>")),
        "0x80040203",
        "The format dateonly is not valid for the datetime type column fab_x",
    ),
    "text format": (
        vehicle(attribute("fab_X", "nvarchar", "<Format>Text</Format><MaxLength>9</MaxLength>")),
        "0x80040203",
        "Invalid string format Text for column fab_x",
    ),
    "global choice": (
        vehicle(attribute("fab_X", "picklist", "<OptionSetName>fab_none</OptionSetName>")),
        "0x80048039",
        "references a non-existing global Option Set ('fab_none')",
    ),
    "not a root": (
        zipped(manifest(roots=()), entity("fab_Vehicle", KEY, NAME)),
        "0x8004803a",
        "component fab_Vehicle of type 1 is not declared in the solution file as a root component",
    ),
    "root missing": (
        zipped(manifest(roots=(*ROOTS, (80, "fab_App", 0))), entity("fab_Vehicle", KEY, NAME)),
        "0x8004801f",
        "Cannot add a Root Component fab_app of type 80 because it is not in the target system",
    ),
    "view": (
        zipped(manifest(), entity("fab_Vehicle", KEY, NAME, more=VIEW)),
        "0x80041103",
        "'fab_vehicle' entity doesn't contain attribute with Name = 'fab_gone'",
    ),
    "form": (
        zipped(manifest(), entity("fab_Vehicle", KEY, NAME, more=FORM)),
        "0x8004f036",
        "The dependent component Attribute (Id=fab_gone) does not exist",
    ),
    "prefix of nobody": (vehicle(prefix="mscrmx"), "0x80048000", "customization prefix"),
    "version": (vehicle(version="one"), "0x80048000", "version"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_wrong_fails_the_job_and_changes_nothing(installer: Installer, case: str) -> None:
    content, code, words = WRONG[case]
    tables = len(installer.world.env._env.schema.by_name)
    filters = len(installer.world.env.rows("sdkmessagefilters"))

    started = installer.start(content)
    installer.wait()

    job = installer.job(started)
    assert outcome(job) == (3, 31)
    assert words in job["friendlymessage"]
    assert words in job["message"]
    assert f"0x{job['errorcode'] & 0xFFFFFFFF:08x}" == code
    assert installer.result(started)["Status"] == "Failed"
    assert words in installer.result(started)["ErrorMessages"][0]["Message"]
    assert installer.solution("Fleet") is None
    assert installer.tables("fab_") == set()
    assert len(installer.world.env._env.schema.by_name) == tables
    assert len(installer.world.env.rows("sdkmessagefilters")) == filters
    assert "fab_" not in str(installer.world.env.rows("privileges"))
    assert outcome(installer.run(vehicle())) == (3, 30)


def test_a_lookup_to_a_table_that_is_not_there_is_a_missing_dependency(installer: Installer) -> None:
    relationships = link("fab_boat_vehicle", "fab_Vehicle", "fab_Driver", "fab_Boat")
    after = f"<EntityRelationships>{relationships}</EntityRelationships>"
    content = zipped(manifest(), entity("fab_Vehicle", KEY, NAME, LOOSE), after=after)

    results = installer.stage(content)

    (missing,) = results["MissingDependencies"]
    assert (missing["RequiredComponentSchemaName"], missing["RequiredComponentType"]) == ("fab_boat", "Entity")
    assert missing["DependentComponentSchemaName"] == "fab_driver"
    assert outcome(installer.run(content)) == (3, 31)


def test_what_the_manifest_needs_must_be_installed(installer: Installer) -> None:
    needs = """<MissingDependency><Required type="61" schemaName="fab_script" solution="Base (2.0.0.0)" />
      <Dependent type="1" schemaName="fab_vehicle" /></MissingDependency>"""
    content = zipped(manifest(dependencies=needs), entity("fab_Vehicle", KEY, NAME))
    base = zipped(manifest(name="Base", version="1.9.0.0", roots=()))
    newer = zipped(manifest(name="Base", version="2.0.0.1", roots=()))

    before = installer.stage(content)
    installer.run(base)
    older = installer.stage(content)
    installer.run(newer)
    after = installer.stage(content)

    assert [one["StageSolutionStatus"] for one in (before, older, after)] == ["Failed", "Failed", "Passed"]
    (said,) = before["SolutionValidationResults"]
    assert (said["SolutionValidationResultType"], said["ErrorCode"]) == ("Error", -2147188707)
    assert 'solution="Base (2.0.0.0)"' in said["Message"]
    assert set(before["StageSolutionUploadId"]) == {"0", "-"}


def test_importing_at_once_raises_what_is_wrong(world: DataverseWorld) -> None:
    with pytest.raises(Refused) as caught:
        world.env.import_solution(vehicle(LOOSE))

    assert (caught.value.status, caught.value.code) == (400, "0x80048033")
    assert world.env._env.schema.find("fab_vehicle") is None
