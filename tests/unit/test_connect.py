"""Joining two organisations: what an entry must say, and that repeating it changes nothing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from core import columns, ids
from core.connections import IN_SERVICE, NEEDS_ATTENTION, PAUSED, Connections
from core.consents import Consents
from core.errors import Disconnected, Misconfigured, Transient
from core.vault import Vault
from pipeline.connect import Joiner
from simulators.wire import Fault
from tests.world import DYNAMICS_URL, World


def changed(world: World, path: str, value: Any) -> dict[str, Any]:
    """Return the world's entry with one value replaced, or taken away if it is None."""
    entry = deepcopy(world.entry())
    *folders, name = path.split(".")
    inner = entry
    for folder in folders:
        inner = inner[folder]
    if value is None:
        inner.pop(name)
    else:
        inner[name] = value
    return entry


def rows(world: World, table: columns.Table) -> list[dict[str, Any]]:
    return world.dynamics.rows(table.set_name)


def consents(world: World) -> Consents:
    return Consents(world.engine, Vault(world.keys))


# -- the entry ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "timezone",
            "Mars/Olympus",
            "timezone: “Mars/Olympus” is not a time zone: write an IANA name such as Europe",
        ),
        ("timezone", "europe/london", "timezone: “europe/london” is not a time zone: did you mean Europe/London?"),
        ("timezone", "../../etc/passwd", "timezone: “../../etc/passwd” is not a time zone"),
        ("timezone", 7, "timezone: Not a valid string"),
        ("xero", None, "xero: Missing data"),
        ("xero.tenant_id", None, "xero.tenant_id: Missing data"),
        ("xero.tenant_id", "contoso", "xero.tenant_id: Not a valid UUID"),
        ("xero.client_secret", 7, "xero.client_secret: Not a valid string"),
        ("xero.invented", "x", "xero.invented: Unknown field"),
        ("invented", "x", "invented: Unknown field"),
        ("dynamics", "here", "dynamics._schema: Invalid input type"),
        ("dynamics.url", None, "dynamics.url: Missing data"),
        ("dynamics.url", "contoso", "dynamics.url: Not a valid URL"),
        ("dynamics.url", "ftp://contoso.example", "dynamics.url: Not a valid URL"),
        ("dynamics.url", "http://contoso.example", "dynamics.url: must be https"),
        ("dynamics.url", "http://localhost.contoso.example", "dynamics.url: must be https"),
        ("dynamics.tenant_id", "", "dynamics.tenant_id: Shorter than"),
        ("settings", {"invented": 1}, "settings: invented = 1 is not possible"),
        ("settings", {"status": "PAID"}, "choose one of Draft, Submitted, Authorised"),
        ("settings", [], "settings: Not a valid mapping"),
        ("settings", {"timezone": "Mars/Olympus"}, "settings.timezone: “Mars/Olympus” is not a time zone"),
        ("settings", {"timezone": 7}, "settings: timezone = 7 is not possible"),
        ("xero.client_id", None, "set XERO_CLIENT_ID and XERO_CLIENT_SECRET"),
        ("dynamics.client_secret", None, "set MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET"),
    ],
)
def test_what_is_wrong_with_an_entry_is_told_by_its_name(world: World, path: str, value: Any, message: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        world.joiner.join(changed(world, path, value))

    assert message in str(refused.value)
    assert world.xero_calls() == []
    assert "secret" not in str(refused.value).replace("client_secret", "").replace("CLIENT_SECRET", "")


def test_everything_wrong_is_told_at_once(world: World) -> None:
    with pytest.raises(Misconfigured, match=r"timezone: .*; xero: .*; dynamics\.url: .*"):
        world.joiner.join({"timezone": "x", "dynamics": {"tenant_id": "t"}})


@pytest.mark.parametrize("entry", [None, [], "entry", 7])
def test_an_entry_is_an_object(world: World, entry: Any) -> None:
    with pytest.raises(Misconfigured, match="Invalid input type"):
        world.joiner.join(entry)


def test_the_installations_own_apps_serve_entries_without(world: World) -> None:
    settings = replace(
        world.joiner.settings,
        xero_client_id="xero-app",
        xero_client_secret="xero-secret",
        microsoft_client_id="dynamics-app",
        microsoft_client_secret="dynamics-secret",
    )
    entry = deepcopy(world.entry())
    for side in ("xero", "dynamics"):
        del entry[side]["client_id"], entry[side]["client_secret"]

    assert replace(world.joiner, settings=settings).join(entry).connection == world.connection


# -- what is made ------------------------------------------------------------------------------------------


def test_a_connection_is_made_with_its_rows_in_dynamics(world: World) -> None:
    connection = world.connection
    (record,) = rows(world, columns.CONNECTOR)
    (chosen,) = rows(world, columns.SETTINGS)

    assert connection.id == ids.connection_id(world.org.tenant_id, connection.dynamics_organization_id)
    assert record["stl3_dynamicsxeroconnectorid"] == record["stl3_connectionid"] == connection.id
    assert record["stl3_name"] == "Contoso Books - contoso.crm4.dynamics.com"
    assert record["stl3_state"] == columns.CONNECTOR_STATE["In service"]
    assert chosen["_stl3_connector_value"] == connection.id


def test_repeating_changes_nothing(world: World) -> None:
    """Rule G8."""
    endpoint = world.joiner.join(world.entry()).endpoint
    before = rows(world, columns.CONNECTOR), rows(world, columns.SETTINGS)
    world.pass_time(hours=1)

    again = world.joiner.join(world.entry())

    assert again.connection == world.connection
    assert again.endpoint == endpoint
    assert list(Connections(world.engine).list_all()) == [world.connection]
    for rows_before, table in zip(before, (columns.CONNECTOR, columns.SETTINGS), strict=True):
        assert [without_times(row) for row in rows(world, table)] == [without_times(row) for row in rows_before]


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("modifiedon", "@odata.etag", "versionnumber")}


def test_an_address_with_a_slash_is_the_same_address(world: World) -> None:
    assert world.joiner.join(changed(world, "dynamics.url", f"{DYNAMICS_URL}/")).connection == world.connection


def test_settings_that_are_given_are_written_and_others_are_left(world: World) -> None:
    world.joiner.join(changed(world, "settings", {"status": "AUTHORISED"}))
    world.joiner.join(changed(world, "settings", {"sales_account": "400"}))

    (chosen,) = rows(world, columns.SETTINGS)

    assert chosen["stl3_salesaccount"] == "400"
    assert (
        columns.options_of(columns.SETTINGS.name, "defaultstatus").label(chosen["stl3_defaultstatus"]) == "Authorised"
    )


def test_a_connection_that_a_person_paused_stays_paused(world: World) -> None:
    Connections(world.engine).save_state(world.connection.id, PAUSED)

    assert world.joiner.join(world.entry()).connection.state == PAUSED
    assert rows(world, columns.CONNECTOR)[0]["stl3_state"] == columns.CONNECTOR_STATE["Paused"]


def test_a_connection_that_needed_attention_is_in_service_once_both_sides_answer(world: World) -> None:
    Connections(world.engine).save_state(world.connection.id, NEEDS_ATTENTION, "Xero's consent ended.")

    joined = world.joiner.join(world.entry()).connection

    assert (joined.state, joined.state_reason) == (IN_SERVICE, "")


# -- what is not made --------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["xero", "dynamics"])
def test_refused_credentials_do_not_take_the_place_of_those_that_work(world: World, side: str) -> None:
    """A typing mistake in an import must not stop a connection that runs."""
    world.app = world.new_process()  # one that holds no tokens yet, as an import is

    with pytest.raises(Disconnected):
        world.joiner.join(changed(world, f"{side}.client_secret", "mistyped"))

    for consent_id in (world.connection.xero_consent_id, world.connection.dynamics_consent_id):
        assert consents(world).get(consent_id).client_secret != "mistyped"
    world.app = world.new_process()
    assert world.joiner.join(world.entry()).connection == world.connection


def test_an_organisation_that_xero_does_not_open_is_not_joined(world: World) -> None:
    with pytest.raises(Disconnected):
        world.joiner.join(changed(world, "xero.tenant_id", "99999999-9999-4999-8999-999999999999"))

    assert list(Connections(world.engine).list_all()) == [world.connection]
    assert len(rows(world, columns.CONNECTOR)) == 1


def test_a_side_that_does_not_answer_now_is_no_mistake_in_the_entry(world: World) -> None:
    world.dynamics.wire.inject(Fault(match="WhoAmI", kind="drop-before"))
    with pytest.raises(Transient):
        world.joiner.join(world.entry())

    assert world.joiner.join(world.entry()).connection == world.connection


def test_dynamics_without_our_solution_is_told_as_that(world: World) -> None:
    world.dynamics.wire.inject(Fault(match="stl3_dynamicsxeroconnectors", kind="status-before", status=404, times=9))

    with pytest.raises(Misconfigured, match="solution installed"):
        world.joiner.join(world.entry())


# -- refresh tokens ----------------------------------------------------------------------------------------


@pytest.fixture
def joiner(world: World) -> Joiner:
    """Both sides answer whatever the consent: what counts here is what is kept of it."""
    tools = world.app.connect(world.connection, world.clock.now)
    return replace(world.joiner, connect=lambda _draft, _now: tools)


def test_a_rotated_refresh_token_is_not_overwritten_by_an_import_of_the_old_one(world: World, joiner: Joiner) -> None:
    entry = changed(world, "xero.refresh_token", "r-1")
    consent_id = joiner.join(entry).connection.xero_consent_id
    kept = consents(world).get(consent_id)
    assert (kept.refresh_token, "offline_access" in kept.scope) == ("r-1", True)
    consents(world).end_refresh(replace(kept, refresh_token="r-2", previous_refresh_token="r-1"))

    joiner.join(entry)
    assert consents(world).get(consent_id).refresh_token == "r-2"

    joiner.join(changed(world, "xero.refresh_token", "r-3"))
    assert consents(world).get(consent_id).refresh_token == "r-3"


def test_the_token_that_was_given_is_kept_as_a_hash_only_once_it_has_rotated(world: World, joiner: Joiner) -> None:
    consent_id = joiner.join(changed(world, "xero.refresh_token", "r-1")).connection.xero_consent_id

    assert consents(world).get(consent_id).given == ids.digest("r-1")
