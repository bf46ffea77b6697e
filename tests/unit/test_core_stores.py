"""Connections, consents, endpoints in SQL: what races, what rotates, what belongs to whom."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError

from core.connections import IN_SERVICE, NEEDS_ATTENTION, Connections
from core.consents import Consent, Consents
from core.database import open_database
from core.endpoints import Endpoint, Endpoints
from core.errors import Misconfigured
from core.vault import Vault, new_key
from tests.unit.made import NOON, connection

VAULT = Vault([new_key(lambda size: b"k" * size)])
CONSENT = Consent("c-1", "xero", "client", "s3cret", refresh_token="r-1", given="hash")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def other_engine(engine: Engine) -> Iterator[Engine]:
    """What another process has of the same file."""
    other = open_database(str(engine.url))
    yield other
    other.dispose()


@pytest.fixture
def consents(engine: Engine) -> Consents:
    return Consents(engine, VAULT)


@pytest.fixture
def connections(engine: Engine, consents: Consents) -> Connections:
    for consent_id in ("xero-consent", "dynamics-consent", "other-consent"):
        consents.save(replace(CONSENT, id=consent_id))
    return Connections(engine)


# -- consents ----------------------------------------------------------------------------------------------


def test_a_consent_comes_back_as_it_was_saved(consents: Consents) -> None:
    full = replace(
        CONSENT,
        directory="d",
        scope="a b",
        previous_refresh_token="r-0",
        rotated_at=NOON,
        access_token="a-1",
        expires_at=NOON.astimezone(timezone(timedelta(hours=3))),
    )

    saved = consents.save(full)

    assert consents.get("c-1") == saved == replace(full, version=1)
    assert consents.get("c-1").expires_at.tzinfo is UTC  # type: ignore[union-attr]


def test_an_unknown_consent_raises(consents: Consents) -> None:
    with pytest.raises(KeyError):
        consents.get("c-9")


def test_nothing_secret_stands_in_the_file_or_in_repr(consents: Consents, engine: Engine, tmp_path: Path) -> None:
    consents.save(replace(CONSENT, refresh_token="s3cret-refresh", access_token="s3cret-access"))
    engine.dispose()

    assert all(b"s3cret" not in file.read_bytes() for file in tmp_path.iterdir())
    assert "s3cret" not in repr(CONSENT)


def test_a_secret_pasted_into_another_row_does_not_open(consents: Consents, engine: Engine) -> None:
    consents.save(CONSENT)
    consents.save(replace(CONSENT, id="c-2"))
    with engine.begin() as database:
        database.execute(text("UPDATE consents SET sealed = (SELECT sealed FROM consents WHERE id = 'c-1')"))

    assert consents.get("c-1").client_secret == "s3cret"
    with pytest.raises(Misconfigured, match="does not belong to its row"):
        consents.get("c-2")


def test_an_older_token_never_replaces_a_newer_one(consents: Consents) -> None:
    """F73: Two refreshes began from version 1: the second to end is told that it came too late."""
    read = consents.save(CONSENT)

    first = consents.end_refresh(replace(read, refresh_token="r-2"))
    second = consents.end_refresh(replace(read, refresh_token="r-3"))

    assert (first, second) == (True, False)
    assert (consents.get("c-1").refresh_token, consents.get("c-1").version) == ("r-2", 2)


def test_a_consent_given_anew_is_not_overwritten_by_a_refresh_of_the_old_one(consents: Consents) -> None:
    read = consents.save(CONSENT)
    consents.begin_refresh("c-1", now=NOON)
    consents.save(replace(CONSENT, refresh_token="new"))

    assert not consents.end_refresh(replace(read, refresh_token="rotated from the old"))
    assert consents.get("c-1").refresh_token == "new"
    assert consents.begin_refresh("c-1", now=NOON)


def test_one_refresh_at_a_time_and_its_right_lapses(consents: Consents, other_engine: Engine) -> None:
    consents.save(CONSENT)
    elsewhere = Consents(other_engine, VAULT)

    assert consents.begin_refresh("c-1", now=NOON)
    assert not elsewhere.begin_refresh("c-1", now=NOON)
    assert not elsewhere.begin_refresh("c-1", now=NOON + timedelta(seconds=30))
    assert elsewhere.begin_refresh("c-1", now=NOON + timedelta(seconds=30, microseconds=1))
    assert not consents.begin_refresh("c-1", now=NOON + timedelta(seconds=31))


@pytest.mark.parametrize("end", ["store", "give up"])
def test_a_refresh_that_ended_frees_the_right(consents: Consents, end: str) -> None:
    saved = consents.save(CONSENT)
    consents.begin_refresh("c-1", now=NOON)

    if end == "store":
        consents.end_refresh(saved)
    else:
        consents.give_up_refresh("c-1")

    assert consents.begin_refresh("c-1", now=NOON)


def test_a_refresh_is_unheard_of_until_what_it_gave_is_stored(consents: Consents) -> None:
    """F71, F72: since the first one that failed or died, whoever tried since."""
    saved = consents.save(CONSENT)

    def unheard(began_before: datetime = NOON + timedelta(minutes=9)) -> list[str]:
        return consents.list_unheard(began_after=NOON - timedelta(minutes=1), began_before=began_before)

    assert unheard() == []
    consents.begin_refresh("c-1", now=NOON)
    consents.give_up_refresh("c-1")
    consents.begin_refresh("c-1", now=NOON + timedelta(minutes=5))
    assert unheard(NOON) == ["c-1"]
    assert unheard(NOON - timedelta(seconds=1)) == []
    assert consents.list_unheard(began_after=NOON, began_before=NOON + timedelta(minutes=9)) == []

    consents.end_refresh(saved)
    assert unheard() == []
    consents.begin_refresh("c-1", now=NOON)
    consents.save(CONSENT)
    assert unheard() == []


def test_a_refresh_of_nothing_has_no_winner(consents: Consents) -> None:
    assert not consents.begin_refresh("c-9", now=NOON)
    assert not consents.end_refresh(replace(CONSENT, id="c-9"))


def test_of_many_refreshes_at_once_one_wins(consents: Consents, engine: Engine, other_engine: Engine) -> None:
    """R19, F70: two processes refresh one token."""
    consents.save(CONSENT)
    for round_number in range(5):
        barrier, now = Barrier(8), NOON + timedelta(minutes=round_number)

        def begin(which: Engine, barrier: Barrier = barrier, now: datetime = now) -> bool:
            barrier.wait()
            return Consents(which, VAULT).begin_refresh("c-1", now=now)

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(begin, [engine, other_engine] * 4))

        assert sorted(won) == [False] * 7 + [True]


def test_of_many_ends_at_once_one_is_stored(consents: Consents, engine: Engine, other_engine: Engine) -> None:
    read = consents.save(CONSENT)
    barrier = Barrier(6)

    def end(job: tuple[Engine, str]) -> str | None:
        barrier.wait()
        return job[1] if Consents(job[0], VAULT).end_refresh(replace(read, refresh_token=job[1])) else None

    with ThreadPoolExecutor(6) as pool:
        stored = [token for token in pool.map(end, zip([engine, other_engine] * 3, "abcdef", strict=True)) if token]

    assert stored == [consents.get("c-1").refresh_token]


def test_saves_at_once_each_get_a_version_of_their_own(
    consents: Consents, engine: Engine, other_engine: Engine
) -> None:
    """Else a refresh that began from one of them could overwrite the other."""
    consents.save(CONSENT)
    barrier = Barrier(4)

    def save(which: Engine) -> list[int]:
        barrier.wait()
        return [Consents(which, VAULT).save(CONSENT).version for _ in range(10)]

    with ThreadPoolExecutor(4) as pool:
        versions = [version for many in pool.map(save, [engine, other_engine] * 2) for version in many]

    assert sorted(versions) == list(range(2, 42))


# -- connections -------------------------------------------------------------------------------------------


def test_a_connection_is_saved_found_and_changed(connections: Connections) -> None:
    connections.save(connection())
    connections.save(connection(name="Renamed"))
    connections.save_state(connection().id, NEEDS_ATTENTION, "Xero's consent ended.")

    found = connections.find(connection().id)

    assert found == connection(name="Renamed", state=NEEDS_ATTENTION, state_reason="Xero's consent ended.")
    assert list(connections.list_all()) == [found]
    assert connections.find("unknown") is None


def test_connections_are_found_by_either_organisation_in_the_order_of_their_making(connections: Connections) -> None:
    second = connection(id="c-2", xero_tenant_id="tenant-2", created_at=NOON + timedelta(seconds=1))
    third = connection(id="c-3", dynamics_organization_id="org-3", created_at=NOON + timedelta(seconds=2))
    for each in (third, second, connection()):
        connections.save(each)

    assert list(connections.list_of_dynamics(connection().dynamics_organization_id)) == [connection(), second]
    assert list(connections.list_of_xero(connection().xero_tenant_id)) == [connection(), third]
    assert list(connections.list_all()) == [connection(), second, third]
    assert list(connections.list_of_xero("nobody")) == []


def test_the_same_two_organisations_are_joined_once(connections: Connections) -> None:
    """F76: Rule G8."""
    connections.save(connection())

    with pytest.raises(IntegrityError):
        connections.save(connection(id="another"))


def test_a_connection_needs_its_consents(connections: Connections) -> None:
    with pytest.raises(IntegrityError):
        connections.save(connection(xero_consent_id="none"))


def test_removing_a_connection_removes_the_consents_that_nobody_else_uses(
    connections: Connections, consents: Consents
) -> None:
    connections.save(connection())
    connections.save(connection(id="c-2", xero_tenant_id="tenant-2", xero_consent_id="other-consent"))

    connections.remove(connection().id)
    connections.remove("unknown")

    assert [each.id for each in connections.list_all()] == ["c-2"]
    assert consents.get("dynamics-consent").id == "dynamics-consent"
    with pytest.raises(KeyError):
        consents.get("xero-consent")


def test_a_connection_of_one_organisation_on_both_sides_state_changes_alone(connections: Connections) -> None:
    other = connection(id="c-2", xero_tenant_id="tenant-2")
    connections.save(connection())
    connections.save(other)

    connections.save_state("c-2", NEEDS_ATTENTION, "why")

    assert connections.find(connection().id) == connection(state=IN_SERVICE)


# -- endpoints ---------------------------------------------------------------------------------------------


@pytest.fixture
def endpoints(engine: Engine) -> Endpoints:
    numbers = count(1)
    return Endpoints(engine, VAULT, new_secret=lambda: f"secret-{next(numbers)}")


def test_an_endpoint_is_made_once(endpoints: Endpoints) -> None:
    made = endpoints.ensure("org-1")

    assert endpoints.ensure("org-1") == made == Endpoint("secret-1", "org-1", ("secret-2",))
    assert endpoints.find(made.key) == endpoints.find_of("org-1") == made
    assert endpoints.ensure("org-2") != made
    assert endpoints.find("unknown") is None
    assert endpoints.find_of("unknown") is None


def test_a_replaced_secret_stays_valid_until_the_next_replacement(endpoints: Endpoints) -> None:
    first = endpoints.ensure("org-1").secrets[0]
    second = endpoints.rotate("org-1").secrets[0]

    assert [endpoints.ensure("org-1").accepts(secret) for secret in (first, second)] == [True, True]
    third = endpoints.rotate("org-1").secrets[0]
    assert [endpoints.ensure("org-1").accepts(secret) for secret in (first, second, third)] == [False, True, True]
    assert endpoints.ensure("org-1").key == "secret-1"


def test_only_an_endpoint_that_exists_is_rotated(endpoints: Endpoints) -> None:
    with pytest.raises(KeyError):
        endpoints.rotate("org-1")


@pytest.mark.parametrize("offered", [None, "", "s", "secret-22", "SECRET-2", "secret-2 ", "\udcff", "é"])
def test_any_other_secret_is_refused(endpoints: Endpoints, offered: str | None) -> None:
    assert not endpoints.ensure("org-1").accepts(offered)
    assert not Endpoint("key", "org-1", ()).accepts(offered)
    assert not Endpoint("key", "org-1", ("",)).accepts(offered)


def test_an_endpoint_shows_no_secret(endpoints: Endpoints, engine: Engine, tmp_path: Path) -> None:
    made = endpoints.ensure("org-1")
    engine.dispose()

    assert made.secrets[0] not in repr(made)
    assert all(b"secret-2" not in file.read_bytes() for file in tmp_path.iterdir())


def test_two_processes_that_make_one_endpoint_at_once_get_the_same(engine: Engine, other_engine: Engine) -> None:
    """The other one makes it between our look and our insert."""
    elsewhere = Endpoints(other_engine, VAULT)
    late = create_engine(engine.url)

    @event.listens_for(late, "before_cursor_execute")
    def _overtake(*call: Any) -> None:
        if call[2].startswith("INSERT"):
            elsewhere.ensure("org-1")

    assert Endpoints(late, VAULT).ensure("org-1") == elsewhere.find_of("org-1")
    late.dispose()
