"""What `connector doctor` says of the link from Xero to an invoice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.doctor import _link
from core.errors import ConnectorError
from core.settings import read_settings
from tests.unit.made import connection

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
