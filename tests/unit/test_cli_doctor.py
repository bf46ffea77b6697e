"""What `connector doctor` says of links, mails and the poller."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cli.doctor import _link, poller, waiting_mails
from core.database import open_database
from core.errors import ConnectorError, Misconfigured
from core.mails import Mail, Mails
from core.settings import read_settings
from core.vault import Vault, new_key
from pipeline.schedule import Schedule
from tests.unit.made import NOON, connection
from tests.world import World

REFUSED = connection(dynamics_url="https://xerography.crm4.dynamics.com")


def test_a_dynamics_whose_address_xero_refuses_is_reached_through_our_own() -> None:
    """Rule C18."""
    settings = replace(read_settings(None), public_url="https://connector.example")

    assert _link(settings, REFUSED) == "from Xero to Dynamics through https://connector.example"


def test_two_addresses_that_xero_refuses_are_told_before_any_invoice_fails() -> None:
    """Rule C18: with what to do about it."""
    settings = replace(read_settings(None), public_url="https://dynamics-xero.example")

    with pytest.raises(ConnectorError, match="set PUBLIC_URL to an address without “xero”"):
        _link(settings, REFUSED)


def test_mails_that_nobody_sends_are_noticed(tmp_path: Path) -> None:
    """Whoever waits for a link would ask for it again and again."""
    settings = replace(read_settings(None), token_keys=(new_key(),), database_url=f"sqlite:///{tmp_path / 'a.db'}")
    assert "no mail server" in waiting_mails(settings, NOON)
    settings = replace(settings, mail_url="smtp://mail.example")
    assert waiting_mails(settings, NOON) == "sent as they come"
    engine = open_database(settings.database_url)
    with engine.begin() as database:
        Mails(engine, Vault(settings.token_keys)).put(Mail("a@b.com", "s", "t", "h"), now=NOON, database=database)
    engine.dispose()

    assert waiting_mails(settings, NOON + timedelta(minutes=10)) == "sent as they come"
    with pytest.raises(Misconfigured, match="1 mails have waited for more than 10 minutes"):
        waiting_mails(settings, NOON + timedelta(minutes=11))


def test_f66_a_poller_that_does_not_run_is_noticed(world: World) -> None:
    """F66: nobody else would; events go on, and what they do not tell is not found any more."""
    settings, known = read_settings(None), [world.connection]
    assert poller(world.app, settings, known) == "it takes in new connections within half a minute"
    world.pass_time(minutes=2)
    with pytest.raises(ConnectorError, match="no poll was ever begun here"):
        poller(world.app, settings, known)

    schedule = Schedule(world.redis, interval_s=settings.poll_interval_s)
    now_ms = int(world.clock.now().timestamp() * 1000)
    schedule.refresh([world.connection.id], now_ms=now_ms)
    assert poller(world.app, settings, known) == "polls begin as they fall due, every 300 s"

    world.pass_time(minutes=9)
    with pytest.raises(ConnectorError, match=r"a poll has been due for \d+ s and nobody began it"):
        poller(world.app, settings, known)
    assert schedule.take_due(now_ms=int(world.clock.now().timestamp() * 1000)) == [world.connection.id]
    assert poller(world.app, settings, known).startswith("polls begin")
