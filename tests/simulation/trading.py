"""A company that sells and buys everything in every currency: what it has in both systems, and its invoices."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core import columns
from tests.world import Line, World

PLACES = {"GBP": 2, "EUR": 2, "JPY": 0, "KWD": 3}
RATES = {"EUR": "1.17", "JPY": "190", "KWD": "0.4"}
ACCOUNTS = {True: ["200", "260"], False: ["310", "400", "425"]}
TAX_TYPES = {True: ["OUTPUT2", "RROUTPUT", "NONE"], False: ["INPUT2", "RRINPUT", "NONE"]}
KINDS = {True: "Sales Invoice", False: "Purchase Invoice"}
LIST_PRICES = {"LAMP-03": "19.9", "SHELF-04": "7", "SET-05": "100"}
ITEM = {
    "Code": "LAMP-03",
    "Name": "Lamp",
    "SalesDetails": {"AccountCode": "260", "TaxType": "RROUTPUT"},
    "PurchaseDetails": {"AccountCode": "429", "TaxType": "INPUT2"},
}


@dataclass
class Trade:
    """`world` with price lists, discount lists, a bundle, and rows of accounts and tax types to choose from."""

    world: World
    chance: random.Random

    def __post_init__(self) -> None:
        world = self.world
        decimals, per_unit = self.chance.choice([2, 4]), self.chance.choice([0, 1])
        world.dynamics.set_organization(pricingdecimalprecision=decimals, discountcalculationmethod=per_unit)
        for code, rate in RATES.items():
            if not any(row["isocurrencycode"] == code for row in world.dynamics.rows("transactioncurrencies")):
                world.dynamics.add_currency(code, rate=Decimal(rate), precision=PLACES[code])
        self._make_products()
        self.price_lists = {code: self._price_list(code) for code in PLACES}
        world.app.connect(world.connection, world.clock.now).xero.create_items([ITEM], key="lamp")
        self.accounts = {
            code: self._choice(columns.ACCOUNT_CODE, code) for codes in ACCOUNTS.values() for code in codes
        }
        self.tax_types = {
            code: self._choice(columns.TAX_TYPE, code) for code in {*TAX_TYPES[True], *TAX_TYPES[False]}
        }

    def save_invoice(self, **different: Any) -> str:
        """Save any invoice; return its id. `different` as in `World.save_invoice`."""
        chance = self.chance
        sales, currency = chance.random() < 0.65, chance.choice(list(PLACES))
        lines = [self._line(sales=sales, places=PLACES[currency]) for _ in range(chance.randint(1, 8))]
        row: dict[str, Any] = {
            "stl3_invoicetype": columns.INVOICE_TYPE[KINDS[sales]],
            "stl3_lineamounttypes": columns.LINE_AMOUNT_TYPES[
                chance.choice(["Exclusive", "Exclusive", "Inclusive", "No Tax"])
            ],
            "transactioncurrencyid@odata.bind": f"/transactioncurrencies({self.world.currency(currency)})",
            "pricelevelid@odata.bind": f"/pricelevels({self.price_lists[currency]})",
        }
        if chance.random() < 0.4:
            row["discountamount"] = self._number(0, 20, 3)
        if chance.random() < 0.4:
            row["discountpercentage"] = self._number(0, 30, 2)
        if chance.random() < 0.4:
            row["freightamount"] = self._number(0, 40, 3)
        return self.world.save_invoice(*lines, **row | different)

    def _line(self, *, sales: bool, places: int) -> Line:
        chance = self.chance
        kind = chance.choice(["write-in", "write-in", "product", "listed", "listed", "bundle", "note"])
        if kind == "note":
            return Line("Thank you", "0", quantity="0")
        quantity = self._quantity()
        price = self._number(0, 300, chance.choice([0, 2, 4]))
        row: dict[str, Any] = {}
        if chance.random() < 0.3:
            row["stl3_AccountCode@odata.bind"] = self.accounts[chance.choice(ACCOUNTS[sales])]
        if chance.random() < 0.3:
            row["stl3_TaxType@odata.bind"] = self.tax_types[chance.choice(TAX_TYPES[sales])]
        if chance.random() < 0.1:
            row["tax"] = self._number(0, 9, places)  # typed by somebody: Xero's takes its place
        product = {"write-in": None, "bundle": "SET-05"}.get(kind, chance.choice(["CHAIR-01", "DESK-02", "LAMP-03"]))
        if kind == "listed":
            product = chance.choice(["LAMP-03", "SHELF-04"])
        if kind in ("listed", "bundle"):
            row["ispriceoverridden"] = False
        discount = self._number(0, 15, places) if chance.random() < 0.3 else Decimal(0)
        return Line("Work", f"{price}", quantity=f"{quantity}", product=product, discount=f"{discount}", row=row)

    def _quantity(self) -> Decimal:
        many = self.chance.choice([(1, 12, 0), (1, 40, 0), (0, 9, 1), (0, 20, 5), (-4, 0, 0), (-2, 9, 3)])
        return self._number(*many)

    def _number(self, low: int, high: int, places: int) -> Decimal:
        return Decimal(self.chance.randint(low * 10**places, high * 10**places)).scaleb(-places)

    def _make_products(self) -> None:
        world = self.world
        for number in ("LAMP-03", "SHELF-04"):
            world.products[number] = world.add_product(number, number.title())
        bundle = world.add_product("SET-05", "Set of everything", productstructure=3, statecode=2, statuscode=0)
        for product, quantity, required in (("LAMP-03", "2", 1), ("SHELF-04", "1.5", 0)):
            part = {
                "quantity": Decimal(quantity),
                "productisrequired": required,
                "productid@odata.bind": f"/products({bundle})",
                "associatedproduct@odata.bind": f"/products({world.products[product]})",
            }
            world.sales.create("productassociation", part)
        world.sales.update("product", bundle, {"statecode": 0, "statuscode": 1})
        world.products["SET-05"] = bundle

    def _price_list(self, code: str) -> str:
        """Prices of everything in this currency; who takes ten or more of something pays less."""
        world = self.world
        currency = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({world.currency(code)})"}
        price_list = world.sales.create("pricelevel", {"name": f"Retail {code}", **currency})
        discounts = world.sales.create("discounttype", {"name": f"Volume {code}", "isamounttype": False, **currency})
        for low, high, percentage in (("10", "20", "7.5"), ("20.00001", "1000", "33.3")):
            row = {"lowquantity": Decimal(low), "highquantity": Decimal(high), "percentage": Decimal(percentage)}
            world.sales.create("discount", row | {"discounttypeid@odata.bind": f"/discounttypes({discounts})"})
        for number, price in LIST_PRICES.items():
            row = {
                "amount": Decimal(price),
                "pricelevelid@odata.bind": f"/pricelevels({price_list})",
                "productid@odata.bind": f"/products({world.products[number]})",
                "uomid@odata.bind": f"/uoms({world.unit})",
                "discounttypeid@odata.bind": f"/discounttypes({discounts})",
            }
            world.sales.create("productpricelevel", row)
        return price_list

    def _choice(self, table: columns.Table, code: str) -> str:
        row = {
            columns.NAME: f"{code} - chosen",
            "stl3_code": code,
            "stl3_key": f"{self.world.connection.id}:{code}",
            "stl3_Connector@odata.bind": self.world.binding(self.world.connection),
        }
        return f"/{table.set_name}({self.world.sales.create(table.name, row)})"
