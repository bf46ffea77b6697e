"""One simulated Dynamics organisation under a still clock, with a caller that speaks to it as an app does."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.test import Client, TestResponse

from simulators.clock import Clock
from simulators.dataverse import DataverseSimulator
from simulators.microsoft import MicrosoftLogin
from simulators.outbox import Delivery, deliver_due

NOW = datetime(2025, 7, 1, 12, 0, tzinfo=UTC)
URL = "https://contoso.crm4.dynamics.com"
TENANT = "7d2b6f0e-6a2f-4d0a-9a2c-1b7b9f3f1a01"
CLIENT_ID = "5c9e2f4b-0b55-4f6e-8e58-2f1f0c6c7a02"
SECRET = "not a secret"
SOLUTION = {
    "tables": [
        {
            "logical_name": "new_xerolink",
            "set_name": "new_xerolinks",
            "primary_id": "new_xerolinkid",
            "primary_name": "new_name",
            "schema_name": "new_XeroLink",
            "ownership": "organization",
            "columns": [
                {"name": "new_invoicekey", "type": "string", "max_length": 100},
                {"name": "new_kind", "type": "choice", "options": {"1": "Sales", "2": "Purchase"}, "default": 1},
                {"name": "new_due", "type": "money"},
                {"name": "new_rate", "type": "decimal", "precision": 4},
                {"name": "new_live", "type": "boolean"},
                {"name": "new_on", "type": "date"},
                {"name": "new_at", "type": "datetime"},
                {"name": "new_invoice", "type": "lookup", "targets": ["invoice"], "schema_name": "new_Invoice"},
                {"name": "new_count", "type": "integer"},
            ],
            "keys": [
                {"name": "new_invoicekeykey", "columns": ["new_invoicekey"]},
                {"name": "new_rateinvoice", "columns": ["new_rate", "new_invoice"]},
            ],
        }
    ],
    "columns": {"account": [{"name": "new_owed", "type": "money", "precision": 2}]},
}


class DataverseWorld:
    """A simulator with an application user, and short ways to call it."""

    def __init__(self, *, seed: int = 1) -> None:
        self.clock = Clock(NOW)
        self.login = MicrosoftLogin(self.clock, random.Random(seed))
        self.login.add_tenant(TENANT)
        self.login.add_app(TENANT, client_id=CLIENT_ID, client_secret=SECRET)
        self.env = DataverseSimulator(self.clock, random.Random(seed), self.login, url=URL, tenant_id=TENANT)
        self.env.customise(SOLUTION)
        self.app_user_id = self.env.add_app_user(CLIENT_ID)
        self.person = self.env.user()
        self.sent: list[Delivery] = []
        self._client = Client(self.env.wire)

    def token(self) -> str:
        return self.login.issue(TENANT, CLIENT_ID, self.env.url)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
        content_type: str = "application/json",
    ) -> TestResponse:
        """Make a Web API call; `body` is JSON unless it is bytes."""
        given = {"Authorization": f"Bearer {token or self.token()}"} | (headers or {})
        data = body if isinstance(body, bytes | None) else json.dumps(body, default=_number).encode()
        return self._client.open(
            f"/api/data/v9.2/{path}", method=method, base_url=URL, headers=given, data=data, content_type=content_type
        )

    def get(self, path: str, *, prefer: str = "", **options: str) -> Any:
        """Return the parsed body; options without the dollar sign."""
        query = urlencode({f"${name}": value for name, value in options.items()}, quote_via=quote)
        answer = self.call("GET", f"{path}?{query}" if query else path, headers={"Prefer": prefer} if prefer else {})
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def post(self, path: str, body: Any, **headers: str) -> str:
        """Create a row; return its id."""
        answer = self.call("POST", path, body, headers=headers)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")

    def refusal(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Make a call that is refused; return status and error code."""
        answer = self.call(method, path, body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.get_json()["error"]["code"]

    def account(self, name: str = "Contoso", **more: Any) -> str:
        return self.person.create("accounts", {"name": name, **more})

    def price_list(self, currency_id: str | None = None) -> str:
        bind = f"/transactioncurrencies({currency_id or self.env.base_currency_id})"
        return self.person.create("pricelevels", {"name": "Standard", "transactioncurrencyid@odata.bind": bind})

    def unit(self) -> dict[str, str]:
        """The binds of a product that is sold by the first unit."""
        unit, group = self.env.rows("uoms")[0]["uomid"], self.env.rows("uomschedules")[0]["uomscheduleid"]
        return {
            "defaultuomid@odata.bind": f"/uoms({unit})",
            "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
        }

    def product(self, number: str = "TEA-01", *, name: str = "Tea", active: bool = True, **columns: Any) -> str:
        row = {"name": name, "productnumber": number, **self.unit(), **columns}
        product_id = self.person.create("products", row)
        if active:
            self.person.update("products", product_id, {"statecode": 0})
        return product_id

    def catalogue_line(self, product_id: str) -> dict[str, Any]:
        """The binds of a line that sells a product by its first unit."""
        unit = self.env.rows("uoms")[0]["uomid"]
        return {"productid@odata.bind": f"/products({product_id})", "uomid@odata.bind": f"/uoms({unit})"}

    def list_price(self, price_list: str, product_id: str, amount: str, **more: Any) -> str:
        """Put a product into a price list."""
        bind = {"pricelevelid@odata.bind": f"/pricelevels({price_list})"}
        row = {"amount": Decimal(amount), **bind, **self.catalogue_line(product_id), **more}
        return self.person.create("productpricelevels", row)

    def lines(self, invoice_id: str) -> list[dict[str, Any]]:
        """The lines of an invoice, oldest first."""
        return [row for row in self.env.rows("invoicedetails") if row["_invoiceid_value"] == invoice_id]

    def invoice(self, *lines: dict[str, Any], **columns: Any) -> str:
        """Create an invoice for a fresh account; lines are write-in products."""
        body = {"name": "June", "customerid_account@odata.bind": f"/accounts({self.account()})", **columns}
        if lines:
            written = {"productdescription": "Work"}
            body["invoice_details"] = [line if "productid@odata.bind" in line else written | line for line in lines]
        return self.person.create("invoices", body)

    def endpoint(self, *, authtype: int = 5, authvalue: str | None = None) -> str:
        value = authvalue or '<settings><setting name="x-hook-secret" value="s3cret" /></settings>'
        row = {"name": "hook", "url": "https://hook.example/dynamics", "contract": 8}
        return self.post("serviceendpoints", row | {"authtype": authtype, "authvalue": value})

    def step(self, message: str, table: str = "invoice", *, endpoint: str | None = None, **columns: Any) -> str:
        """Register an asynchronous step; return its id."""
        found = self.get("sdkmessages", select="sdkmessageid", filter=f"name eq '{message}'")
        message_id = found["value"][0]["sdkmessageid"]
        wanted = f"primaryobjecttypecode eq '{table}' and sdkmessageid/name eq '{message}'"
        found = self.get("sdkmessagefilters", select="sdkmessagefilterid", filter=wanted)
        filter_id = found["value"][0]["sdkmessagefilterid"]
        row = {
            "name": f"Xero: {table} {message}",
            "stage": 40,
            "mode": 1,
            "rank": 1,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint or self.endpoint()})",
            "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filter_id})",
        }
        return self.post("sdkmessageprocessingsteps", row | columns)

    def image(self, step_id: str, image_type: int, alias: str, attributes: str, *, on: str = "Target") -> str:
        row = {"name": alias, "entityalias": alias, "imagetype": image_type, "messagepropertyname": on}
        bind = {"sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({step_id})"}
        return self.post("sdkmessageprocessingstepimages", row | bind | {"attributes": attributes})

    def deliver(self, status: int | None = 200) -> list[dict[str, Any]]:
        """Send what is due; every POST is answered with `status`. Return the bodies."""
        taken: list[Delivery] = []

        def send(delivery: Delivery) -> int | None:
            taken.append(delivery)
            return status

        deliver_due(self.env.outbox, send, self.env.settle)
        self.sent += taken
        return [json.loads(delivery.body, parse_float=Decimal) for delivery in taken]


def _number(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)
