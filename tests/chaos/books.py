"""Reads what stands in both simulators, past the proxies: looking costs the connector nothing."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import requests

from core import columns
from tests.chaos.verdict import Books, Row

ORIGIN = re.compile(r"[?&]id=([0-9a-f-]{36})")


class Onlooker:
    """Reads both simulators by their control API, and acts in Xero's own pages."""

    def __init__(self, addresses: Mapping[str, str], tenant_id: str) -> None:
        self._addresses = dict(addresses)
        self._tenant_id = tenant_id
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = addresses["ca_bundle"]

    def look(self) -> Books:
        """Return what stands in both systems now; Dynamics is read after Xero."""
        began_at = time.monotonic()
        xero = self.control("xero", f"state/{self._tenant_id}")
        rows = {name: self._rows(name) for name in ("invoices", columns.DETAILS.set_name, columns.HISTORY.set_name)}
        return Books(
            began_at,
            {row["invoiceid"]: row for row in rows["invoices"]},
            grouped(rows[columns.DETAILS.set_name], lambda row: row["stl3_dynamicsinvoiceid"]),
            grouped(rows[columns.HISTORY.set_name], lambda row: row["_stl3_xerodetails_value"]),
            grouped(xero["Invoices"], _origin_of),
            grouped(xero["Payments"], lambda row: (row.get("Invoice") or {}).get("InvoiceID")),
            grouped(xero["CreditNotes"], lambda row: row["CreditNoteNumber"]),
            xero["Contacts"],
        )

    def act_in_xero(self, action: str, **arguments: Any) -> None:
        """Let somebody act in Xero's own pages. Raises requests.HTTPError if Xero refuses."""
        self.control("xero", "act", {"tenant_id": self._tenant_id, "action": action, **arguments})

    def control(self, side: str, path: str, document: Mapping[str, Any] | None = None) -> Any:
        """Return what the control API of a simulator answers to GET, or to POST of a document."""
        method = "GET" if document is None else "POST"
        answer = self._session.request(method, f"{self._addresses[side]}/_control/{path}", json=document, timeout=60)
        answer.raise_for_status()
        return json.loads(answer.content, parse_float=Decimal)

    def _rows(self, set_name: str) -> list[Row]:
        found: list[Row] = self.control("dynamics", f"rows/{set_name}")["rows"]
        return found


def grouped(rows: Iterable[Row], key_of: Callable[[Row], Any]) -> dict[str, list[Row]]:
    """Return the rows by what `key_of` says of each; those of which it says nothing under the empty string."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key_of(row) or ""].append(row)
    return dict(groups)


def _origin_of(document: Row) -> str:
    found = ORIGIN.search(document.get("Url") or "")
    return found[1] if found else ""
