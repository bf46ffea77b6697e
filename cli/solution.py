"""`connector solution`: build, lint, install, verify, uninstall the solution for Dynamics."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.connections import get_connection, open_joiner
from cli.printing import print_json
from cli.running import told
from clients.dataverse import Dataverse
from clients.http import open_session
from clients.tokens import DynamicsTokens
from core.clock import SystemClock
from core.connections import Connection
from core.consents import Consent, Consents
from core.database import open_database
from core.endpoints import SECRET_HEADER, Endpoints
from core.errors import Disconnected, Misconfigured
from core.settings import LOOPBACK_HOSTS, Settings, read_settings
from core.vault import Vault
from solution.install.repairing import register_webhook, repair
from solution.install.run import install
from solution.install.site import Package, Site, Webhook
from solution.install.standing import ADMINISTRATOR
from solution.install.uninstalling import uninstall
from solution.install.verifying import Drift, verify
from solution.lint import Finding, check
from solution.names import UNIQUE_NAME, VERSION
from solution.package import build, file_name, sha256

_PRIVILEGE = re.compile(r"\bprv\w+")
_ADMIN_FIELDS = ("tenant_id", "client_id", "client_secret")
Decorated = Callable[..., Any]


@click.group("solution")
def solution_group() -> None:
    """The connector's solution for Dynamics: tables, forms, views, app, role and webhook."""


@solution_group.command("build")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="The folder.")
@click.option("--version", "version", default=VERSION, show_default=True, help="Four numbers.")
@click.option("--without-webhook", is_flag=True, help="Leave endpoint and steps to the Web API.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def build_command(out: Path, version: str, without_webhook: bool, as_json: bool) -> None:
    """Write the managed and the unmanaged package; the same bytes each time."""
    _check_version(version)
    made = []
    for managed in (True, False):
        package = build(managed=managed, version=version, webhook=not without_webhook)
        file = out / file_name(managed=managed, version=version)
        try:
            out.mkdir(parents=True, exist_ok=True)
            file.write_bytes(package)
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror}") from error
        made.append({"file": str(file), "managed": managed, "bytes": len(package), "sha256": sha256(package)})
    if as_json:
        print_json(made)
        return
    for one in made:
        click.echo(f"{one['sha256']}  {one['file']}")


@solution_group.command("lint")
@click.argument("package", metavar="ZIP", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--xsd",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of Microsoft's schema files, to validate against them as well.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def lint_command(package: Path, xsd: Path | None, as_json: bool) -> None:
    """Check a solution package, whoever made it; exit 1 if anything is wrong."""
    with told():
        findings = check(package.read_bytes(), schemas=xsd)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print_findings(package, findings)
    if findings:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Where:
    """An organisation of Dynamics, who speaks there as an administrator, and the app that the connector is there."""

    site: Site
    organization_id: str
    application_id: str
    connection: Connection | None
    settings: Settings

    def webhook(self) -> Webhook:
        vault = Vault(self.settings.token_keys)
        endpoint = Endpoints(open_database(self.settings.database_url), vault).ensure(self.organization_id)
        address = f"{self.settings.public_url}/webhooks/dynamics/{endpoint.key}"
        return Webhook(address, SECRET_HEADER, endpoint.secrets[0])


def _where(command: Decorated) -> Decorated:
    """The options that say which organisation, and as whom."""
    for option in (
        click.option(
            "--admin",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A JSON file with tenant_id, client_id and client_secret of an administrator's app.",
        ),
        click.option("--app", type=click.UUID, help="With --url: the client id of the connector's app."),
        click.option("--url", help="The address of the environment, before there is a connection."),
        click.option("--connection", "connection_id", help="A connection, by its id."),
    ):
        command = option(command)
    return command


@solution_group.command("install")
@_where
@click.option("--unmanaged", is_flag=True, help="For development: it can be changed, and not be removed.")
@click.option("--again", is_flag=True, help="Import the version that is there once more.")
@click.option("--webhooks", type=click.Choice(["api"]), help="Register endpoint and steps by the Web API alone.")
@click.option("--version", "version", default=VERSION, show_default=True, help="Four numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def install_command(
    connection_id: str | None,
    url: str | None,
    app: UUID | None,
    admin: Path | None,
    unmanaged: bool,
    again: bool,
    webhooks: str | None,
    version: str,
    as_json: bool,
) -> None:
    """Import the solution, set its webhook, give the connector its role; safe to repeat."""
    _check_version(version)
    package = Package.ours(is_managed=not unmanaged, version=version, has_webhook=not webhooks)
    with told():
        where = find_place(connection_id, url, app, admin)
        with administering(admin):
            install(where.site, package, where.webhook(), application_id=where.application_id, again=again)
        if where.connection is not None:
            open_joiner(where.settings).restore(where.connection)
            where.site.tell("The connector's record and settings are there")
    if as_json:
        made = {"solution": UNIQUE_NAME, "version": version, "managed": package.is_managed}
        print_json(made | {"organization_id": where.organization_id, "steps_in_solution": package.has_webhook})


@solution_group.command("verify")
@_where
@click.option("--repair", "repairs", is_flag=True, help="Make what is missing.")
@click.option("--webhooks", type=click.Choice(["api"]), help="Register endpoint and steps by the Web API alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(
    connection_id: str | None,
    url: str | None,
    app: UUID | None,
    admin: Path | None,
    repairs: bool,
    webhooks: str | None,
    as_json: bool,
) -> None:
    """Compare what is in Dynamics with the solution; exit 1 if anything is missing or different.

    Nothing is changed, except with --repair or --webhooks.
    """
    with told():
        where = find_place(connection_id, url, app, admin)
        webhook, drifts = where.webhook(), list(_look(where))
        if webhooks or repairs:
            with administering(admin):
                if webhooks:
                    register_webhook(where.site, webhook)
                if repairs:
                    repair(where.site, drifts, webhook, application_id=where.application_id)
            drifts = list(_look(where))
    if as_json:
        print_json([asdict(drift) for drift in drifts])
    else:
        _print_drifts(drifts)
    if drifts:
        raise SystemExit(1)


@solution_group.command("uninstall")
@_where
@click.confirmation_option(
    prompt="The connector's tables are deleted with all rows: what became of invoices, history, settings. Go on?"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def uninstall_command(
    connection_id: str | None, url: str | None, app: UUID | None, admin: Path | None, as_json: bool
) -> None:
    """Take the solution out of Dynamics, its tables and rows with it; nothing is deleted in Xero."""
    with told():
        where = find_place(connection_id, url, app, admin)
        with administering(admin):
            removed = uninstall(where.site)
    if as_json:
        print_json({"solution": UNIQUE_NAME, "organization_id": where.organization_id, "removed": removed})


def _look(where: Where) -> Iterator[Drift]:
    return verify(where.site.dataverse, address=where.webhook().address, application_id=where.application_id)


@contextmanager
def administering(admin: Path | None) -> Iterator[None]:
    """Say whose right is missing: that of the connector's own user is not meant to be enough."""
    try:
        yield
    except Disconnected as error:
        who = f"the app in {admin} has" if admin else "--admin names an app that has"
        what = f"The privilege {found[0]} is missing" if (found := _PRIVILEGE.search(str(error))) else str(error)
        words = f"{what.rstrip('.')}. This is an administrator's work: see that {who} the role {ADMINISTRATOR}."
        raise Misconfigured(words) from error


def find_place(connection_id: str | None, url: str | None, app: UUID | None, admin: Path | None) -> Where:
    """Return what the options name. Raises Misconfigured saying which are missing or wrong."""
    settings = read_settings()
    consents = Consents(open_database(settings.database_url), Vault(settings.token_keys))
    connection = get_connection(settings, connection_id) if connection_id else None
    if connection is None and not (url and app and admin):
        raise Misconfigured("Say which organisation: --connection, or all of --url, --app and --admin.")
    if connection is not None and (url or app):
        raise Misconfigured("Give either --connection, or --url and --app.")
    if connection is not None:
        own = consents.get(connection.dynamics_consent_id)
        address, application_id = connection.dynamics_url, own.client_id
    else:
        address, application_id = str(url).rstrip("/"), str(app)
        own = None
    _check_addresses(settings, address)
    consent = _administrator(admin) if admin else own
    assert consent is not None
    dataverse = _open(settings, consent, address)
    organization_id = str(dataverse.who_am_i()["OrganizationId"]).lower()
    if connection is not None and connection.dynamics_organization_id != organization_id:
        raise Misconfigured("Another organisation is at the connection's address now; nothing was changed in it.")
    clock, pause = SystemClock(), threading.Event()
    site = Site(dataverse, clock.now, _new_id, lambda seconds: _let_pass(pause, seconds), _say)
    return Where(site, organization_id, application_id, connection, settings)


@dataclass(frozen=True, slots=True)
class _One:
    """A consent that is kept nowhere."""

    consent: Consent

    def get(self, consent_id: str) -> Consent:
        if consent_id != self.consent.id:
            raise KeyError(consent_id)
        return self.consent


def _open(settings: Settings, consent: Consent, address: str) -> Dataverse:
    session = open_session(settings.ca_bundle)
    authority = settings.microsoft_authority
    tokens = DynamicsTokens(_One(consent), consent.id, authority=authority, resource=address, session=session)
    return Dataverse(session, tokens, url=address)


def _administrator(file: Path) -> Consent:
    try:
        given = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Misconfigured(f"{file}: not JSON: {error}") from error
    missing = [name for name in _ADMIN_FIELDS if not isinstance(given, dict) or not given.get(name)]
    if missing:
        raise Misconfigured(f"{file}: lacks {', '.join(missing)}")
    return Consent("administrator", "dynamics", given["client_id"], given["client_secret"], given["tenant_id"])


def _check_addresses(settings: Settings, address: str) -> None:
    """Tokens and secrets travel over TLS, to a host that is named; and Dynamics posts only where it can reach."""
    parts, ours = urlsplit(address), urlsplit(settings.public_url)
    is_here = parts.hostname in LOOPBACK_HOSTS
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
        raise Misconfigured(f"{address}: the address of an environment begins with https://")
    if ours.hostname in LOOPBACK_HOSTS and not is_here:
        raise Misconfigured(f"PUBLIC_URL is {settings.public_url}, which Dynamics cannot reach. Set it first.")


def _new_id() -> str:
    return str(UUID(bytes=secrets.token_bytes(16), version=4))


def _let_pass(pause: threading.Event, seconds: float) -> None:
    pause.wait(seconds)


def _say(words: str) -> None:
    click.echo(words, err=True)


def _check_version(version: str) -> None:
    if not re.fullmatch(r"\d+(\.\d+){3}", version, re.ASCII):
        raise click.BadParameter(f"{version}: a version has four numbers, such as {VERSION}")


def _print_findings(package: Path, findings: Sequence[Finding]) -> None:
    if not findings:
        click.echo(f"{package}: nothing to complain of")
        return
    for finding in findings:
        click.echo(str(finding))
    click.echo(f"{len(findings)} findings", err=True)


def _print_drifts(drifts: Sequence[Drift]) -> None:
    if not drifts:
        click.echo("Everything is as the solution says")
        return
    table = Table("What", "Where")
    table.add_column("Difference", overflow="fold")
    for drift in drifts:
        table.add_row(drift.kind, escape(drift.where), escape(drift.message))
    Console().print(table)
    if any(drift.can_be_made for drift in drifts):
        click.echo("`--repair` makes what is missing.", err=True)
