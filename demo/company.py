"""The demo's company: a Xero organisation, a Dynamics organisation with customers and products, and both joined."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from core import columns, money
from demo.stack import WEBHOOK_KEY, Stack

XERO_APP = {"client_id": "demo-connector", "client_secret": "demo-connector-secret"}
CONNECTOR_APP = {"client_id": "11111111-0000-4000-8000-0000000000a1", "client_secret": "demo-connector-secret"}
ADMIN_APP = {"client_id": "11111111-0000-4000-8000-0000000000a2", "client_secret": "demo-admin-secret"}
SALES_APP = {"client_id": "11111111-0000-4000-8000-0000000000a3", "client_secret": "demo-sales-secret"}
CUSTOMERS = (
    ("Fourth Coffee", "AC-1001", "Leeds"),
    ("Litware Interiors", "AC-1002", "Bristol"),
    ("Adventure Works Cycles", "AC-1003", "Cardiff"),
    ("Northwind Traders", "AC-1004", "Glasgow"),
    ("Blue Yonder Airlines", "AC-1005", "London"),
)
PRODUCTS = (
    ("CHAIR-01", "Office chair, mesh back", "189.00"),
    ("DESK-02", "Standing desk 160 × 80", "549.50"),
    ("LAMP-03", "Desk lamp, dimmable", "39.95"),
    ("CABLE-04", "Cable tray, per metre", "7.4525"),
)
BUNDLE = ("SET-05", "Home office: desk and two lamps", "599.00")
IN_BUNDLE = (("DESK-02", 1), ("LAMP-03", 2))
EURO = {
    "currencyname": "Euro",
    "isocurrencycode": "EUR",
    "currencysymbol": "€",
    "currencyprecision": 2,
    "exchangerate": Decimal("1.15"),
}
CLOSED_AS_CANCELLED = {"statecode": 3, "statuscode": 100003}
OPEN_AGAIN = {"statecode": 0, "statuscode": 1}


class WebApi:
    """Dynamics' Web API as an app of somebody else uses it: the sales department's, the administrator's."""

    def __init__(self, addresses: Mapping[str, str], app: Mapping[str, str]) -> None:
        self._url = f"{addresses['dynamics']}/api/data/v9.2"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = addresses["ca_bundle"]
        form = {"grant_type": "client_credentials", "scope": f"{addresses['dynamics']}/.default", **app}
        answer = self._session.post(
            f"{addresses['login']}/{addresses['directory']}/oauth2/v2.0/token", data=form, timeout=10
        )
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._session.headers["Content-Type"] = "application/json"

    def create(self, set_name: str, row: Mapping[str, Any]) -> str:
        """Return the id of the new row."""
        answer = self._session.post(f"{self._url}/{set_name}", data=money.dumps(row), timeout=10)
        if answer.status_code >= 400:
            raise RuntimeError(f"POST {set_name}: {answer.text}")
        return answer.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    def update(self, set_name: str, row_id: str, row: Mapping[str, Any]) -> None:
        answer = self._session.patch(
            f"{self._url}/{set_name}({row_id})", data=money.dumps(row), headers={"If-Match": "*"}, timeout=10
        )
        if answer.status_code >= 400:
            raise RuntimeError(f"PATCH {set_name}: {answer.text}")

    def delete(self, set_name: str, row_id: str) -> None:
        answer = self._session.delete(f"{self._url}/{set_name}({row_id})", timeout=10)
        if answer.status_code >= 400:
            raise RuntimeError(f"DELETE {set_name}: {answer.text}")

    def rows(self, set_name: str, **query: str) -> list[dict[str, Any]]:
        """Return the rows of a query; names without their `$`."""
        parameters = {f"${name}": value for name, value in query.items()}
        answer = self._session.get(f"{self._url}/{set_name}", params=parameters, timeout=10)
        if answer.status_code >= 400:
            raise RuntimeError(f"GET {set_name}: {answer.text}")
        rows: list[dict[str, Any]] = money.loads(answer.content)["value"]
        return rows


@dataclass
class Company:
    """What the story needs to know: ids of customers, products and settings in Dynamics, by name."""

    stack: Stack
    tenant_id: str = ""
    connection_id: str = ""
    price_list: str = ""
    currency: str = ""
    euro_price_list: str = ""
    euro: str = ""
    unit: str = ""
    unknown_account: str = ""
    customers: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    sales: WebApi = field(init=False)

    def found(self) -> None:
        """Found the company in both simulators; the connector is not needed for it."""
        xero, dynamics = self.stack.addresses["xero"], self.stack.addresses["dynamics"]
        made = self._control(
            xero, "organisations", {"name": "Contoso Furniture Ltd", "region": "UK", "currencies": ["EUR"]}
        )
        self.tenant_id = made["tenant_id"]
        app = {"kind": "custom", "tenant_ids": [self.tenant_id], "minute_limit": 600, "daily_limit": 100_000}
        webhook = {"webhook_key": WEBHOOK_KEY, "webhook_url": f"{self.stack.web}/webhooks/xero"}
        self._control(xero, "apps", XERO_APP | app | webhook)
        self._control(dynamics, "import-switches", {"duration_s": 0.5})
        directory = {"tenant_id": self.stack.addresses["directory"]}
        for client, roles in (
            (CONNECTOR_APP, []),  # what it may do is what the solution's role allows
            (ADMIN_APP, ["System Administrator"]),
            (SALES_APP, ["Salesperson"]),
        ):
            self._control(dynamics, "apps", directory | client)
            self._control(dynamics, "app-users", {"client_id": client["client_id"], "roles": roles})
        self.sales = WebApi(self.stack.addresses, SALES_APP)
        self.euro = WebApi(self.stack.addresses, ADMIN_APP).create("transactioncurrencies", EURO)
        self._stock_up()

    def join(self, *, status: str = "Authorised") -> None:
        """Install the solution in Dynamics and join the two organisations, as an operator does.

        `status` is what an invoice becomes in Xero; cancelling one that is approved makes a credit note (rule B8).
        """
        entry = {
            "timezone": "Europe/London",
            "xero": {"tenant_id": self.tenant_id, **XERO_APP},
            "dynamics": {
                "url": self.stack.addresses["dynamics"],
                "tenant_id": self.stack.addresses["directory"],
                **CONNECTOR_APP,
            },
            "settings": {"status": status, "create_credit_notes": True},
        }
        self._install_solution()
        file = self.stack.folder / "connections.json"
        file.write_text(json.dumps([entry]))
        (joined,) = json.loads(self.stack.run("connections", "import", str(file), "--json"))
        self.connection_id = joined["connection"]
        self.unknown_account = self.sales.create(
            columns.ACCOUNT_CODE.set_name,
            {columns.NAME: "299 - Closed shop", "stl3_code": "299", "stl3_key": f"{self.connection_id}-299"},
        )

    def _install_solution(self) -> None:
        """Import it, let Dynamics post to us, and give the connector its role."""
        file = self.stack.folder / "admin.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"tenant_id": self.stack.addresses["directory"], **ADMIN_APP}))
        where = ["--url", self.stack.addresses["dynamics"], "--app", CONNECTOR_APP["client_id"]]
        self.stack.run("solution", "install", *where, "--admin", str(file))
        file.unlink()

    def choose(self, **labels: str) -> None:
        """Change the connector's settings, as an administrator does: columns without their prefix, by label."""
        admin, settings = WebApi(self.stack.addresses, ADMIN_APP), columns.SETTINGS
        mine = f"stl3_connectionid eq '{self.connection_id}'"
        (row,) = admin.rows(settings.set_name, select=settings.id_column, filter=mine)
        chosen = {
            columns.PREFIX + name: columns.options_of(settings.name, name)[label] for name, label in labels.items()
        }
        admin.update(settings.set_name, row[settings.id_column], chosen)

    def cancel_invoice(self, invoice_id: str) -> None:
        """Press Cancel Invoice."""
        self.sales.update("invoices", invoice_id, CLOSED_AS_CANCELLED)

    def activate_invoice(self, invoice_id: str) -> None:
        """Open a closed invoice again."""
        self.sales.update("invoices", invoice_id, OPEN_AGAIN)

    def delete_invoice(self, invoice_id: str) -> None:
        self.sales.delete("invoices", invoice_id)

    def set_to_no(self, invoice_id: str) -> None:
        """Set Export status to No, which asks the connector to try once more."""
        key = columns.DETAILS.id_column
        (row,) = self.sales.rows(
            columns.DETAILS.set_name, select=key, filter=f"stl3_dynamicsinvoiceid eq '{invoice_id}'"
        )
        no = {"stl3_exportstatus": columns.EXPORT_STATUS["No"]}
        self.sales.update(columns.DETAILS.set_name, row[key], no)

    def act_in_xero(self, action: str, **arguments: Any) -> None:
        """Let somebody act in Xero's own pages: pay, void, credit ... Raises if Xero refuses."""
        acting = {"tenant_id": self.tenant_id, "action": action, **arguments}
        self._control(self.stack.addresses["xero"], "act", acting)

    def _stock_up(self) -> None:
        (currency,) = self.sales.rows(
            "transactioncurrencies", select="transactioncurrencyid", filter="isocurrencycode eq 'GBP'"
        )
        self.currency = currency["transactioncurrencyid"]
        self.price_list = self._price_list("Retail 2026", self.currency)
        self.euro_price_list = self._price_list("Retail 2026, euro", self.euro)
        group = self.sales.create("uomschedules", {"name": "Pieces", "baseuomname": "Piece"})
        self.unit = self.sales.create(
            "uoms", {"name": "Piece", "quantity": 1, "uomscheduleid@odata.bind": f"/uomschedules({group})"}
        )
        for number, name, _ in (*PRODUCTS, BUNDLE):
            row = {
                "name": name,
                "productnumber": number,
                "quantitydecimal": 2,
                "productstructure": 3 if number == BUNDLE[0] else 1,
                "defaultuomid@odata.bind": f"/uoms({self.unit})",
                "defaultuomscheduleid@odata.bind": f"/uomschedules({group})",
            }
            self.products[number] = self.sales.create("products", row)
            if number == BUNDLE[0]:
                self._fill_bundle()
            self.sales.update("products", self.products[number], {"statecode": 0, "statuscode": 1})
        for name, number, city in CUSTOMERS:
            row = {"name": name, "accountnumber": number, "address1_city": city, "telephone1": "+44 20 7946 0000"}
            self.customers[name] = self.sales.create("accounts", row)

    def _fill_bundle(self) -> None:
        for number, quantity in IN_BUNDLE:
            row = {
                "quantity": quantity,
                "productisrequired": 1,
                "productid@odata.bind": f"/products({self.products[BUNDLE[0]]})",
                "associatedproduct@odata.bind": f"/products({self.products[number]})",
                "uomid@odata.bind": f"/uoms({self.unit})",
            }
            self.sales.create("productassociations", row)

    def _price_list(self, name: str, currency: str) -> str:
        bound = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"}
        return self.sales.create("pricelevels", {"name": name, **bound})

    def _control(self, address: str, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        verify = self.stack.addresses["ca_bundle"]
        answer = requests.post(f"{address}/_control/{path}", json=document, verify=verify, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
