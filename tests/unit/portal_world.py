"""A portal without a network: its pages by a browser of one cookie jar each, and the mails that it has put."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import fakeredis
import time_machine
from flask import Flask
from sqlalchemy import Engine, delete, select
from werkzeug.test import Client, TestResponse

from clients.xero_consent import XeroLogin
from core import money
from core.database import open_database
from core.schema import mails
from core.vault import Vault, new_key
from portal.app import Parts, create_portal
from portal.wsgi import at_its_address

START = datetime.fromisoformat("2026-12-01T09:00:00+00:00")
ADDRESS = "https://connector.example"
PASSWORD = "four sturdy umbrellas walk"
QUICK = {"argon2__rounds": 1, "argon2__memory_cost": 64, "argon2__parallelism": 1}


@dataclass
class PortalWorld:
    """`app` is the portal, `travel` moves its clock."""

    folder: Path
    travel: time_machine.Traveller
    sends_mail: bool = True
    xero: XeroLogin | None = None
    redis_server: fakeredis.FakeServer = field(default_factory=fakeredis.FakeServer)
    hash_options: dict[str, int] = field(default_factory=QUICK.copy)
    public_url: str = ADDRESS
    vault: Vault = field(default_factory=lambda: Vault([new_key()]))

    def __post_init__(self) -> None:
        self.engine: Engine = open_database(f"sqlite:///{self.folder / 'portal.db'}")
        self.clock = _Clock(START)
        self.redis = fakeredis.FakeRedis(server=self.redis_server, decode_responses=True)
        self.app: Flask = create_portal(
            Parts(
                engine=self.engine,
                vault=self.vault,
                clock=self.clock,
                public_url=self.public_url,
                secret_keys=("a secret key of thirty-two or more characters",),
                attempts="memory://",
                sends_mail=self.sends_mail,
                support_email="help@connector.example",
                redis=self.redis,
                xero=self.xero,
                hash_options=self.hash_options,
            )
        )
        self.wsgi = at_its_address(self.app, self.public_url, trusted_proxies=1)

    def pass_time(self, **delta: float) -> None:
        self.clock.at += timedelta(**delta)
        self.travel.move_to(self.clock.at)

    def browser(self, address: str = "203.0.113.7") -> Browser:
        return Browser(self, address)

    def take_mails(self) -> list[dict[str, Any]]:
        """Return the mails that were put since the last time, the oldest first."""
        with self.engine.begin() as database:
            rows = database.execute(select(mails).order_by(mails.c.created_at, mails.c.id)).mappings().all()
            database.execute(delete(mails))
        return [money.loads(self.vault.open(row["sealed"], owner=row["id"])) for row in rows]

    def registered(self, email: str = "ann@contoso.com", company: str = "Contoso", **browser: str) -> Browser:
        """Return a browser in which somebody is logged in who has just registered."""
        visitor = self.browser(**browser)
        visitor.submit("/register", email=email, company=company, password=PASSWORD)
        visitor.confirm()
        assert visitor.log_in(email).status_code == 302
        return visitor


@dataclass
class _Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at


class Browser:
    """Keeps cookies, and sends forms with the token that their page has."""

    def __init__(self, world: PortalWorld, address: str) -> None:
        self.world = world
        self.client = Client(world.wsgi)
        self.headers = {"X-Forwarded-For": address}

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.client.get(path, base_url=self.world.public_url, headers=self.headers, **kwargs)

    def post(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        headers = self.headers | {"Referer": f"{self.world.public_url}{path}"} | kwargs.pop("headers", {})
        return self.client.post(path, base_url=self.world.public_url, data=data or {}, headers=headers, **kwargs)

    def submit(self, page: str, *, to: str = "", **fields: str) -> TestResponse:
        """Fill in the form of a page and send it."""
        token = token_of(self.get(page))
        return self.post(to or page, {"csrf_token": token, **fields})

    def log_in(self, email: str = "ann@contoso.com", password: str = PASSWORD, query: str = "") -> TestResponse:
        return self.submit(f"/login{query}", email=email, password=password)

    def confirm(self) -> TestResponse:
        """Open the link of the mail that asks for it."""
        (mail,) = (mail for mail in self.world.take_mails() if "confirm" in mail["subject"])
        return self.get(links_of(mail)[0])

    @property
    def is_logged_in(self) -> bool:
        return self.get("/account").status_code == 200


def token_of(response: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', response.text)
    assert found, f"{response.request.path}: {response.status_code}, no form"
    return html.unescape(found[1])


def links_of(mail: dict[str, Any]) -> list[str]:
    """Return the paths of the links in the text of a mail, which all lead to the portal."""
    found = re.findall(r"https?://\S+", mail["text"])
    assert all(each.startswith(ADDRESS) for each in found), found
    return [each.removeprefix(ADDRESS) for each in found]


@contextmanager
def open_portal_world(folder: Path, **different: Any) -> Iterator[PortalWorld]:
    with time_machine.travel(START, tick=False) as travel:
        world = PortalWorld(folder, travel, **different)
        yield world
        world.engine.dispose()
