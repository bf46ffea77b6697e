"""Rows over the Web API: create, read, change, delete, upsert, and what is refused."""

from __future__ import annotations

import pytest

from simulators.dataverse import Refused
from tests.contract.dataverse_world import URL, DataverseWorld


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def test_create_answers_204_with_the_address_and_no_body(world: DataverseWorld) -> None:
    answer = world.call("POST", "accounts", {"name": "Contoso"})

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["OData-EntityId"].startswith(f"{URL}/api/data/v9.2/accounts(")
    assert answer.headers["Location"] == answer.headers["OData-EntityId"]
    assert answer.headers["OData-Version"] == "4.0"


def test_create_shows_the_row_when_asked(world: DataverseWorld) -> None:
    answer = world.call("POST", "accounts?$select=name", {"name": "C"}, headers={"Prefer": "return=representation"})

    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert answer.get_json()["name"] == "C"
    assert set(answer.get_json()) == {"@odata.context", "@odata.etag", "name", "accountid"}


def test_money_is_exact_to_the_digit(world: DataverseWorld) -> None:
    body = b'{"name": "C", "creditlimit": 90071992547.41}'
    account_id = world.call("POST", "accounts", body).headers["OData-EntityId"][-37:-1]

    assert b'"creditlimit":90071992547.41,' in world.call("GET", f"accounts({account_id})?$select=creditlimit").data


def test_patch_without_a_condition_brings_a_deleted_row_back(world: DataverseWorld) -> None:
    """The trap that If-Match: * is for."""
    account_id = world.account()
    world.person.delete("accounts", account_id)

    refused = world.refusal("PATCH", f"accounts({account_id})", {"name": "x"}, If_Match="*")
    answer = world.call("PATCH", f"accounts({account_id})", {"name": "Back"})

    assert refused == (404, "0x80040217")
    assert answer.status_code == 204
    assert world.person.get("accounts", account_id)["name"] == "Back"


def test_every_change_makes_a_new_etag_and_an_old_one_is_refused(world: DataverseWorld) -> None:
    account_id = world.account()
    etag = world.get(f"accounts({account_id})")["@odata.etag"]

    assert (
        world.call("PATCH", f"accounts({account_id})", {"name": "B"}, headers={"If-Match": etag}).status_code == 204
    )
    assert world.refusal("PATCH", f"accounts({account_id})", {"name": "C"}, If_Match=etag) == (412, "0x80060882")
    assert world.refusal("DELETE", f"accounts({account_id})", If_Match=etag) == (412, "0x80060882")
    assert world.get(f"accounts({account_id})")["@odata.etag"] != etag


def test_an_unchanged_row_is_304(world: DataverseWorld) -> None:
    account_id = world.account()
    etag = world.get(f"accounts({account_id})")["@odata.etag"]

    assert world.call("GET", f"accounts({account_id})", headers={"If-None-Match": etag}).status_code == 304
    assert world.call("GET", f"accounts({account_id})", headers={"If-None-Match": "null"}).status_code == 200


def test_upsert_by_alternate_key_repeats_the_address_and_tells_nothing(world: DataverseWorld) -> None:
    address = "new_xerolinks(new_invoicekey='A%20B''1')"

    created = world.call("PATCH", address, {"new_name": "first", "new_invoicekey": "ignored?"})
    row = world.env.rows("new_xerolinks")[0]
    updated = world.call("PATCH", "new_xerolinks(new_invoicekey='ignored%3F')", {"new_name": "x"})

    assert created.status_code == 204
    assert "new_invoicekey='A%20B''1'" in created.headers["OData-EntityId"]
    assert row["new_invoicekey"] == "ignored?"  # on create the body wins over the address
    assert updated.status_code == 400  # a question mark in a key value is trouble


def test_upsert_ignores_key_columns_in_the_body_of_an_update(world: DataverseWorld) -> None:
    world.call("PATCH", "new_xerolinks(new_invoicekey='k')", {"new_name": "first"})

    world.call("PATCH", "new_xerolinks(new_invoicekey='K')", {"new_name": "second", "new_invoicekey": "other"})

    assert [(r["new_invoicekey"], r["new_name"]) for r in world.env.rows("new_xerolinks")] == [("k", "second")]


def test_upsert_says_what_it_did_only_with_representation(world: DataverseWorld) -> None:
    address, prefer = "new_xerolinks(new_invoicekey='k')", {"Prefer": "return=representation"}

    assert world.call("PATCH", address, {"new_name": "a"}, headers=prefer).status_code == 201
    assert world.call("PATCH", address, {"new_name": "b"}, headers=prefer).status_code == 200


def test_conditions_make_upsert_update_only_or_create_only(world: DataverseWorld) -> None:
    address = "new_xerolinks(new_invoicekey='k')"

    assert world.refusal("PATCH", address, {"new_name": "a"}, If_Match="*") == (404, "0x80060891")
    assert world.call("PATCH", address, {"new_name": "a"}, headers={"If-None-Match": "*"}).status_code == 204
    assert world.refusal("PATCH", address, {"new_name": "b"}, If_None_Match="*") == (412, "0x80060892")


def test_a_key_of_several_parts_takes_a_lookup(world: DataverseWorld) -> None:
    invoice_id = world.invoice()
    address = f"new_xerolinks(new_rate=7.5,_new_invoice_value={invoice_id})"

    assert world.call("PATCH", address, {"new_name": "by two"}).status_code == 204
    assert world.get(address)["new_name"] == "by two"
    assert world.env.rows("new_xerolinks")[0]["_new_invoice_value"] == invoice_id


def test_key_values_are_unique_without_regard_to_case_and_nulls_are_not_checked(world: DataverseWorld) -> None:
    world.post("new_xerolinks", {"new_name": "a", "new_invoicekey": "Key"})
    world.post("new_xerolinks", {"new_name": "no key"})
    world.post("new_xerolinks", {"new_name": "no key either"})

    assert world.refusal("POST", "new_xerolinks", {"new_invoicekey": "KEY"}) == (412, "0x80060892")


def test_an_undefined_or_unfinished_key_cannot_be_used(world: DataverseWorld) -> None:
    assert world.refusal("GET", "accounts(accountnumber='A1')")[0] == 400
    world.env.set_key_status("new_xerolink", "new_invoicekeykey", active=False)
    assert world.refusal("GET", "new_xerolinks(new_invoicekey='k')") == (400, "0x8006088f")


def test_lookups_are_bound_by_the_exact_navigation_property(world: DataverseWorld) -> None:
    invoice_id = world.invoice()

    assert world.refusal("POST", "new_xerolinks", {"new_invoice@odata.bind": f"/invoices({invoice_id})"}) == (
        400,
        "0x0",
    )
    assert world.refusal("POST", "invoices", {"customerid@odata.bind": "/accounts(x)"}) == (400, "0x0")
    link = world.post("new_xerolinks", {"new_Invoice@odata.bind": f"/invoices({invoice_id})"})

    assert world.get(f"new_xerolinks({link})")["_new_invoice_value"] == invoice_id


def test_a_lookup_takes_absolute_addresses_and_keys_and_only_rows_that_exist(world: DataverseWorld) -> None:
    contact_id = world.post("contacts", {"lastname": "Kay"})
    absolute = {"primarycontactid@odata.bind": f"{URL}/api/data/v9.2/contacts({contact_id})"}
    account_id = world.post("accounts", {"name": "A", **absolute})
    nobody = {"primarycontactid@odata.bind": "/contacts(00000000-0000-0000-0000-000000000001)"}

    assert world.get(f"accounts({account_id})")["_primarycontactid_value"] == contact_id
    assert world.refusal("POST", "accounts", {"name": "B", **nobody}) == (404, "0x80040217")
    assert world.refusal("POST", "accounts", {"primarycontactid@odata.bind": f"/accounts({account_id})"})[0] == 400
    assert world.refusal("POST", "accounts", {"_primarycontactid_value": contact_id})[0] == 400


def test_a_lookup_is_cleared_by_null_or_by_deleting_the_reference(world: DataverseWorld) -> None:
    contact_id = world.post("contacts", {"lastname": "Kay"})
    account_id = world.post("accounts", {"name": "A", "primarycontactid@odata.bind": f"/contacts({contact_id})"})

    assert world.call("DELETE", f"accounts({account_id})/primarycontactid/$ref").status_code == 204
    cleared = world.get(f"accounts({account_id})")["_primarycontactid_value"]
    world.call("PUT", f"accounts({account_id})/primarycontactid/$ref", {"@odata.id": f"contacts({contact_id})"})
    set_again = world.get(f"accounts({account_id})")["_primarycontactid_value"]
    world.call("PATCH", f"accounts({account_id})", {"primarycontactid@odata.bind": None})

    assert (cleared, set_again) == (None, contact_id)
    assert world.get(f"accounts({account_id})")["_primarycontactid_value"] is None


def test_single_properties_are_set_read_and_cleared(world: DataverseWorld) -> None:
    account_id = world.account()

    assert world.call("PUT", f"accounts({account_id})/fax", {"value": "99"}).status_code == 204
    assert world.get(f"accounts({account_id})/fax")["value"] == "99"
    assert world.call("DELETE", f"accounts({account_id})/fax").status_code == 204
    assert world.call("GET", f"accounts({account_id})/fax").status_code == 204


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        ({"nonsense": 1}, (400, "0x80048d19")),
        ({"name": 5}, (400, "0x80048d19")),
        ({"name": "x" * 161}, (400, "0x80044331")),
        ({"paymenttermscode": 99}, (400, "0x80040203")),
        ({"creditlimit": "12"}, (400, "0x80048d19")),
        ({"creditonhold": "yes"}, (400, "0x80048d19")),
        ({"statecode": 0, "statuscode": 2}, (400, "0x80048408")),
    ],
)
def test_values_that_do_not_fit_their_columns_are_refused(
    world: DataverseWorld, row: dict[str, object], refused: tuple[int, str]
) -> None:
    assert world.refusal("POST", "accounts", row) == refused


def test_system_and_computed_columns_in_a_body_are_ignored(world: DataverseWorld) -> None:
    account_id = world.post("accounts", {"name": "A", "createdon": "2001-01-01T00:00:00Z", "versionnumber": 1})

    assert world.get(f"accounts({account_id})")["createdon"] == "2025-07-01T12:00:00Z"


def test_a_related_row_is_created_along(world: DataverseWorld) -> None:
    """Deep insert, both directions, and nothing when one part is refused."""
    world.post("accounts", {"name": "A", "primarycontactid": {"lastname": "Deep"}})
    bad = {"name": "B", "primarycontactid": {"lastname": "x" * 51}}

    assert world.refusal("POST", "accounts", bad) == (400, "0x80044331")
    assert [row["fullname"] for row in world.env.rows("contacts")] == ["Deep"]
    assert [row["name"] for row in world.env.rows("accounts")] == ["A"]


def test_deleting_is_restricted_cascaded_or_removes_the_link(world: DataverseWorld) -> None:
    account_id = world.account()
    bind = {"customerid_account@odata.bind": f"/accounts({account_id})"}
    lines = {"invoice_details": [{"productdescription": "x", "quantity": 1}]}
    invoice_id = world.person.create("invoices", {"name": "I", **bind, **lines})
    link_id = world.post("new_xerolinks", {"new_Invoice@odata.bind": f"/invoices({invoice_id})"})
    etag = world.get(f"new_xerolinks({link_id})")["@odata.etag"]

    assert world.refusal("DELETE", f"accounts({account_id})") == (405, "0x80040227")
    assert world.call("DELETE", f"invoices({invoice_id})").status_code == 204

    link = world.get(f"new_xerolinks({link_id})")
    assert link["_new_invoice_value"] is None
    assert link["@odata.etag"] != etag
    assert world.env.rows("invoicedetails") == []
    assert world.refusal("DELETE", f"invoices({invoice_id})") == (404, "0x80040217")


def test_multiple_actions_are_all_or_nothing(world: DataverseWorld) -> None:
    targets = [{"name": "ok"}, {"name": "x" * 161}]

    refused = world.refusal("POST", "accounts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": targets})
    created = world.call("POST", "accounts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": [{"name": "ok"}]})
    ids = created.get_json()["Ids"]
    update = {"Targets": [{"accountid": ids[0], "name": "new"}]}
    updated = world.call("POST", "accounts/Microsoft.Dynamics.CRM.UpdateMultiple", update)

    assert refused == (400, "0x80044331")
    assert updated.status_code == 204
    assert [row["name"] for row in world.env.rows("accounts")] == ["new"]


def test_upsert_multiple_finds_rows_by_address_or_key_columns(world: DataverseWorld) -> None:
    world.post("new_xerolinks", {"new_invoicekey": "a"})
    targets = [
        {"@odata.id": "new_xerolinks(new_invoicekey='a')", "new_name": "A"},
        {"new_invoicekey": "b", "new_name": "B", "@odata.type": "Microsoft.Dynamics.CRM.new_xerolink"},
    ]

    answer = world.call("POST", "new_xerolinks/Microsoft.Dynamics.CRM.UpsertMultiple", {"Targets": targets})

    assert answer.status_code == 204
    found = {row["new_invoicekey"]: row["new_name"] for row in world.env.rows("new_xerolinks")}
    assert found == {"a": "A", "b": "B"}


def test_people_meet_the_same_rules(world: DataverseWorld) -> None:
    with pytest.raises(Refused) as caught:
        world.person.create("accounts", {"nonsense": 1})

    assert (caught.value.status, caught.value.code) == (400, "0x80048d19")


def test_unknown_addresses_are_404(world: DataverseWorld) -> None:
    assert world.refusal("GET", "nonsenses")[0] == 404
    assert world.refusal("GET", "accounts(00000000-0000-0000-0000-000000000001)") == (404, "0x80040217")
