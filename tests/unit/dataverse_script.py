"""A Dataverse client above a script of answers."""

from __future__ import annotations

import json
from typing import Any

from clients.dataverse import Dataverse
from clients.http import open_session
from tests.unit.batch_answers import multipart
from tests.unit.xero_script import Tokens
from tests.wsgi_adapter import Scripted

ORIGIN = "https://contoso.crm4.dynamics.com"
ROOT = f"{ORIGIN}/api/data/v9.2/"
ID = "aaaaaaaa-0000-0000-0000-000000000001"
ROW = f"invoices({ID})"


class World:
    def __init__(self) -> None:
        self.script = Scripted()
        session = open_session(None)
        session.mount(ORIGIN, self.script)
        self.tokens = Tokens()
        self.dataverse = Dataverse(session, self.tokens, url=ORIGIN)

    def say(self, document: Any, status: int = 200, **headers: str) -> None:
        self.script.add(status, json.dumps(document).encode(), Content_Type="application/json", **headers)

    def refuse(self, status: int, code: str = "", message: str = "", **headers: str) -> None:
        self.say({"error": {"code": code, "message": message}}, status, **headers)

    def say_batch(self, *parts: str, status: int = 200, end: str = "--") -> None:
        body = multipart("batchresponse_1", *parts, end=end).encode()
        self.script.add(status, body, Content_Type="multipart/mixed; boundary=batchresponse_1")


def refusal(code: str, message: str = "") -> str:
    return json.dumps({"error": {"code": code, "message": message}})
