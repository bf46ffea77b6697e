"""A simulated Dynamics without our solution, an administrator's view of it, and the connector's app in it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import requests

from clients.dataverse import Dataverse
from clients.http import open_session
from clients.tokens import DynamicsTokens
from core.consents import Consent
from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.wire import Fault, FaultKind
from solution.install.run import install
from solution.install.site import Package, Site, Webhook
from solution.install.verifying import Drift, verify
from tests.simulation.taps import Tap
from tests.wsgi_adapter import mount

URL, AUTHORITY = "https://contoso.crm4.dynamics.com", "https://login.microsoftonline.com"
DIRECTORY = "7d2b6f0e-6a2f-4d0a-9a2c-1b7b9f3f1a01"
ADMIN = "5c9e2f4b-0b55-4f6e-8e58-2f1f0c6c7a01"
APP = "5c9e2f4b-0b55-4f6e-8e58-2f1f0c6c7a02"
SECRET = "client-secret-canary"
NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
WEBHOOK = Webhook("https://connector.example/webhooks/dynamics/abc", "x-connector-secret", "s3cr&t")


@dataclass(frozen=True, slots=True)
class OneConsent:
    """A consent that is kept nowhere."""

    consent: Consent

    def get(self, _consent_id: str) -> Consent:
        return self.consent


@dataclass
class SolutionWorld:
    """`told` is what the installer said; `tap` may let it die at any call."""

    clock: Clock
    env: DataverseSimulator
    session: requests.Session
    tap: Tap
    told: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(3))

    def dataverse(self, client_id: str = ADMIN) -> Dataverse:
        consent = Consent(client_id, "dynamics", client_id, SECRET, directory=DIRECTORY)
        tokens = DynamicsTokens(
            OneConsent(consent), client_id, authority=AUTHORITY, resource=URL, session=self.session
        )
        return Dataverse(self.session, tokens, url=URL)

    def site(self, client_id: str = ADMIN) -> Site:
        return Site(self.dataverse(client_id), self.clock.now, self.new_id, self.wait, self.told.append)

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def install(
        self,
        *,
        version: str = "1.0.0.0",
        managed: bool = True,
        webhook: Webhook = WEBHOOK,
        again: bool = False,
        by_api: bool = False,
    ) -> None:
        """`by_api`: endpoint and steps are not in the package."""
        package = Package.ours(is_managed=managed, version=version, has_webhook=not by_api)
        install(self.site(), package, webhook, application_id=APP, again=again)

    def install_as(self, site: Site) -> None:
        install(site, Package.ours(), WEBHOOK, application_id=APP)

    def install_for(self, application_id: str) -> None:
        install(self.site(), Package.ours(), WEBHOOK, application_id=application_id)

    def drifts_of_admin(self) -> list[Drift]:
        return list(verify(self.dataverse(), address=WEBHOOK.address, application_id=APP))

    def drifts(self) -> list[Drift]:
        """Seen with the connector's own rights, which are enough to look."""
        return list(verify(self.dataverse(APP), address=WEBHOOK.address, application_id=APP))

    @property
    def app_user_id(self) -> str:
        (row,) = (row for row in self.env.rows("systemusers") if row.get("applicationid") == APP)
        return str(row["systemuserid"])

    def version(self) -> str | None:
        rows = [row for row in self.env.rows("solutions") if row["uniquename"] == "StellariseConnector"]
        return str(rows[0]["version"]) if rows else None

    def fail(self, match: str, kind: FaultKind, **more: object) -> None:
        self.env.wire.inject(Fault(match, kind, **more))  # type: ignore[arg-type]

    def imports(self) -> int:
        return len(self.env.rows("importjobs"))


@contextmanager
def open_solution_world(*, with_sales: bool = True) -> Iterator[SolutionWorld]:
    clock = Clock(NOW)
    login = MicrosoftLogin(clock, random.Random(1))
    login.add_tenant(DIRECTORY)
    for client_id in (ADMIN, APP):
        login.add_app(DIRECTORY, client_id=client_id, client_secret=SECRET)
    env = DataverseSimulator(clock, random.Random(2), login, url=URL, tenant_id=DIRECTORY, with_sales=with_sales)
    env.add_app_user(ADMIN, ("System Administrator",))
    env.add_app_user(APP, ())
    session, tap = open_session(None), Tap()
    adapter = mount(session, URL, tap.over(env.wire))
    session.mount(AUTHORITY, adapter)
    yield SolutionWorld(clock, env, session, tap)
    session.close()


def with_address(address: str) -> Webhook:
    return replace(WEBHOOK, address=address)
