"""A Xero client above a script of answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from clients.http import open_session
from clients.xero import Xero
from tests.wsgi_adapter import Scripted

API = "https://api.xero.com"
ZERO_ID = "00000000-0000-0000-0000-000000000000"


class Tokens:
    """A token source with a token for each time it is asked after a refusal."""

    def __init__(self) -> None:
        self.number = 1

    def get(self) -> str:
        return f"secret-token-{self.number}"

    def forget(self) -> None:
        self.number += 1


class World:
    def __init__(self) -> None:
        self.script = Scripted()
        self.session = open_session(None)
        self.session.mount(API, self.script)
        self.tokens = Tokens()
        self.xero = Xero(self.session, self.tokens, api_url=API, tenant_id="tenant-1")

    def say(self, document: Any, status: int = 200, **headers: str) -> None:
        self.script.add(status, json.dumps(document).encode(), Content_Type="application/json", **headers)

    def query(self, number: int = -1) -> dict[str, str]:
        parts = urlsplit(self.script.sent[number].url)
        return {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}


def invoice(number: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "ACCREC",
        "InvoiceID": f"11111111-0000-0000-0000-{int(number.rpartition('-')[2]):012d}",
        "InvoiceNumber": number,
        "UpdatedDateUTC": "/Date(1773135005120+0000)/",
        "StatusAttributeString": "OK",
        **fields,
    }


def create(world: World) -> Any:
    return world.xero.create_invoices([{"Url": "https://a.example/1", "Total": Decimal("0.10")}], key="k1")


def read(world: World) -> Any:
    return list(world.xero.list_accounts())


def problem(detail: str, status: int) -> dict[str, Any]:
    return {"Type": None, "Title": "Title", "Status": status, "Detail": detail, "Instance": "x", "Extensions": {}}
