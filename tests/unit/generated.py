"""Invoices of every kind, calculated as Dynamics does, and the books that they are mapped with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import strategies as st

from core.books import Account, Books, Item, Side
from core.invoice import Invoice, Line
from mappers.basis import Basis
from mappers.xero import XeroInvoice, to_xero
from tests.unit.arithmetic import EVEN, UP, Pricing, XeroBooks, calculated
from tests.unit.made import basis, chosen, invoice, line, product

D = Decimal
RATES = {"OUTPUT2": D(20), "RROUTPUT": D(5), "STATE": D("8.25"), "NONE": D(0), "INPUT2": D(20), "RRINPUT": D("17.5")}
ACCOUNTS = {
    "200": Account("200", "SALES", "OUTPUT2"),
    "260": Account("260", "REVENUE", "RROUTPUT"),
    "310": Account("310", "DIRECTCOSTS", "INPUT2"),
    "400": Account("400", "EXPENSE", "RRINPUT"),
    "425": Account("425", "EXPENSE", "NONE"),
}
BOOKS = Books("GBP", "!abc", ACCOUNTS)
ITEMS = {
    "CHAIR-01": Item("CHAIR-01", Side("260", "STATE"), Side("400", "INPUT2")),
    "DESK-02": Item("Desk-02", Side("260"), Side("", "NONE")),
    "LAMP-03": Item("LAMP-03"),
}
XERO = XeroBooks(
    rates=RATES,
    accounts={code: account.tax_type for code, account in ACCOUNTS.items()},
    items={
        (item.code, kind): (side.account, side.tax_type)
        for item in ITEMS.values()
        for kind, side in (("ACCREC", item.sales), ("ACCPAY", item.purchases))
    },
)
# The last one has no item in Xero.
PRODUCTS = [product(id=number, number=number, name=number.title()) for number in (*ITEMS, "SHELF-04")]
CURRENCIES = {0: "JPY", 2: "GBP", 3: "KWD"}
ALL_ACCOUNTS = [None, None, "200", "260", "310", "400"]
ALL_TAX_TYPES = [None, None, *RATES]
KINDS = ["product", "product", "write-in", "write-in", "write-in", "note", "bundle"]


@dataclass(frozen=True)
class Case:
    """An invoice as Dynamics shows it, and what it is mapped with."""

    invoice: Invoice
    basis: Basis

    @property
    def document(self) -> XeroInvoice:
        return to_xero(self.invoice, contact_id="contact-1", basis=self.basis, url="https://contoso.example/1")


def numbers(low: int, high: int, *places: int) -> st.SearchStrategy[Decimal]:
    """Numbers from `low` to `high`, as often with few decimals as with many."""
    return st.one_of(
        *(
            st.integers(low * 10**each, high * 10**each).map(lambda n, each=each: D(n).scaleb(-each))
            for each in places
        )
    )


QUANTITIES = numbers(1, 12, 0) | numbers(-3, 20, 1, 5) | numbers(-(10**7), 10**9, 0, 4)
PRICES = numbers(0, 300, 0, 2, 4) | numbers(-20, 300, 2, 7) | numbers(0, 10**5, 2)
CENTS = numbers(0, 50, 0, 2, 3)


@st.composite
def cases(draw: st.DrawFn, decimals: int) -> Case:
    """An invoice of 1 to 8 lines with anything that a person can do to it."""
    pricing = Pricing(decimals, draw(st.sampled_from([UP, EVEN])), draw(st.booleans()))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
    lines = tuple(each for n, kind in enumerate(kinds) for each in draw(lines_of(kind, n, pricing)))
    typed = replace(
        invoice(*lines),
        kind=draw(st.sampled_from(["Sales Invoice", "Purchase Invoice"])),
        line_amount_types=draw(st.sampled_from(["Exclusive", "Inclusive", "No Tax"])),
        currency=CURRENCIES[decimals],
        discount=draw(st.just(D(0)) | CENTS),
        discount_percentage=draw(st.just(D(0)) | numbers(0, 100, 0, 2)),
        freight=draw(st.just(D(0)) | CENTS),
    )
    freight_account = draw(st.sampled_from(["", "425"]))
    return Case(calculated(typed, pricing), basis(books=BOOKS, items=ITEMS, freight_account=freight_account))


@st.composite
def lines_of(draw: st.DrawFn, kind: str, number: int, pricing: Pricing) -> list[Line]:
    """One line, or a bundle's and those of its components."""
    name = f"line-{number}"
    if kind == "note":
        return [line(id=name, text="Thank you", quantity=D(0), price=D(0))]
    quantity, price = draw(QUANTITIES), draw(PRICES)
    account, tax_type = draw(st.sampled_from(ALL_ACCOUNTS)), draw(st.sampled_from(ALL_TAX_TYPES))
    volume = draw(st.sampled_from([D(0), D(0), D("0.5"), D("0.0125")])) if price >= 1 else D(0)
    made = line(
        id=name,
        product=None if kind == "write-in" else draw(st.sampled_from(PRODUCTS)),
        text="Work",
        quantity=quantity,
        price=price,
        volume_discount=volume,
        manual_discount=_manual(draw, quantity * (price - volume), quantity, pricing),
        tax=draw(st.sampled_from([D(0), D(0), D("1.23")])).quantize(D(1).scaleb(-pricing.decimals)),
        product_type=2 if kind == "bundle" else 1,
        account=chosen(account) if account else None,
        tax_type=chosen(tax_type) if tax_type else None,
    )
    if kind != "bundle":
        return [made]
    parts = [line(id=f"{name}.{n}", product=PRODUCTS[n], price=D(7), product_type=3 + n) for n in range(2)]
    return [made, *parts]


def _manual(draw: st.DrawFn, base: Decimal, quantity: Decimal, pricing: Pricing) -> Decimal:
    """None, some, all of the line, or more than all; never negative, which Dynamics refuses."""
    share = draw(st.sampled_from([D(0), D(0), D("0.1"), D("0.333"), D(1), D("1.5")]))
    if base <= 0 or not share:
        return D(0)
    typed = base * share / (quantity if pricing.discounts_per_unit else 1)
    return typed.quantize(D(1).scaleb(-pricing.decimals))
