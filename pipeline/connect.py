"""Joins a Xero organisation and a Dynamics organisation: consents, the rows in Dynamics, the webhook endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from core import columns, ids
from core.connections import IN_SERVICE, PAUSED, Connection, Connections
from core.consents import Consent, Consents
from core.custom_fields import WrongCustomFields, parse
from core.endpoints import Endpoint, Endpoints
from core.errors import Disconnected, Misconfigured, Rejected
from core.settings import LOOPBACK_HOSTS, Settings
from core.zones import EXAMPLE, find_zone, unknown_zone
from mappers import preferences
from mappers.zones import find_iana_name
from pipeline.custom_fields import check_columns
from pipeline.tools import Tools
from pipeline.tracking import list_tracking, missing_categories

# What a custom connection asks for; a person's consent adds offline_access.
XERO_SCOPES = "accounting.invoices accounting.contacts accounting.settings.read accounting.payments.read"


class _XeroSchema(Schema):
    tenant_id = fields.UUID(required=True)
    client_id = fields.String()
    client_secret = fields.String()
    refresh_token = fields.String()


class _DynamicsSchema(Schema):
    url = fields.URL(required=True, schemes={"https", "http"}, require_tld=False)
    tenant_id = fields.String(required=True, validate=validate.Length(min=1))
    client_id = fields.String()
    client_secret = fields.String()


def _check_zone(name: str) -> None:
    """An empty name means what Xero says, and what the connection came with (rule B9)."""
    if name and find_zone(name) is None:
        raise ValidationError(unknown_zone(name))


class _EntrySchema(Schema):
    name = fields.String(load_default="")
    timezone = fields.String(load_default="", validate=_check_zone)
    xero = fields.Nested(_XeroSchema, required=True)
    dynamics = fields.Nested(_DynamicsSchema, required=True)
    settings = fields.Dict(keys=fields.String(), load_default=dict)


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection and the endpoint to which its Dynamics has to post (its address under PUBLIC_URL, its secret)."""

    connection: Connection
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Joiner:
    """`connect` opens both sides of a connection; `now` is the time."""

    settings: Settings
    connections: Connections
    consents: Consents
    endpoints: Endpoints
    connect: Callable[[Connection, Callable[[], datetime]], Tools]
    now: Callable[[], datetime]

    def join(self, entry: Any) -> Joined:
        """Make or renew the connection that `entry` describes; repeating it changes nothing (rule G8).

        `entry` is one element of the file of `connector connections import`. Both sides are asked before the
        connection is kept; a connection that a person paused stays so. Raises Misconfigured saying what is wrong
        with the entry, Disconnected or Transient.
        """
        loaded = _load(entry)
        chosen = _settings_row(loaded["settings"])
        xero = self._xero_consent(loaded["xero"])
        dynamics = self._dynamics_consent(loaded["dynamics"])
        draft = Connection(
            id="",
            name=loaded["name"],
            timezone=loaded["timezone"],
            state=IN_SERVICE,
            state_reason="",
            xero_tenant_id=str(loaded["xero"]["tenant_id"]),
            xero_consent_id=xero.id,
            dynamics_organization_id="",
            dynamics_url=loaded["dynamics"]["url"].rstrip("/"),
            dynamics_consent_id=dynamics.id,
            created_at=self.now(),
        )
        replaced = [self._keep(xero), self._keep(dynamics)]
        tools = self.connect(draft, self.now)
        try:
            organization_id = str(tools.dataverse.who_am_i()["OrganizationId"]).lower()
            organisation = tools.xero.get_organisation()
            _check_custom_fields(tools, chosen.get("stl3_customfields", ""))
        except (Disconnected, Rejected, Misconfigured):
            # Credentials that are refused never take the place of those by which a connection lives.
            for before in filter(None, replaced):
                self.consents.save(before)
            raise
        connection = self._complete(draft, organization_id, organisation)
        _write_rows(tools, connection, organisation, chosen)
        self.connections.save(connection)
        return Joined(connection, self.endpoints.ensure(organization_id))

    def restore(self, connection: Connection) -> None:
        """Write the connection's rows in Dynamics again, where the solution was taken out and came back.

        Settings that are there stay. Raises Misconfigured, Disconnected or Transient.
        """
        tools = self.connect(connection, self.now)
        _write_rows(tools, connection, tools.xero.get_organisation(), {})

    def _keep(self, consent: Consent) -> Consent | None:
        """Save a consent, but never an old refresh token over the one that it has rotated to since.

        Return the one whose place it took.
        """
        try:
            before = self.consents.get(consent.id)
        except KeyError:
            before = None
        if before and consent.given and before.given == consent.given:
            return None
        self.consents.save(consent)
        return before

    def _complete(self, draft: Connection, organization_id: str, organisation: dict[str, Any]) -> Connection:
        host = urlsplit(draft.dynamics_url).hostname
        connection_id = ids.connection_id(draft.xero_tenant_id, organization_id)
        known = self.connections.find(connection_id)
        return Connection(
            id=connection_id,
            name=draft.name or f"{organisation['Name']} - {host}",
            timezone=draft.timezone or _zone_of(organisation),
            state=PAUSED if known and known.state == PAUSED else draft.state,
            state_reason="",
            xero_tenant_id=draft.xero_tenant_id,
            xero_consent_id=draft.xero_consent_id,
            dynamics_organization_id=organization_id,
            dynamics_url=draft.dynamics_url,
            dynamics_consent_id=draft.dynamics_consent_id,
            created_at=known.created_at if known else draft.created_at,
            team_id=known.team_id if known else None,
        )

    def _xero_consent(self, xero: dict[str, Any]) -> Consent:
        client_id = xero.get("client_id") or self.settings.xero_client_id
        client_secret = xero.get("client_secret") or self.settings.xero_client_secret
        if not client_id or not client_secret:
            raise Misconfigured(
                "xero: give client_id and client_secret, or set XERO_CLIENT_ID and XERO_CLIENT_SECRET"
            )
        refresh_token = xero.get("refresh_token", "")
        return Consent(
            id=ids.derived_id("consent", "xero", client_id, str(xero["tenant_id"])),
            provider="xero",
            client_id=client_id,
            client_secret=client_secret,
            scope=f"{XERO_SCOPES} offline_access" if refresh_token else XERO_SCOPES,
            refresh_token=refresh_token,
            given=ids.digest(refresh_token) if refresh_token else "",
        )

    def _dynamics_consent(self, dynamics: dict[str, Any]) -> Consent:
        client_id = dynamics.get("client_id") or self.settings.microsoft_client_id
        client_secret = dynamics.get("client_secret") or self.settings.microsoft_client_secret
        if not client_id or not client_secret:
            raise Misconfigured(
                "dynamics: give client_id and client_secret, or set MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET"
            )
        return Consent(
            id=ids.derived_id("consent", "dynamics", dynamics["tenant_id"], client_id, dynamics["url"].rstrip("/")),
            provider="dynamics",
            client_id=client_id,
            client_secret=client_secret,
            directory=dynamics["tenant_id"],
        )


def _load(entry: Any) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = _EntrySchema().load(entry)
    except ValidationError as error:
        raise Misconfigured("; ".join(_flat(error.messages))) from error
    parts = urlsplit(loaded["dynamics"]["url"])
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise Misconfigured("dynamics.url: must be https (plain http only to this machine)")
    return loaded


def _flat(messages: Any, path: str = "") -> list[str]:
    if isinstance(messages, dict):
        return [
            text for name, inner in messages.items() for text in _flat(inner, f"{path}.{name}" if path else str(name))
        ]
    return [f"{path}: {' '.join(str(message) for message in messages)}"]


def _settings_row(chosen: dict[str, Any]) -> dict[str, Any]:
    try:
        row = preferences.to_row(chosen)
    except ValueError as error:
        raise Misconfigured(str(error)) from error
    zone = chosen.get("timezone", "").strip()
    if zone and find_zone(zone) is None:
        raise Misconfigured(f"settings.timezone: {unknown_zone(zone)}")
    return row


def _check_custom_fields(tools: Tools, setting: str) -> None:
    """Look up its columns in Dynamics and its tracking categories in Xero, before it is written anywhere."""
    custom = parse(setting)
    mistakes: list[str] = []
    try:
        check_columns(tools.dataverse, custom)
    except WrongCustomFields as error:
        mistakes += error.mistakes
    if custom.tracking:
        mistakes += missing_categories(custom, list_tracking(tools.xero))
    if mistakes:
        raise Misconfigured(f"settings: custom_fields: {' '.join(mistakes)}")


def _zone_of(organisation: dict[str, Any]) -> str:
    """Return the time zone of the Xero organisation (rule B9)."""
    said = str(organisation.get("Timezone") or "")
    found = find_iana_name(said)
    if found is None:
        raise Misconfigured(
            f"timezone: Xero's name for the organisation's time zone, “{said}”, is not known here. Give the IANA "
            f"name as timezone, such as {EXAMPLE}."
        )
    return found


def _write_rows(tools: Tools, connection: Connection, organisation: dict[str, Any], chosen: dict[str, Any]) -> None:
    """The connector's record has the connection's own id, so that a lookup on an invoice names the connection."""
    record = {
        columns.NAME: f"{organisation['Name']} - {urlsplit(connection.dynamics_url).hostname}",
        "stl3_xeroorganisation": organisation["Name"],
        "stl3_dynamicsurl": connection.dynamics_url,
        "stl3_connectionid": connection.id,
        "stl3_state": columns.CONNECTOR_STATE[connection.state.capitalize()],
    }
    row = {
        columns.NAME: record[columns.NAME],
        "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({connection.id})",
    }
    try:
        tools.dataverse.upsert(columns.CONNECTOR.set_name, connection.id, record)
        tools.dataverse.upsert(columns.SETTINGS.set_name, {"stl3_connectionid": connection.id}, row | chosen)
    except Rejected as error:
        raise Misconfigured(
            f"Dynamics does not take the connector's record: {error}. Is the connector's solution installed?"
        ) from error
