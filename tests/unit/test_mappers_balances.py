"""What customers owe: shares added up, converted, rounded once; what is lacking; what there is to write."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money
from mappers.balances import (
    Balance,
    Currencies,
    Currency,
    Debtor,
    Figures,
    add_up,
    lacking_words,
    read_shares,
    select,
    to_balance,
    to_currencies,
    to_debtor,
    to_row,
)
from tests.unit.made import CONNECTION_ID, CUSTOMER_ID

D = Decimal
EXAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "xero-examples"
OTHER_ID = "99999999-9999-5999-8999-999999999999"
POUND, EURO, YEN, DINAR = (
    Currency("GBP", D(1), 2),
    Currency("EUR", D("1.25"), 2),
    Currency("JPY", D("190.5"), 0),
    Currency("KWD", D("0.39"), 3),
)
DORMANT = Currency("USD", None, 2)
CURRENCIES = Currencies({each.code: each for each in (POUND, EURO, YEN, DINAR, DORMANT)}, "GBP")
CENTS = st.integers(-(10**10), 10**10).map(lambda cents: D(cents).scaleb(-2))
RATES = st.integers(1, 10**6).map(lambda number: D(number).scaleb(-3))


def debtor(**different: Any) -> Debtor:
    made: dict[str, Any] = {
        "set_name": "accounts",
        "id": CUSTOMER_ID,
        "etag": 'W/"1"',
        "name": "Fourth Coffee",
        "currency_id": "",
        "owed": None,
        "overdue": None,
        "currency": "",
        "shares": {},
    }
    return Debtor(**made | different)


def share(owed: str, overdue: str = "0", currency: str = "GBP") -> Balance:
    return Balance(D(owed), D(overdue), currency)


def contact(owed: str, overdue: str = "0.00", *, payable: str = "0.00") -> dict[str, Any]:
    return {
        "Balances": {
            "AccountsReceivable": {"Outstanding": D(owed), "Overdue": D(overdue)},
            "AccountsPayable": {"Outstanding": D(payable), "Overdue": D(payable)},
        }
    }


# -- what Xero says ----------------------------------------------------------------------------------------


def test_what_is_payable_does_not_count() -> None:
    """Rule D8: a supplier to whom we owe money owes us none by that."""
    assert to_balance([contact("120.00", "20.00", payable="77.00")], "GBP") == share("120.00", "20.00")


@pytest.mark.parametrize("said", [{}, {"Balances": None}, {"Balances": {}}, {"Balances": {"AccountsReceivable": {}}}])
def test_no_balances_are_nothing_owed(said: dict[str, Any]) -> None:
    assert to_balance([said], "GBP") == share("0")


def test_several_contacts_of_a_customer_are_added() -> None:
    assert to_balance([contact("1.10", "1.10"), contact("2.20"), {}], "GBP") == share("3.30", "1.10")


def test_the_published_answer_is_read() -> None:
    """With exact decimals, as the client reads them."""
    path = EXAMPLES / "11_contacts_get_balances.json"
    if not path.exists():
        pytest.skip("the published examples are not at hand")
    contacts = money.loads(path.read_bytes())["response"]["body"]["Contacts"]

    found = to_balance(contacts, "GBP")

    sides = [each["Balances"]["AccountsReceivable"] for each in contacts if each.get("Balances")]
    assert found.owed == sum(D(str(side["Outstanding"])) for side in sides) != 0
    assert found.overdue == sum(D(str(side["Overdue"])) for side in sides)


# -- what Dynamics says ------------------------------------------------------------------------------------


def test_rows_are_read() -> None:
    shares = {CONNECTION_ID: share("1.00", "0.50")}
    row = {
        "accountid": CUSTOMER_ID,
        "@odata.etag": 'W/"1"',
        "name": "Fourth Coffee",
        "_transactioncurrencyid_value": "EUR",
        "stl3_amountowed": D("1.0000"),
        "stl3_amountoverdue": D("0.5000"),
        "stl3_balancecurrency": "GBP",
        "stl3_balances": to_row(debtor(), shares, Figures(D(1), D(0), "GBP"), CURRENCIES)["stl3_balances"],
    }

    found = to_debtor("accounts", row)

    assert found == debtor(currency_id="EUR", owed=D(1), overdue=D("0.5"), currency="GBP", shares=shares)
    assert {name.removeprefix("@odata.") for name in row} - {"etag"} == set(select("accounts").split(","))
    assert to_debtor("contacts", {"contactid": "c", "@odata.etag": "e", "fullname": "Ann"}) == debtor(
        set_name="contacts", id="c", etag="e", name="Ann"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "[]",
        "null",
        "{",
        '{"c": 1}',
        '{"c": {"owed": "x", "overdue": 0, "currency": "GBP"}}',
        '{"c": {"owed": "Infinity", "overdue": 0, "currency": "GBP"}}',
        '{"c": {"owed": NaN, "overdue": 0, "currency": "GBP"}}',
        '{"c": {"owed": 1}}',
        "a person's note",
    ],
)
def test_shares_that_a_person_made_unreadable_count_for_nothing(text: str) -> None:
    """The next refresh writes them anew, a connection each."""
    assert read_shares(text) == {}


def test_a_currency_that_is_inactive_or_without_rate_cannot_be_used() -> None:
    def row(code: str, rate: Any, state: int = 0, precision: Any = 2) -> dict[str, Any]:
        named = {"transactioncurrencyid": code, "isocurrencycode": code, "statecode": state}
        return named | {"exchangerate": rate, "currencyprecision": precision}

    rows = [
        row("GBP", D(1)),
        row("EUR", D("1.25"), state=1),
        row("USD", D(0)),
        row("NZD", None),
        row("SEK", 2, precision=10),
    ]
    found = to_currencies(rows, [{"_basecurrencyid_value": "GBP"}])

    assert [found.rate(code) for code in ("GBP", "EUR", "USD", "NZD", "SEK", "CHF")] == [1, None, None, None, 2, None]
    assert found.of_row("") == POUND
    assert found.of_row("SEK").decimals == 4  # more than a money column holds would never agree with it


# -- the sum -----------------------------------------------------------------------------------------------


def test_the_same_currency_needs_no_rate() -> None:
    """Not even one that is inactive in Dynamics."""
    shares = {CONNECTION_ID: share("10.55", "3", "USD"), OTHER_ID: share("1", "1", "USD")}

    assert add_up(debtor(currency_id="USD"), shares, CURRENCIES) == Figures(D("11.55"), D("4.00"), "USD")


@pytest.mark.parametrize(
    ("row", "shares", "owed", "overdue"),
    [
        ("EUR", [share("100.00", "10.00", "GBP")], "125.00", "12.50"),
        ("", [share("125.00", "12.50", "EUR")], "100.00", "10.00"),
        ("EUR", [share("1000", "0", "JPY")], "6.56", "0.00"),  # 1000 ÷ 190.5 × 1.25 = 6.5617
        ("JPY", [share("10.01", "0.01", "GBP")], "1907", "2"),  # 1906.905, 1.905
        ("KWD", [share("10.01", "-5", "EUR")], "3.123", "-1.560"),
        # Two of 0.004 each: rounded one by one nothing would be left.
        ("", [share("0.005", "0", "EUR"), share("0.7", "0", "JPY")], "0.01", "0.00"),
    ],
)
def test_amounts_are_converted_by_the_rates_of_dynamics_and_rounded_once(
    row: str, shares: list[Balance], owed: str, overdue: str
) -> None:
    """Rule D8: units of a currency for one of the base currency; the sum is rounded, to the currency of the row."""
    found = add_up(debtor(currency_id=row), dict(enumerate_ids(shares)), CURRENCIES)

    code = CURRENCIES.of_row(row).code
    assert found == Figures(D(owed), D(overdue), code)
    assert (str(found.owed), str(found.overdue)) == (owed, overdue)


def enumerate_ids(shares: list[Balance]) -> list[tuple[str, Balance]]:
    return [(f"connection-{number}", each) for number, each in enumerate(shares)]


@pytest.mark.parametrize(
    ("row", "shares", "lacking"),
    [
        ("GBP", [share("1", "0", "CHF")], {"CHF"}),
        ("GBP", [share("1"), share("0", "1", "USD")], {"USD"}),
        ("USD", [share("1", "1", "GBP")], {"USD"}),
        ("USD", [share("1", "1", "CHF"), share("1", "1", "USD")], {"USD", "CHF"}),
    ],
)
def test_without_a_rate_both_amounts_are_empty(row: str, shares: list[Balance], lacking: set[str]) -> None:
    """Rule D8: no part of a sum is shown as if it were all of it."""
    found = add_up(debtor(currency_id=row), dict(enumerate_ids(shares)), CURRENCIES)

    assert found == Figures(None, None, "", frozenset(lacking))


def test_nothing_owed_needs_no_rate() -> None:
    shares = {CONNECTION_ID: share("0", "0", "CHF"), OTHER_ID: share("2")}

    assert add_up(debtor(), shares, CURRENCIES) == Figures(D(2), D(0), "GBP")
    assert add_up(debtor(currency_id="USD"), {OTHER_ID: share("0")}, CURRENCIES) == Figures(D(0), D(0), "USD")


@given(st.lists(CENTS, min_size=1, max_size=8), RATES, RATES)
def test_a_sum_is_off_by_half_a_cent_at_most(amounts: list[Decimal], row_rate: Decimal, xero_rate: Decimal) -> None:
    """However many connections there are."""
    known = Currencies({"A": Currency("A", row_rate, 2), "B": Currency("B", xero_rate, 2)}, "A")
    shares = dict(enumerate_ids([Balance(amount, amount, "B") for amount in amounts]))

    found = add_up(debtor(currency_id="A"), shares, known)

    assert found.owed is not None
    assert found.owed == found.overdue
    assert abs(found.owed * xero_rate - sum(amounts) * row_rate) <= D("0.005001") * xero_rate
    assert money.places_of(found.owed) <= 2


# -- what is written ---------------------------------------------------------------------------------------


def test_nothing_is_written_where_all_of_it_stands() -> None:
    """Rule D8: compared by value, so that a refresh of what has not changed is a read."""
    shares = {CONNECTION_ID: share("10.0", "0")}
    first = to_row(debtor(currency_id="GBP"), shares, Figures(D("10.00"), D("0.00"), "GBP"), CURRENCIES)
    stored = {name: D(value) if name.startswith("stl3_amount") else value for name, value in first.items()}
    row = {"accountid": CUSTOMER_ID, "@odata.etag": 'W/"1"', "_transactioncurrencyid_value": "GBP"}
    read = to_debtor("accounts", money.loads(money.dumps(row | stored)))

    assert to_row(read, {CONNECTION_ID: share("10.00")}, Figures(D(10), D(0), "GBP"), CURRENCIES) == {}
    assert to_row(replace(read, owed=D("10.01")), shares, Figures(D(10), D(0), "GBP"), CURRENCIES) == first
    assert to_row(replace(read, currency="EUR"), shares, Figures(D(10), D(0), "GBP"), CURRENCIES) == first


def test_a_row_without_currency_is_given_the_one_that_the_amounts_are_in() -> None:
    figures = Figures(D(10), D(0), "GBP")
    known = Currencies({CONNECTION_ID: POUND}, CONNECTION_ID)

    written = to_row(debtor(), {}, figures, known)
    emptied = to_row(debtor(owed=D(1)), {}, Figures(None, None, ""), known)

    assert written["transactioncurrencyid@odata.bind"] == f"/transactioncurrencies({CONNECTION_ID})"
    assert "transactioncurrencyid@odata.bind" not in to_row(debtor(currency_id="GBP"), {}, figures, known)
    assert emptied == {
        "stl3_amountowed": None,
        "stl3_amountoverdue": None,
        "stl3_balancecurrency": None,
        "stl3_balances": "{}",
    }


def test_the_words_name_the_currencies_and_the_remedy() -> None:
    words = lacking_words({"USD", "CHF"})

    assert "no exchange rate for CHF, USD" in words
    assert "enter its exchange rate" in words
    assert lacking_words(()) == ""
