"""The list of connections: a team sees its own, with what is wrong and nothing secret (rule G2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.connections import IN_SERVICE, NEEDS_ATTENTION, PAUSED, Connections
from core.consents import Consent, Consents
from tests.unit.made import connection
from tests.unit.portal_world import PortalWorld, open_portal_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PortalWorld]:
    with open_portal_world(tmp_path) as world:
        yield world


@pytest.fixture
def connections(world: PortalWorld) -> Connections:
    for name in ("xero-consent", "dynamics-consent"):
        Consents(world.engine, world.vault).save(Consent(name, "xero", "client", "s3cret-of-consent"))
    return Connections(world.engine)


def team_of(world: PortalWorld, email: str) -> str:
    with world.app.app_context():
        found = world.app.extensions["portal"].people.find_user(email=email)
        return str(found.team_id)


def test_a_team_without_one_is_told_what_it_is(world: PortalWorld) -> None:
    assert "has no connection yet" in world.registered().get("/").text


@pytest.mark.parametrize(
    ("state", "reason"), [(IN_SERVICE, ""), (PAUSED, ""), (NEEDS_ATTENTION, "Xero <no longer> accepts the consent.")]
)
def test_a_team_sees_its_own_and_why_one_has_stopped(
    world: PortalWorld, connections: Connections, state: str, reason: str
) -> None:
    ann, eve = world.registered(), world.registered("eve@fabrikam.com", "Fabrikam")
    made = connection(state=state, state_reason=reason, name="Contoso Books - contoso.crm4.dynamics.com")
    connections.save(made)
    assert made.name not in ann.get("/").text

    connections.save_team(made.id, team_of(world, "ann@contoso.com"))

    page = ann.get("/").text
    assert made.name in page
    assert state in page
    assert reason.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "s3cret" not in page
    assert made.name not in eve.get("/").text


def test_importing_a_connection_again_leaves_it_with_its_team(world: PortalWorld, connections: Connections) -> None:
    world.registered()
    team = team_of(world, "ann@contoso.com")
    connections.save(connection())
    connections.save_team(connection().id, team)

    known = connections.find(connection().id)
    assert known is not None
    connections.save(replace(known, name="Another name"))

    assert [one.name for one in connections.list_of_team(team)] == ["Another name"]
