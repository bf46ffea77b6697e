"""The way from Xero to the invoice in Dynamics: to the connection's own Dynamics, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import redirect_to_invoice
from core.connections import Connections
from core.consents import Consent, Consents
from core.database import open_database
from core.errors import Transient
from core.settings import read_settings
from core.vault import Vault, new_key
from tests.unit.made import CONNECTION_ID, INVOICE_ID, connection
from webhooks.app import Parts, create_app
from webhooks.wsgi import build_parts

DYNAMICS = "https://xerography.crm4.dynamics.com"
PATH = f"/open/invoice/{CONNECTION_ID}/{INVOICE_ID}"
PAGE = f"{DYNAMICS}/main.aspx?pagetype=entityrecord&etn=invoice&id={INVOICE_ID}"


def client_of(find: Callable[[str], str | None]) -> FlaskClient:
    return create_app(
        Parts(lambda _: None, lambda _: None, lambda _: None, lambda _: False, (), find_dynamics_url=find)
    ).test_client()


@pytest.fixture
def client() -> FlaskClient:
    return client_of({CONNECTION_ID: DYNAMICS}.get)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path", [PATH, PATH.upper().replace("/OPEN/INVOICE", "/open/invoice"), f"{PATH}?x=https://evil.example"]
)
def test_it_leads_to_the_invoice_in_the_connections_own_dynamics(client: FlaskClient, method: str, path: str) -> None:
    """Rule C18: the fragment, which no server sees, stays with the browser; nothing is set, nothing is shown."""
    response = client.open(path, method=method)

    assert (response.status_code, response.headers["Location"], response.data) == (302, PAGE, b"")
    assert "Set-Cookie" not in response.headers


def test_it_is_where_the_links_lead() -> None:
    assert urlsplit(redirect_to_invoice("https://a.example", CONNECTION_ID, INVOICE_ID)).path == PATH


@pytest.mark.parametrize(
    "path",
    [
        "/open/invoice",
        "/open/invoice/",
        f"/open/invoice/{CONNECTION_ID}",
        f"/open/invoice/{CONNECTION_ID}/",
        f"/open/invoice//{INVOICE_ID}",
        f"/open/invoice/{INVOICE_ID}/{INVOICE_ID}",
        f"/open/invoice/{CONNECTION_ID}/7",
        f"/open/invoice/{CONNECTION_ID}/{'0' * 8}-0000-0000-0000-{'0' * 12}",
        f"/open/invoice/{CONNECTION_ID}/{INVOICE_ID}/more",
        f"/open/invoice/{CONNECTION_ID}/{INVOICE_ID}%0d%0aSet-Cookie:%20a=b",
        f"/open/invoice/{CONNECTION_ID}%00/{INVOICE_ID}",
        f"/open/invoice/{CONNECTION_ID}/https:%2f%2fevil.example",
        f"/open/invoice/https:/evil.example/{INVOICE_ID}",
        f"/open/invoice/{CONNECTION_ID}@evil.example/{INVOICE_ID}",
        f"/open/invoice/..%2f..%2fwebhooks/{INVOICE_ID}",
        f"/open/invoice/{'1' * 100_000}/{INVOICE_ID}",
        f"/open/account/{CONNECTION_ID}/{INVOICE_ID}",
    ],
)
def test_anything_else_is_not_found(client: FlaskClient, path: str) -> None:
    """Rule C18: unknown or malformed alike, so that nobody learns which connections there are."""
    response = client.get(path)

    assert (response.status_code, response.data) == (404, b"")
    assert "Location" not in response.headers
    assert "Set-Cookie" not in response.headers


@given(ids=st.text(max_size=90))
def test_no_request_leads_anywhere_else(ids: str) -> None:
    """Whatever stands in the path."""
    client = client_of({CONNECTION_ID: DYNAMICS}.get)
    encoded = "".join(f"%{byte:02x}" for byte in ids.encode("utf-8", "surrogatepass"))

    for path in (f"/open/invoice/{encoded}", f"{PATH}{encoded}", f"/open/invoice/{CONNECTION_ID}/{encoded}"):
        response = client.get(path)
        assert response.status_code in (302, 404, 308)
        if response.status_code == 302:
            assert response.headers["Location"].startswith(
                f"{DYNAMICS}/main.aspx?pagetype=entityrecord&etn=invoice&id="
            )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_is_for_reading_only(client: FlaskClient, method: str) -> None:
    assert client.open(PATH, method=method).status_code == 405


def test_other_headers_do_not_change_where_it_leads(client: FlaskClient) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Referer": "https://evil.example"}

    assert client.get(PATH, headers=headers).headers["Location"] == PAGE


def test_what_is_no_id_is_not_looked_up() -> None:
    asked: list[str] = []
    client = client_of(asked.append)

    client.get(f"/open/invoice/x/{INVOICE_ID}")
    client.get(f"/open/invoice/{CONNECTION_ID}/x")
    assert asked == []
    client.get(PATH.upper().replace("/OPEN/INVOICE", "/open/invoice"))

    assert asked == [CONNECTION_ID]


def test_without_the_database_the_browser_is_told_to_come_again() -> None:
    def away(_connection_id: str) -> None:
        raise Transient("the database does not answer")

    assert client_of(away).get(PATH).status_code == 503


def test_the_real_parts_know_the_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was removed leads nowhere."""
    monkeypatch.setenv("TOKEN_KEYS", new_key())
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = read_settings(None)
    engine = open_database(settings.database_url)
    now = datetime(2026, 11, 24, tzinfo=UTC)
    consents = Consents(engine, Vault(settings.token_keys))
    for provider in ("xero", "dynamics"):
        consents.save(Consent(id=f"{provider}-consent", provider=provider, client_id="c", client_secret="s"))
    Connections(engine).save(replace(connection(), dynamics_url=DYNAMICS, created_at=now))

    assert create_app(build_parts(settings)).test_client().get(PATH).headers["Location"] == PAGE
    Connections(engine).remove(CONNECTION_ID)
    assert create_app(build_parts(settings)).test_client().get(PATH).status_code == 404
