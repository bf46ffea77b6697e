"""Security roles that are rows: they allow what they name, for the whole organisation, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from solution.role import ROLE_ID, ROLE_NAME
from tests.contract.dataverse_world import CLIENT_ID, TENANT, URL, DataverseWorld
from tests.contract.test_dataverse_simulator_solutions import CONNECTORS, DETAILS, package

DENIED = (403, "0x80040220")


@pytest.fixture
def world() -> DataverseWorld:
    """Our solution is installed, and the application user has its role and no other."""
    world = DataverseWorld()
    world.env.import_solution(package(), enable_steps=False)
    world.env.set_roles(world.app_user_id, (ROLE_NAME,))
    return world


def missing(world: DataverseWorld, method: str, path: str, body: Any = None) -> str:
    """Make a call that is refused; return the privilege that it says is missing."""
    answer = world.call(method, path, body)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == DENIED, answer.text
    return str(error["message"]).rpartition("missing ")[2].removesuffix(" privilege")


def test_a_role_allows_what_it_names(world: DataverseWorld) -> None:
    invoice = world.invoice({"quantity": 1, "priceperunit": 5})
    connector = world.post(CONNECTORS, {"stl3_name": "Contoso"})

    row = {
        "stl3_Invoice@odata.bind": f"/invoices({invoice})",
        "stl3_Connector@odata.bind": f"/{CONNECTORS}({connector})",
    }
    made = world.post(DETAILS, {"stl3_name": "x", **row})

    assert world.call("PATCH", f"{DETAILS}({made})", {"stl3_name": "y"}).status_code == 204
    assert world.call("PATCH", f"invoices({invoice})", {"stl3_amountdue": 5}).status_code == 204
    assert len(world.get(f"invoices({invoice})", expand="invoice_details")["invoice_details"]) == 1
    for path in (
        "accounts",
        "products",
        "pricelevels",
        "uoms",
        "organizations",
        "transactioncurrencies",
        "systemusers",
    ):
        assert world.call("GET", path).status_code == 200, path
    assert world.get("WhoAmI")["UserId"] == world.app_user_id


def test_a_role_allows_nothing_else(world: DataverseWorld) -> None:
    invoice, account = world.invoice(), world.account()
    details = world.person.create(DETAILS, {"stl3_name": "x"})

    assert missing(world, "DELETE", f"invoices({invoice})") == "prvDeleteInvoice"
    assert missing(world, "DELETE", f"{DETAILS}({details})") == "prvDeletestl3_xerodetails"
    assert missing(world, "POST", "invoices", {"name": "x"}) == "prvCreateInvoice"
    assert missing(world, "POST", "accounts", {"name": "x"}) == "prvCreateAccount"
    assert (
        missing(world, "PATCH", "products(00000000-0000-4000-8000-000000000000)", {"name": "x"}) == "prvCreateProduct"
    )
    assert missing(world, "GET", "businessunits") == "prvReadBusinessUnit"
    assert missing(world, "GET", "solutions") == "prvReadSolution"
    assert missing(world, "GET", "publishers") == "prvReadPublisher"
    assert missing(world, "GET", f"accounts({account})?$expand=owningbusinessunit") == "prvReadBusinessUnit"
    assert missing(world, "GET", f"accounts({account})/owningbusinessunit") == "prvReadBusinessUnit"
    assert missing(world, "GET", "importjobs/$count") == "prvReadImportJob"
    assert missing(world, "POST", "sdkmessageprocessingsteps", {}) == "prvCreateSdkMessageProcessingStep"
    assert missing(world, "POST", "PublishAllXml", {}) == "prvPublishCustomization"


def test_lines_are_used_with_the_invoices_privileges(world: DataverseWorld) -> None:
    invoice = world.invoice({"quantity": 1, "priceperunit": 5})
    (line,) = world.lines(invoice)
    address = f"invoicedetails({line['invoicedetailid']})"

    assert world.call("PATCH", address, {"description": "x"}).status_code == 204
    assert (
        missing(world, "PATCH", address, {"productid@odata.bind": f"/products({world.product()})"})
        == "prvAppendInvoice"
    )
    assert world.call("DELETE", address).status_code == 204


def test_a_lookup_takes_append_here_and_append_to_there(world: DataverseWorld) -> None:
    invoice, account = world.invoice(), world.account()
    connector = world.post(CONNECTORS, {"stl3_name": "Contoso"})
    user = {"primarycontactid@odata.bind": f"/contacts({world.person.create('contacts', {'lastname': 'A'})})"}

    on_invoice = {"stl3_Connector@odata.bind": f"/{CONNECTORS}({connector})"}

    assert missing(world, "PATCH", f"invoices({invoice})", on_invoice) == "prvAppendInvoice"
    assert world.call("PATCH", f"accounts({account})", user).status_code == 204
    for privilege in ("prvAppendToContact", "prvAppendAccount"):
        world.env.deny(world.app_user_id, privilege)
        assert missing(world, "PATCH", f"accounts({account})", user) == privilege
    assert world.call("PATCH", f"invoices({invoice})", {"stl3_Connector@odata.bind": None}).status_code == 204


def test_metadata_is_read_with_privileges_of_its_own(world: DataverseWorld) -> None:
    table = "EntityDefinitions(LogicalName='invoice')"
    for path in (table, f"{table}/Attributes", f"{table}/Keys", f"{table}/ManyToOneRelationships"):
        assert world.call("GET", path).status_code == 200, path
    world.env.set_roles(world.app_user_id, ())
    made = world.person.create("roles", {"name": "Poor", "businessunitid@odata.bind": unit(world)})
    grant(world, made, "prvReadEntity")
    world.env.set_roles(world.app_user_id, ("Poor",))

    assert world.call("GET", table).status_code == 200
    assert missing(world, "GET", f"{table}/Attributes") == "prvReadAttribute"
    assert missing(world, "GET", f"{table}?$expand=Keys") == "prvReadEntityKey"
    assert missing(world, "GET", "RelationshipDefinitions") == "prvReadRelationship"
    assert missing(world, "GET", "GlobalOptionSetDefinitions") == "prvReadOptionSet"
    assert missing(world, "POST", "EntityDefinitions", {}) == "prvCreateEntity"
    assert missing(world, "POST", f"{table}/Attributes", {}) == "prvCreateAttribute"


def unit(world: DataverseWorld) -> str:
    return f"/businessunits({world.env.rows('businessunits')[0]['businessunitid']})"


def grant(world: DataverseWorld, role_id: str, privilege: str, depth: str = "Global") -> int:
    """Give a role a privilege as an administrator."""
    world.login.add_app(TENANT, client_id="admin", client_secret="s")
    if all(row["applicationid"] != "admin" for row in world.env.rows("systemusers")):
        world.env.add_app_user("admin", roles=("System Administrator",))
    token = world.login.issue(TENANT, "admin", URL)
    wanted = next(row["privilegeid"] for row in world.env.rows("privileges") if row["name"] == privilege)
    body = {"Privileges": [{"PrivilegeId": wanted, "Depth": depth}]}
    address = f"roles({role_id})/Microsoft.Dynamics.CRM.AddPrivilegesRole"
    return world.call("POST", address, body, token=token).status_code


def test_a_privilege_can_be_added_and_must_be_for_the_whole_organisation(world: DataverseWorld) -> None:
    invoice = world.invoice()

    assert grant(world, ROLE_ID, "prvDeleteInvoice", "Basic") == 204
    assert missing(world, "DELETE", f"invoices({invoice})") == "prvDeleteInvoice"
    assert grant(world, ROLE_ID, "prvDeleteInvoice") == 204
    assert world.call("DELETE", f"invoices({invoice})").status_code == 204


def test_an_administrator_gives_a_user_a_role(world: DataverseWorld) -> None:
    """POST systemuserroles_association/$ref, read it, take it away; a user without any may not come in."""
    world.env.set_roles(world.app_user_id, ("System Administrator",))
    world.login.add_app(TENANT, client_id="second", client_secret="s")
    user = world.env.add_app_user("second", roles=())
    token = world.login.issue(TENANT, "second", URL)
    address = f"systemusers({user})/systemuserroles_association"
    role = {"@odata.id": f"{URL}/api/data/v9.2/roles({ROLE_ID})"}

    before = world.call("GET", "invoices", token=token)
    given = [world.call("POST", f"{address}/$ref", role).status_code for _ in range(2)]
    roles = world.get(address, select="name,roleid")["value"]
    after = world.call("GET", "invoices", token=token)
    users = world.get(f"roles({ROLE_ID})", expand="systemuserroles_association($select=fullname)")
    granted = world.get(f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()")["RolePrivileges"]
    taken = world.call("DELETE", f"{address}({ROLE_ID})/$ref")
    gone = world.call("GET", "invoices", token=token)

    assert (before.status_code, before.get_json()["error"]["code"]) == (403, "0x80042F09")
    assert (given, [one["name"] for one in roles]) == ([204, 204], [ROLE_NAME])
    assert after.status_code == 200
    assert len(users["systemuserroles_association"]) == 1
    assert "prvReadInvoice" in {one["PrivilegeName"] for one in granted}
    assert (taken.status_code, gone.status_code) == (204, 403)


def test_a_user_cannot_give_itself_a_role(world: DataverseWorld) -> None:
    administrator = next(row["roleid"] for row in world.env.rows("roles") if row["name"] == "System Administrator")
    address = f"systemusers({world.app_user_id})/systemuserroles_association/$ref"

    assert missing(world, "POST", address, {"@odata.id": f"roles({administrator})"}) == "prvAssignRole"


def test_a_word_that_is_no_role_allows_everything_but_what_is_taken_away(world: DataverseWorld) -> None:
    world.env.set_roles(world.app_user_id, ("connector",))
    account = world.account()

    assert world.call("DELETE", f"accounts({account})").status_code == 204
    world.env.deny(world.app_user_id, "prvDeleteAccount")
    assert missing(world, "DELETE", f"accounts({world.account()})") == "prvDeleteAccount"


def test_a_privilege_can_be_taken_from_who_has_it_by_a_role(world: DataverseWorld) -> None:
    world.env.deny(world.app_user_id, "prvReadInvoice")
    refused = missing(world, "GET", "invoices")
    world.env.allow(world.app_user_id, "prvReadInvoice")

    assert (refused, world.call("GET", "invoices").status_code) == ("prvReadInvoice", 200)


def test_a_word_becomes_the_role_of_that_name_when_it_comes() -> None:
    world = DataverseWorld()
    world.env.set_roles(world.app_user_id, (ROLE_NAME,))
    before = world.call("GET", "businessunits").status_code

    world.env.import_solution(package())

    assert (before, missing(world, "GET", "businessunits")) == (200, "prvReadBusinessUnit")
    roles = world.env.rows("systemuserrolescollection")
    assert [(row["systemuserid"], row["roleid"]) for row in roles] == [(world.app_user_id, ROLE_ID)]


def test_the_administrator_may_do_everything(world: DataverseWorld) -> None:
    world.env.set_roles(world.app_user_id, ("System Administrator",))

    assert world.call("DELETE", f"accounts({world.account()})").status_code == 204
    assert world.call("GET", "solutions").status_code == 200
    (role,) = world.get(f"systemusers({world.app_user_id})/systemuserroles_association", expand="roletemplateid")[
        "value"
    ]
    assert role["_roletemplateid_value"] == "627090ff-40a3-4053-8790-584edc5be201"


def test_roles_go_with_their_solution(world: DataverseWorld) -> None:
    (solution,) = world.env.rows("solutions")
    world.person.delete("solutions", solution["solutionid"])

    assert world.call("GET", "WhoAmI").get_json()["error"]["code"] == "0x80042F09"
    assert world.env.rows("roleprivilegescollection") == []
    assert CLIENT_ID in {row["applicationid"] for row in world.env.rows("systemusers")}
