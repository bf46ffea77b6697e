"""The demo's story: which invoices a sales user saves, and what has to become of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from core import columns
from demo import acts
from demo.company import BUNDLE, PRODUCTS, Company
from demo.sale import EXPORTED, FAILED, WAITS, Row, Sale, Step, Then

INCLUSIVE = columns.LINE_AMOUNT_TYPES["Inclusive"]
PURCHASE = columns.INVOICE_TYPE["Purchase Invoice"]


def plan(company: Company, count: int, today: date) -> list[Sale]:
    """Return `count` sales of several kinds, two of them broken on purpose and two that have to wait."""
    customers, kinds = list(company.customers), _kinds(company, today)
    sales = []
    for number in range(count):
        kind, customer = kinds[number % len(kinds)], customers[number % len(customers)]
        row = _invoice(company, customer, kind.title, today) | {"invoice_details": kind.lines} | kind.row
        sale = Sale(kind.title, customer, row, kind.expected, kind.words, is_early=kind.is_early, then=kind.then)
        sales.append(sale)
    return sales


def save(company: Company, sale: Sale) -> None:
    """Save the invoice as the sales user does, its lines with it."""
    sale.acted_at = now()
    sale.invoice_id = company.sales.create("invoices", sale.row)


def go_on(company: Company, sale: Sale, done: Step) -> None:
    """Let the next person act on a sale whose step before is `done`."""
    then, *later = sale.then
    sale.past.append(done)
    sale.then, sale.title, sale.expected = tuple(later), then.told, EXPORTED
    sale.words, sale.rows, sale.status, sale.state = then.words, then.rows, then.status, then.state
    sale.in_xero, sale.is_credited, sale.acted_at = then.in_xero, then.is_credited, now()
    then.act(company, sale)


def now() -> float:
    return time.time()  # noqa: TID251 - a stopwatch for people, not logic


@dataclass(frozen=True)
class _Kind:
    title: str
    lines: list[Row]
    row: Row = field(default_factory=dict)
    expected: str = EXPORTED
    words: str = ""
    then: tuple[Then, ...] = ()
    is_early: bool = False


def _kinds(company: Company, today: date) -> list[_Kind]:
    return [*_everyday(company, today), *_special(company, today)]


def _closed_account(company: Company) -> Row:
    return {"stl3_AccountCode@odata.bind": f"/{columns.ACCOUNT_CODE.set_name}({company.unknown_account})"}


def _everyday(company: Company, today: date) -> list[_Kind]:
    later, closed = today + timedelta(days=9), _closed_account(company)
    chair, desk, lamp, cable = (number for number, _, _ in PRODUCTS)
    product = partial(_product, company)
    return [
        _Kind("Catalogue products", [product(chair, "2"), product(desk, "1")]),
        _Kind(
            "Write-in lines",
            [_text("Assembly on site", "45.00", "3"), _text("Old desk taken away", "20")],
            then=(acts.pay(),),
        ),
        _Kind(
            "With a note",
            [product(desk, "1"), _text("Please deliver before noon", "0", "0")],
            then=(acts.pay_a_part(),),
        ),
        _Kind(
            "Line discount",
            [product(chair, "10", manualdiscountamount=Decimal("120.5"))],
            then=(acts.pay(), acts.take_payment_back()),
        ),
        _Kind("Odd quantities", [product(cable, "12.25"), _text("Consulting", "87.30", "1.75")], then=(acts.void(),)),
        _Kind("Account closed", [product(lamp, "1", **closed)], expected=FAILED, words="299"),
        _Kind(
            "No price list yet",
            [_text("Workshop", "950")],
            {"pricelevelid@odata.bind": None},
            expected=WAITS,
            words="price list",
        ),
        _Kind("Long terms", [product(desk, "3")], {"paymenttermscode": 4, "duedate": None}, then=(acts.credit(),)),
        _Kind(
            "Delivered later",
            [product(chair, "1")],
            {"datedelivered": f"{later}T00:00:00Z"},
            expected=WAITS,
            words=f"goes on {later.day} {later:%b}",
        ),
    ]


def _special(company: Company, today: date) -> list[_Kind]:
    chair, desk, lamp, _ = (number for number, _, _ in PRODUCTS)
    product, closed = partial(_product, company), _closed_account(company)
    euro = {
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({company.euro})",
        "pricelevelid@odata.bind": f"/pricelevels({company.euro_price_list})",
    }
    return [
        _Kind(
            "Many lines, overdue",
            [product(PRODUCTS[line % 4][0], str(line % 3 + 1)) for line in range(12)],
            {"datedelivered": f"{today - timedelta(days=20)}T00:00:00Z", "duedate": f"{today - timedelta(days=6)}"},
        ),
        _Kind(
            "Discount and freight",
            [product(chair, "4"), product(lamp, "3")],
            {"discountpercentage": Decimal("7.5"), "freightamount": Decimal("24.90")},
            then=(acts.cancel(),),
        ),
        _Kind(
            "Prices with tax",
            [product(desk, "1"), _text("Delivery", "19.99")],
            {"stl3_lineamounttypes": INCLUSIVE},
            then=(acts.delete(),),
        ),
        _Kind(
            "Bill of a supplier",
            [_text("Timber, cubic metre", "318.40", "2.5")],
            {"stl3_invoicetype": PURCHASE},
            then=(acts.pay(),),
        ),
        _Kind("In euro", [product(chair, "6", manualdiscountamount=Decimal("33.33"))], euro),
        _Kind("A bundle", [product(BUNDLE[0], "2"), product(lamp, "1")]),
        _Kind(
            "Account to be corrected",
            [product(desk, "1", **closed), _text("Delivery", "25")],
            expected=FAILED,
            words="299",
            then=(acts.correct_account(),),
        ),
        _Kind("Entered twice", [product(chair, "1")], then=(acts.cancel_draft(),), is_early=True),
    ]


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


def _product(company: Company, number: str, quantity: str, **different: Any) -> Row:
    price = next(price for code, _, price in (*PRODUCTS, BUNDLE) if code == number)
    return {
        "isproductoverridden": False,
        "ispriceoverridden": True,
        "productid@odata.bind": f"/products({company.products[number]})",
        "uomid@odata.bind": f"/uoms({company.unit})",
        "quantity": Decimal(quantity),
        "priceperunit": Decimal(price),
        **different,
    }


def _text(text: str, price: str, quantity: str = "1") -> Row:
    return {
        "isproductoverridden": True,
        "productdescription": text,
        "quantity": Decimal(quantity),
        "priceperunit": Decimal(price),
    }
