"""What people do in Dynamics, at random: to invoices and their lines, their connectors, export status, settings."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core import columns
from core.connections import Connection
from core.event import Event
from core.gates import BUNDLE_PARTS
from tests.simulation.chronicle import Chronicle
from tests.simulation.standings import Act
from tests.simulation.trading import ACCOUNTS, Trade
from tests.world import Line, World

CONNECTOR, ACCOUNT, TAX_TYPE = "stl3_Connector@odata.bind", "stl3_AccountCode@odata.bind", "stl3_TaxType@odata.bind"
CUSTOMER, PRICE_LIST = "customerid_account@odata.bind", "pricelevelid@odata.bind"
OWN_COLUMNS = {"invoice": [{"name": "new_ponumber", "type": "string"}]}
WITH_CUSTOM_FIELDS = '{"reference": "PO {new_ponumber}"}'
SETTINGS: dict[str, tuple[Any, ...]] = {
    "use_xero_number": (True, False),
    "create_contacts": (True, True, True, False),
    "create_products": (True, False),
    "status": ("DRAFT", "DRAFT", "DRAFT", "SUBMITTED", "AUTHORISED"),
    "sales_account": ("", "200", "260"),
    "purchase_account": ("", "400", "429"),
    "custom_fields": ("", WITH_CUSTOM_FIELDS),
    "create_credit_notes": (True, True, False),
    "cancel_by": ("Credit note", "Void"),
}
ENDING = ("create_credit_notes", "cancel_by")
CANCELLED, PAID = {"statecode": 3, "statuscode": 100003}, {"statecode": 2, "statuscode": 100001}
OPEN_AGAIN = {"statecode": 0, "statuscode": 1}
WORDS = {3: "cancel", 2: "complete", 0: "open"}  # of states, as the chronicle has them
HARMLESS = {"create_contacts": True, "create_products": True, "status": "DRAFT"}


@dataclass
class InDynamics:
    """A sales office; `invoice_ids` are the invoices that it has saved, `nets` what each asked for, by time.

    `acts` is what its people last did to the state of each.
    """

    world: World
    chance: random.Random
    trade: Trade
    connections: list[Connection]
    chronicle: Chronicle
    invoice_ids: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    touched: list[str] = field(default_factory=list)
    acts: dict[str, Act] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    nets: dict[str, list[tuple[Any, Decimal]]] = field(default_factory=lambda: defaultdict(list))

    def save(self) -> None:
        chance, world = self.chance, self.world
        different: dict[str, Any] = {"customer": chance.choice(sorted(world.customers))}
        if len(self.connections) > 1 and chance.random() < 0.3:
            different["connection"] = self.connections[1]
        if chance.random() < 0.7:
            invoice_id = self.trade.save_invoice(**different)
        else:
            invoice_id = world.save_invoice(Line("Work", f"{chance.randint(1, 9999) / 100:.2f}"), **different)
        self.invoice_ids.append(invoice_id)
        self.touched.append(invoice_id)
        if chance.random() < 0.15:
            world.edit(invoice_id, **{PRICE_LIST: None})

    def act(self) -> None:
        """One person does one thing to one invoice."""
        living = self.living()
        if living:
            acts = [self.edit_line] * 7 + [self.edit_header] * 5 + [self.add_line, self.remove_line, self.set_no]
            acts += [self.change_connector, self.change_customer, self.edit_line_codes, self.close, self.set_no]
            invoice_id = self.chance.choice(living)
            self.touched.append(invoice_id)
            self.chance.choice(acts)(invoice_id)

    def living(self) -> list[str]:
        return [invoice_id for invoice_id in self.invoice_ids if invoice_id not in self.deleted]

    def note_nets(self) -> None:
        """Note what each invoice asks for now, if that has changed."""
        for invoice_id in self.living():
            row, noted = self.world.invoice(invoice_id), self.nets[invoice_id]
            net = row["totalamount"] - row["totaltax"]
            if not noted or noted[-1][1] != net:
                noted.append((self.world.clock.now(), net))

    def edit_line(self, invoice_id: str) -> None:
        line, chance = self._line(invoice_id), self.chance
        if line is None:
            return
        row: dict[str, Any] = chance.choice(
            (
                {"priceperunit": Decimal(chance.choice(("10", "12.5", "99.99")))},
                {"quantity": Decimal(chance.choice((1, 2, 12, -1)))},
                {"manualdiscountamount": Decimal(chance.randint(0, 1))},
                {"lineitemnumber": chance.randint(1, 9)},
                {"productdescription" if line["isproductoverridden"] else "description": chance.choice("ABC")},
            )
        )
        self.world.sales.update("invoicedetail", line["invoicedetailid"], row)

    def edit_line_codes(self, invoice_id: str) -> None:
        line = self._line(invoice_id)
        if line is not None:
            sales = self.world.invoice(invoice_id)["stl3_invoicetype"] != columns.INVOICE_TYPE["Purchase Invoice"]
            account = self.trade.accounts[self.chance.choice(ACCOUNTS[sales])]
            self.world.sales.update(
                "invoicedetail", line["invoicedetailid"], {ACCOUNT: self.chance.choice((None, account))}
            )

    def add_line(self, invoice_id: str) -> None:
        row: dict[str, Any] = {"quantity": 1, "priceperunit": Decimal(self.chance.randint(1, 9999)) / 100}
        row |= {"isproductoverridden": True, "productdescription": self.chance.choice("DEF")}
        self.world.sales.create("invoicedetail", row | {"invoiceid@odata.bind": f"/invoices({invoice_id})"})

    def remove_line(self, invoice_id: str) -> None:
        line = self._line(invoice_id)
        if line is not None:
            self.world.sales.delete("invoicedetail", line["invoicedetailid"])

    def edit_header(self, invoice_id: str) -> None:
        chance, today = self.chance, self.world.clock.now()
        day = today + timedelta(days=chance.choice((-9, -1, 0, 0, 20)))
        kinds = list(columns.LINE_AMOUNT_TYPES.values.values())
        choices: tuple[dict[str, Any], ...] = (
            {"description": chance.choice(("PO 1", "PO 2", None))},
            {"datedelivered": chance.choice((f"{day:%Y-%m-%d}T00:00:00Z",) * 3 + (None,))},
            {"duedate": chance.choice((f"{day:%Y-%m-%d}", None))},
            {"freightamount": Decimal(chance.choice((0, 30)))},
            {"discountpercentage": Decimal(chance.choice((0, 33)))},
            {"discountamount": Decimal(chance.choice((0, 5)))},
            {"stl3_lineamounttypes": chance.choice(kinds)},
            {"stl3_invoicetype": chance.choice(list(columns.INVOICE_TYPE.values.values()))},
            {PRICE_LIST: chance.choice((None, *(self.price_list_of(invoice_id),) * 2))},
            {"new_ponumber": chance.choice(("1", "2", None))},
            {"name": "Renamed"},
        )
        self.world.edit(invoice_id, **chance.choice(choices))

    def price_list_of(self, invoice_id: str) -> str:
        """Return the binding of the price list in the invoice's currency."""
        currency = self.world.invoice(invoice_id)["_transactioncurrencyid_value"]
        lists = {self.world.currency(code): row_id for code, row_id in self.trade.price_lists.items()}
        return f"/pricelevels({lists[currency]})"

    def change_customer(self, invoice_id: str) -> None:
        customer = self.world.customers[self.chance.choice(sorted(self.world.customers))]
        self.world.edit(invoice_id, **{CUSTOMER: self.chance.choice((f"/accounts({customer})",) * 4 + (None,))})

    def change_connector(self, invoice_id: str) -> None:
        connection = self.chance.choice((*self.connections, *self.connections, None))
        self.world.edit(invoice_id, **{CONNECTOR: connection and self.world.binding(connection)})

    def set_no(self, invoice_id: str) -> None:
        """On one that failed, more often than not; on one that is exported as well."""
        if self.world.all_details(invoice_id) and (
            self.world.status(invoice_id) == "Failed" or self.chance.random() < 0.5
        ):
            self.ask_again(invoice_id)

    def ask_again(self, invoice_id: str) -> None:
        was = self.world.status(invoice_id)
        self.world.try_again(invoice_id)
        self.chronicle.act(invoice_id, "No", is_new=was != "No")

    def close(self, invoice_id: str) -> None:
        """Cancel it, or say that it was paid, or open it again; seldom, delete it."""
        row = self.chance.choice((CANCELLED, PAID, OPEN_AGAIN, OPEN_AGAIN, None))
        if row is not None:
            self.set_state(invoice_id, row)
        elif self.chance.random() < 0.5:
            self.delete(invoice_id)

    def end(self) -> None:
        """Cancel or delete one that is in Xero, or think better of it, or ask for the step again."""
        named = [
            key for key in self.living() if any(row["stl3_xeroinvoiceid"] for row in self.world.all_details(key))
        ]
        if not named:
            return
        invoice_id = self.chance.choice(named)
        self.touched.append(invoice_id)
        match self.chance.choice(("cancel", "cancel", "cancel", "open", "open", "No", "No", "delete")):
            case "cancel":
                self.set_state(invoice_id, CANCELLED)
            case "open":
                self.set_state(invoice_id, OPEN_AGAIN)
            case "No":
                self.ask_again(invoice_id)
            case "delete":
                self.delete(invoice_id)

    def delete(self, invoice_id: str) -> None:
        self.world.sales.delete("invoice", invoice_id)
        self.deleted.add(invoice_id)
        self.chronicle.act(invoice_id, "delete")

    def set_state(self, invoice_id: str, row: dict[str, int]) -> None:
        """Give it another state."""
        if self.world.invoice(invoice_id)["statecode"] != row["statecode"]:
            was_ours = any(details["stl3_closedbyconnector"] for details in self.world.all_details(invoice_id))
            self.world.edit(invoice_id, **row)
            self.acts[invoice_id] = Act(row["statecode"], was_ours)
            self.chronicle.act(invoice_id, WORDS[row["statecode"]])

    def retry_what_failed(self) -> None:
        """Those that are deleted as well: their rows are still there."""
        for invoice_id in self.invoice_ids:
            if self.world.all_details(invoice_id) and self.world.status(invoice_id) == "Failed":
                self.ask_again(invoice_id)

    def set_settings(self) -> None:
        name = self.chance.choice((*sorted(SETTINGS), *ENDING))
        self.choose(**{name: self.chance.choice(SETTINGS[name])})
        if self.chance.random() < 0.5:
            self.announce_settings()

    def choose(self, *, connection: Connection | None = None, **settings: Any) -> None:
        self.world.choose(connection=connection, **settings)
        self.chosen |= settings
        by_void = self.chosen.get("cancel_by") == "Void"
        self.chronicle.choose(automatic=self.chosen.get("create_credit_notes", False), by_void=by_void)

    def announce_settings(self) -> None:
        rows = self.world.dynamics.rows(columns.SETTINGS.set_name)
        organisation, now = self.world.connection.dynamics_organization_id, str(self.world.clock.now())
        self.world.dispatch(
            *(
                Event("dynamics", organisation, columns.SETTINGS.name, row[columns.SETTINGS.id_column], "Update", now)
                for row in rows
            )
        )

    def repair(self, wanted: Callable[[str], bool]) -> None:
        """Fill in what is missing on every invoice, and ask for those that are `wanted` to be sent again."""
        self.choose(**HARMLESS)
        self.announce_settings()
        for invoice_id in self.living():
            self.set_state(invoice_id, OPEN_AGAIN)
            row = self.world.invoice(invoice_id)
            customer = f"/accounts({self.world.customers['Fourth Coffee']})"
            missing: dict[str, Any] = (
                {} if row["_pricelevelid_value"] else {PRICE_LIST: self.price_list_of(invoice_id)}
            )
            missing |= {} if row["_customerid_value"] else {CUSTOMER: customer}
            missing |= {} if row["_stl3_connector_value"] else {CONNECTOR: self.world.binding(self.world.connection)}
            yesterday = self.world.clock.now() - timedelta(days=1)  # which has begun in every zone
            if not row["datedelivered"] or row["datedelivered"] > f"{yesterday:%Y-%m-%dT%H:%M:%SZ}":
                missing["datedelivered"] = "2026-11-24T00:00:00Z"
            if missing:
                self.world.edit(invoice_id, **missing)
            if not self.world.lines(invoice_id):
                self.add_line(invoice_id)
            if self.world.all_details(invoice_id) and wanted(invoice_id):
                self.ask_again(invoice_id)

    def _line(self, invoice_id: str) -> dict[str, Any] | None:
        lines = [row for row in self.world.lines(invoice_id) if row["producttypecode"] not in BUNDLE_PARTS]
        return self.chance.choice(lines) if lines else None
