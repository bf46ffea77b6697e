"""Our Dataverse client and tokens against the simulated Dynamics and Microsoft log-in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from clients.dataverse import Change, Changes, Read, key_path, odata_in, rows_path
from core.errors import Conflict, Disconnected, Limited, Rejected, Transient, Unknown
from core.event import OWN_TAG
from tests.contract.clients_dataverse_world import (
    DETAILS,
    DIRECTORY,
    GONE,
    SECRET,
    World,
    open_world,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as opened:
        yield opened


# -- rows ------------------------------------------------------------------------------------------------


def test_we_know_who_we_are(world: World) -> None:
    who = world.dataverse.who_am_i()

    assert (who["UserId"], who["OrganizationId"]) == (world.user_id, world.env.organization_id)


def test_a_row_lives_its_whole_life_with_every_digit(world: World) -> None:
    row = {"stl3_name": "INV-1", "stl3_dynamicsinvoiceid": "i-1", "stl3_amountdue": Decimal("1234567.8901")}

    row_id = world.dataverse.create(DETAILS, row)
    world.dataverse.update(DETAILS, row_id, {"stl3_amountpaid": Decimal("0.1")})
    found = world.dataverse.get(DETAILS, row_id, select="stl3_name,stl3_amountdue,stl3_amountpaid")

    assert (found["stl3_amountdue"], found["stl3_amountpaid"]) == (Decimal("1234567.8901"), Decimal("0.1"))
    assert found["@odata.etag"].startswith('W/"')


def test_a_row_that_is_not_there(world: World) -> None:
    with pytest.raises(Rejected) as by_get:
        world.dataverse.get("invoices", GONE, select="name")
    with pytest.raises(Rejected) as by_update:
        world.dataverse.update("invoices", GONE, {"name": "A"})

    assert (by_get.value.status, by_get.value.code) == (404, "0x80040217")
    assert by_update.value.status == 404
    assert world.dataverse.find("invoices", GONE, select="name") is None
    assert world.dataverse.find(DETAILS, {"stl3_dynamicsinvoiceid": "none"}, select="stl3_name") is None
    assert world.env.rows("invoices") == []


def test_an_upsert_makes_one_row_also_where_the_key_holds_quotes(world: World) -> None:
    for name in ("first", "second"):
        world.dataverse.upsert(DETAILS, {"stl3_dynamicsinvoiceid": "it's Zoë's"}, {"stl3_name": name})

    found = world.dataverse.find(DETAILS, {"stl3_dynamicsinvoiceid": "it's Zoë's"}, select="stl3_name")

    assert [row["stl3_name"] for row in world.env.rows(DETAILS)] == ["second"]
    assert found is not None
    assert found["stl3_name"] == "second"


def test_a_row_that_moved_is_a_conflict(world: World) -> None:
    row_id = world.dataverse.create(DETAILS, {"stl3_name": "A"})
    etag = world.dataverse.get(DETAILS, row_id, select="stl3_name")["@odata.etag"]
    world.dataverse.update(DETAILS, row_id, {"stl3_name": "B"}, if_match=etag)

    with pytest.raises(Conflict):
        world.dataverse.update(DETAILS, row_id, {"stl3_name": "C"}, if_match=etag)

    assert [row["stl3_name"] for row in world.env.rows(DETAILS)] == ["B"]


def test_a_lookup_says_which_table_it_points_to(world: World) -> None:
    account_id = world.account()
    invoice = {"name": "June", "customerid_account@odata.bind": f"/accounts({account_id})"}

    invoice_id = world.dataverse.create("invoices", invoice)
    row = world.dataverse.get(
        "invoices", invoice_id, select="name,_customerid_value", expand="customerid_account($select=name)"
    )

    assert row["_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    assert row["customerid_account"]["name"] == "Fabrikam"


def test_every_write_bears_our_tag(world: World) -> None:
    row_id = world.dataverse.create(DETAILS, {"stl3_name": "A"})
    world.dataverse.update(DETAILS, row_id, {"stl3_name": "B"})
    world.dataverse.upsert(DETAILS, {"stl3_dynamicsinvoiceid": "k"}, {})

    writes = [call for call in world.env.wire.calls if call.method in ("POST", "PATCH") and "/api/data/" in call.path]
    assert [call.query for call in writes] == [f"tag={OWN_TAG}"] * 3


# -- lists -----------------------------------------------------------------------------------------------


def test_a_list_is_read_to_its_end(world: World) -> None:
    changes = [world.details(f"k-{number:04d}") for number in range(1005)]
    for start in range(0, 1005, 500):
        world.dataverse.batch([Changes(tuple(changes[start : start + 500]))])

    rows = list(world.dataverse.list_rows(DETAILS, {"$select": "stl3_name", "$orderby": "stl3_name desc"}))

    assert [row["stl3_name"] for row in rows] == [f"k-{number:04d}" for number in reversed(range(1005))]


def test_values_in_a_filter_are_only_values(world: World) -> None:
    for name in ("O'Neil & Söhne", "100% +1", "other"):
        world.account(name)

    rows = world.dataverse.list_rows(
        "accounts",
        {"$select": "name", "$filter": odata_in("name", ["O'Neil & Söhne", "100% +1"]), "$orderby": "name"},
    )

    assert [row["name"] for row in rows] == ["100% +1", "O'Neil & Söhne"]


def test_a_fetch_is_read_to_its_end_with_its_joins(world: World) -> None:
    account_id = world.account("A & B")
    for number in range(5):
        invoice = {"name": f"I{number}", "customerid_account@odata.bind": f"/accounts({account_id})"}
        invoice_id = world.dataverse.create("invoices", invoice)
        if number % 2:
            row = {"stl3_dynamicsinvoiceid": invoice_id, "stl3_Invoice@odata.bind": f"/invoices({invoice_id})"}
            world.dataverse.create(DETAILS, row)
    xml = """<fetch count="2"><entity name="invoice"><attribute name="name"/><order attribute="name"/>
        <link-entity name="stl3_xerodetails" from="stl3_invoice" to="invoiceid" link-type="outer" alias="d">
        <attribute name="stl3_exportstatus"/></link-entity>
        <link-entity name="account" from="accountid" to="customerid" alias="a"><filter>
        <condition attribute="name" operator="eq" value="A &amp; B"/></filter></link-entity></entity></fetch>"""

    rows = list(world.dataverse.fetch("invoices", xml))

    assert [row["name"] for row in rows] == ["I0", "I1", "I2", "I3", "I4"]
    assert ["d.stl3_exportstatus" in row for row in rows] == [False, True, False, True, False]


# -- batches ---------------------------------------------------------------------------------------------


def test_a_batch_of_changesets_and_reads(world: World) -> None:
    account_id = world.account()
    details_id = world.dataverse.create(DETAILS, {"stl3_name": "old", "stl3_dynamicsinvoiceid": "i-9"})
    bind = {"customerid_account@odata.bind": f"/accounts({account_id})"}

    create = Change("POST", "invoices", {"name": "June", **bind}, returns=("name", "invoicenumber"))
    refer = Change("POST", DETAILS, {"stl3_name": "June", "stl3_Invoice@odata.bind": "$1"})
    fail = Change("PATCH", f"invoices({GONE})", {"name": "x"}, if_match="*")
    stale = Change("PATCH", key_path(DETAILS, details_id), {"stl3_name": "new"}, if_match='W/"1"')
    query = {"$select": "stl3_name,_stl3_invoice_value", "$orderby": "stl3_name"}

    made, kept, missing, moved, rows = world.dataverse.batch(
        [
            Changes((create, refer)),
            Changes((world.details("i-1", stl3_amountdue=Decimal("0.1")), fail)),
            Read(rows_path(key_path("invoices", GONE), {"$select": "name"})),
            Changes((stale,)),
            Read(rows_path(DETAILS, query)),
        ]
    )

    invoice_id, _ = made.ids
    assert made.ok
    assert made.representations[0] is not None
    assert made.representations[0]["name"] == "June"
    assert isinstance(kept.error, Rejected)
    assert isinstance(missing.error, Rejected)
    assert (kept.error.status, missing.error.status) == (404, 404)
    assert isinstance(moved.error, Conflict)
    assert [(row["stl3_name"], row.get("_stl3_invoice_value")) for row in rows.rows] == [
        ("June", invoice_id),
        ("old", None),
    ]


def test_a_batch_of_fifty_upserts_is_one_call_and_may_be_repeated(world: World) -> None:
    steps = [Changes((world.details(f"i-{number}", stl3_amountdue=Decimal("0.1")),)) for number in range(50)]
    world.tokens.get()
    world.env.wire.forget_calls()

    outcomes = world.dataverse.batch(steps)
    again = world.dataverse.batch(steps)

    assert all(outcome.ok for outcome in (*outcomes, *again))
    assert len(world.env.rows(DETAILS)) == 50
    assert len(world.env.wire.calls) == 2
    assert {row["stl3_amountdue"] for row in world.env.rows(DETAILS)} == {Decimal("0.1")}


def test_a_read_in_a_batch_is_followed_to_its_end(world: World) -> None:
    changes = tuple(world.details(f"k-{number:04d}") for number in range(999))
    world.dataverse.batch([Changes(changes)])
    world.dataverse.batch([Changes((world.details("k-1"), world.details("k-2")))])

    (outcome,) = world.dataverse.batch([Read(rows_path(DETAILS, {"$select": "stl3_name"}))])

    assert len(outcome.rows) == 1001


@pytest.mark.parametrize(("kind", "rows"), [("drop-before", 0), ("drop-after", 1), ("status-after", 1)])
def test_a_lost_batch_is_unknown_and_may_be_repeated(world: World, kind: str, rows: int) -> None:
    world.tokens.get()
    world.fail(r"\$batch", kind)
    steps = [Changes((world.details("i-1"),))]

    with pytest.raises(Unknown):
        world.dataverse.batch(steps)
    before = len(world.env.rows(DETAILS))
    world.dataverse.batch(steps)

    assert (before, len(world.env.rows(DETAILS))) == (rows, 1)


def test_a_key_with_signs_that_dataverse_cannot_read_is_refused_and_not_mistaken(world: World) -> None:
    with pytest.raises(Rejected):
        world.dataverse.upsert(DETAILS, {"stl3_dynamicsinvoiceid": "a/b & c"}, {"stl3_name": "A"})

    assert world.env.rows(DETAILS) == []


# -- refusals --------------------------------------------------------------------------------------------


def test_service_protection_says_how_long_to_rest(world: World) -> None:
    world.dataverse.who_am_i()
    world.env.limits.requests = 1

    with pytest.raises(Limited) as caught:
        world.dataverse.who_am_i()

    assert caught.value.limit == "requests"
    assert 0 < caught.value.retry_after_s <= 301


def test_a_token_that_expired_costs_one_try(world: World) -> None:
    world.dataverse.who_am_i()
    world.clock.advance(timedelta(hours=2))

    with pytest.raises(Transient):
        world.dataverse.who_am_i()

    assert world.dataverse.who_am_i()["UserId"] == world.user_id


def test_an_app_that_is_no_user_needs_the_administrator(world: World) -> None:
    other = "99999999-0b55-4f6e-8e58-2f1f0c6c7a02"
    world.login.add_app(DIRECTORY, client_id=other, client_secret=SECRET)
    world.consents.save(replace(world.consents.get("c-1"), client_id=other))

    with pytest.raises(Disconnected, match="application user"):
        world.dataverse.who_am_i()


def test_a_user_without_roles_needs_the_administrator(world: World) -> None:
    world.env.set_roles(world.user_id, ())

    with pytest.raises(Disconnected, match="no security role"):
        list(world.dataverse.list_rows("invoices", {}))


def test_a_privilege_that_is_missing_is_named(world: World) -> None:
    world.env.deny(world.user_id, "prvCreatestl3_xerodetails")

    with pytest.raises(Disconnected, match=r"(?i)prvCreatestl3_xerodetails"):
        world.dataverse.create(DETAILS, {"stl3_name": "A"})
    (outcome,) = world.dataverse.batch([Changes((world.details("i-1"),))])

    assert isinstance(outcome.error, Disconnected)


def test_a_column_that_does_not_exist_is_told(world: World) -> None:
    with pytest.raises(Rejected, match="nosuch") as caught:
        list(world.dataverse.list_rows("invoices", {"$select": "nosuch"}))

    assert caught.value.status == 400
