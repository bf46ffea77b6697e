"""The demo's story: which invoices a sales user saves, and what has to become of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core import columns
from demo.company import BUNDLE, PRODUCTS, Company

Row = dict[str, Any]
EXPORTED, WAITS, FAILED = "exported", "waits", "failed"
INCLUSIVE = columns.LINE_AMOUNT_TYPES["Inclusive"]
PURCHASE = columns.INVOICE_TYPE["Purchase Invoice"]


@dataclass(frozen=True)
class Then:
    """What a person does once the first has come true; the invoice then is in Xero, with `rows` rows of history."""

    told: str
    act: Callable[[Company, Sale], None]
    words: str
    rows: int


@dataclass(frozen=True)
class Step:
    """What has come true of a sale already, for the timeline; `ms` from the click to the document."""

    at: float
    told: str
    ms: float | None


@dataclass
class Sale:
    """One invoice of the story.

    `expected` is what has to become of it, `words` what its row has to say then, `status` that of the document if it
    matters, `rows` how many rows of history an exported one has.
    """

    title: str
    customer: str
    row: Row
    expected: str = EXPORTED
    words: str = ""
    invoice_id: str = ""
    saved_at: float = 0.0
    facts: Row = field(default_factory=dict)
    status: str = ""
    rows: int = 1
    then: Then | None = None
    past: list[Step] = field(default_factory=list)


def plan(company: Company, count: int, today: date) -> list[Sale]:
    """Return `count` sales of several kinds, two of them broken on purpose and two that have to wait."""
    customers, kinds = list(company.customers), _kinds(company, today)
    sales = []
    for number in range(count):
        kind, customer = kinds[number % len(kinds)], customers[number % len(customers)]
        row = _invoice(company, customer, kind.title, today) | {"invoice_details": kind.lines} | kind.row
        sales.append(Sale(kind.title, customer, row, kind.expected, kind.words, then=kind.then))
    return sales


def save(company: Company, sale: Sale) -> None:
    """Save the invoice as the sales user does, its lines with it."""
    sale.saved_at = time.time()  # noqa: TID251 - a stopwatch for people, not logic
    sale.invoice_id = company.sales.create("invoices", sale.row)


def go_on(company: Company, sale: Sale, done: Step) -> None:
    """Let the person act again on a sale whose first step is `done`."""
    assert sale.then is not None
    then, sale.then = sale.then, None
    sale.past.append(done)
    sale.title, sale.expected, sale.words, sale.rows = then.told, EXPORTED, then.words, then.rows
    sale.saved_at = time.time()  # noqa: TID251 - a stopwatch for people, not logic
    then.act(company, sale)


@dataclass(frozen=True)
class _Kind:
    title: str
    lines: list[Row]
    row: Row = field(default_factory=dict)
    expected: str = EXPORTED
    words: str = ""
    then: Then | None = None


def _kinds(company: Company, today: date) -> list[_Kind]:
    later = today + timedelta(days=9)
    chair, desk, lamp, cable = (number for number, _, _ in PRODUCTS)

    def product(number: str, quantity: str, **row: Any) -> Row:
        return _product(company, number, quantity) | row

    euro = {
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({company.euro})",
        "pricelevelid@odata.bind": f"/pricelevels({company.euro_price_list})",
    }
    closed = {"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({company.unknown_account})"}
    return [
        _Kind("Catalogue products", [product(chair, "2"), product(desk, "1")]),
        _Kind("Write-in lines", [_text("Assembly on site", "45.00", "3"), _text("Old desk taken away", "20")]),
        _Kind("With a note", [product(desk, "1"), _text("Please deliver before noon", "0", "0")]),
        _Kind("Line discount", [product(chair, "10", manualdiscountamount=Decimal("120.5"))]),
        _Kind("Odd quantities", [product(cable, "12.25"), _text("Consulting", "87.30", "1.75")]),
        _Kind("Account closed", [product(lamp, "1", **closed)], expected=FAILED, words="299"),
        _Kind(
            "No price list yet",
            [_text("Workshop", "950")],
            {"pricelevelid@odata.bind": None},
            expected=WAITS,
            words="price list",
        ),
        _Kind("Long terms", [product(desk, "3")], {"paymenttermscode": 4, "duedate": None}),
        _Kind(
            "Delivered later",
            [product(chair, "1")],
            {"datedelivered": f"{later}T00:00:00Z"},
            expected=WAITS,
            words=f"goes on {later.day} {later:%b}",
        ),
        _Kind("Many lines", [product(PRODUCTS[line % 4][0], str(line % 3 + 1)) for line in range(12)]),
        _Kind(
            "Discount and freight",
            [product(chair, "4"), product(lamp, "3")],
            {"discountpercentage": Decimal("7.5"), "freightamount": Decimal("24.90")},
        ),
        _Kind(
            "Prices with tax", [product(desk, "1"), _text("Delivery", "19.99")], {"stl3_lineamounttypes": INCLUSIVE}
        ),
        _Kind("Bill of a supplier", [_text("Timber, cubic metre", "318.40", "2.5")], {"stl3_invoicetype": PURCHASE}),
        _Kind("In euro", [product(chair, "6", manualdiscountamount=Decimal("33.33"))], euro),
        _Kind("A bundle", [product(BUNDLE[0], "2"), product(lamp, "1")]),
        _Kind(
            "Account to be corrected",
            [product(desk, "1", **closed), _text("Delivery", "25")],
            expected=FAILED,
            words="299",
            then=Then("Corrected and set to No", _correct_account, "has been created", rows=2),
        ),
    ]


def sell_more() -> Then:
    """A line of an exported draft is changed (rule C61)."""
    return Then("One piece more on the draft", _one_more, "has been updated", rows=2)


def _one_more(company: Company, sale: Sale) -> None:
    line = _lines(company, sale)[0]
    company.sales.update("invoicedetails", line["invoicedetailid"], {"quantity": line["quantity"] + 1})


def _correct_account(company: Company, sale: Sale) -> None:
    for line in _lines(company, sale):
        company.sales.update("invoicedetails", line["invoicedetailid"], {"stl3_AccountCode@odata.bind": None})
    (details,) = company.sales.rows(
        columns.DETAILS.set_name,
        select=columns.DETAILS.id_column,
        filter=f"stl3_dynamicsinvoiceid eq '{sale.invoice_id}'",
    )
    row = {"stl3_exportstatus": columns.EXPORT_STATUS["No"]}
    company.sales.update(columns.DETAILS.set_name, details[columns.DETAILS.id_column], row)


def _lines(company: Company, sale: Sale) -> list[Row]:
    query = {"select": "invoicedetailid,quantity", "filter": f"_invoiceid_value eq {sale.invoice_id}"}
    return company.sales.rows("invoicedetails", **query, orderby="lineitemnumber")


def _invoice(company: Company, customer: str, title: str, today: date) -> Row:
    return {
        "name": f"{title} for {customer}",
        "customerid_account@odata.bind": f"/accounts({company.customers[customer]})",
        "pricelevelid@odata.bind": f"/pricelevels({company.price_list})",
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({company.currency})",
        "stl3_Connector@odata.bind": f"/{columns.CONNECTOR.set_name}({company.connection_id})",
        "datedelivered": f"{today}T00:00:00Z",
        "duedate": f"{today + timedelta(days=14)}",
        "description": f"{title}\nOrdered by telephone",
    }


def _product(company: Company, number: str, quantity: str) -> Row:
    price = next(price for code, _, price in (*PRODUCTS, BUNDLE) if code == number)
    return {
        "isproductoverridden": False,
        "ispriceoverridden": True,
        "productid@odata.bind": f"/products({company.products[number]})",
        "uomid@odata.bind": f"/uoms({company.unit})",
        "quantity": Decimal(quantity),
        "priceperunit": Decimal(price),
    }


def _text(text: str, price: str, quantity: str = "1") -> Row:
    return {
        "isproductoverridden": True,
        "productdescription": text,
        "quantity": Decimal(quantity),
        "priceperunit": Decimal(price),
    }
