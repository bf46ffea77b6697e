"""Amounts of a customer's own on accounts and contacts: currency, precision, base value; what tells the rates."""

from __future__ import annotations

from decimal import Decimal

import pytest
from werkzeug.test import Client

from simulators.dataverse.errors import Refused
from tests.contract.dataverse_world import URL, DataverseWorld

D = Decimal
OWN = [{"name": "new_due", "type": "money"}, {"name": "new_shares", "type": "memo", "max_length": 4000}]
TABLES = (("accounts", {"name": "Contoso"}), ("contacts", {"lastname": "Ann"}))


@pytest.fixture
def world() -> DataverseWorld:
    world = DataverseWorld()
    world.env.customise({"columns": {"account": OWN, "contact": OWN}})
    return world


def bind(currency_id: str) -> dict[str, str]:
    return {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency_id})"}


@pytest.mark.parametrize(("set_name", "row"), TABLES)
def test_amounts_are_in_the_rows_currency_and_have_a_base_value(
    world: DataverseWorld, set_name: str, row: dict[str, str]
) -> None:
    euro = world.env.add_currency("EUR", rate=D("1.25"))
    row_id = world.person.create(set_name, row | bind(euro))

    world.call("PATCH", f"{set_name}({row_id})", {"new_due": D("100.005")}, headers={"If-Match": "*"})

    shown = world.get(f"{set_name}({row_id})", select="new_due,new_due_base,exchangerate")
    assert (shown["new_due"], shown["new_due_base"], shown["exchangerate"]) == (D("100.01"), D("80.0080"), D("1.25"))
    assert shown["_transactioncurrencyid_value"] == euro


def test_amounts_have_as_many_digits_as_the_rows_currency(world: DataverseWorld) -> None:
    yen, dinar = (
        world.env.add_currency("JPY", rate=D("190.5"), precision=0),
        world.env.add_currency("KWD", rate=D("0.39"), precision=3),
    )

    rows = [world.account(**bind(currency), new_due=D("10.2345")) for currency in (yen, dinar)]

    assert [world.person.get("accounts", row)["new_due"] for row in rows] == [D(10), D("10.235")]


def test_another_currency_takes_the_rate_and_keeps_the_number(world: DataverseWorld) -> None:
    """The platform converts nothing when somebody changes the currency: the same number is in the other one."""
    euro = world.env.add_currency("EUR", rate=D("1.25"))
    account = world.account(new_due=D("10"))

    world.person.update("accounts", account, bind(euro))

    row = world.person.get("accounts", account)
    assert (row["new_due"], row["new_due_base"], row["exchangerate"]) == (D("10.00"), D("8.0000"), D("1.25"))


def test_a_customer_without_amounts_may_have_no_currency(world: DataverseWorld) -> None:
    account = world.account()

    world.person.update("accounts", account, {"telephone1": "555", "new_due": None})

    row = world.person.get("accounts", account)
    assert (row["_transactioncurrencyid_value"], row["exchangerate"]) == (None, None)


def test_the_first_amount_brings_the_organisations_currency(world: DataverseWorld) -> None:
    account = world.account()

    world.call("PATCH", f"accounts({account})", {"new_due": 7}, headers={"If-Match": "*"})

    row = world.person.get("accounts", account)
    assert row["_transactioncurrencyid_value"] == world.env.base_currency_id
    assert (row["new_due"], row["new_due_base"], row["exchangerate"]) == (D("7.00"), D("7.0000"), D(1))


def test_the_first_amount_brings_the_writers_own_currency(world: DataverseWorld) -> None:
    euro = world.env.add_currency("EUR", rate=D("1.25"))
    world.person.update("usersettingscollection", world.app_user_id, bind(euro))
    account = world.account()

    world.call("PATCH", f"accounts({account})", {"new_due": 7}, headers={"If-Match": "*"})

    row = world.person.get("accounts", account)
    assert (row["_transactioncurrencyid_value"], row["new_due_base"]) == (euro, D("5.6000"))


def test_an_environment_may_want_the_currency_to_be_given(world: DataverseWorld) -> None:
    account = world.account()
    body = {"does": "refused"}
    Client(world.env.wire).post("/_control/missing-currency", json=body, base_url=URL)

    refused = world.refusal("PATCH", f"accounts({account})", {"new_due": 7}, If_Match="*")
    given = world.call(
        "PATCH", f"accounts({account})", {"new_due": 7} | bind(world.env.base_currency_id), headers={"If-Match": "*"}
    )

    assert refused == (400, "0x80048CF6")
    assert given.status_code == 204
    assert world.person.get("accounts", account)["new_due"] == D("7.00")


def test_the_currency_cannot_be_taken_from_under_an_amount(world: DataverseWorld) -> None:
    account = world.account(new_due=7)

    with pytest.raises(Refused, match="currency cannot be null"):
        world.person.update("accounts", account, {"transactioncurrencyid@odata.bind": None})
    world.person.update("accounts", account, {"transactioncurrencyid@odata.bind": None, "new_due": None})

    row = world.person.get("accounts", account)
    assert (row["_transactioncurrencyid_value"], row["new_due"], row["new_due_base"]) == (None, None, None)


def test_shares_are_written_on_the_version_that_was_read(world: DataverseWorld) -> None:
    account = world.account()
    seen = world.get(f"accounts({account})", select="new_shares")["@odata.etag"]

    first = world.call("PATCH", f"accounts({account})", {"new_shares": "{}"}, headers={"If-Match": seen})

    assert first.status_code == 204
    assert world.refusal("PATCH", f"accounts({account})", {"new_shares": "x"}, If_Match=seen) == (412, "0x80060882")
    assert world.person.get("accounts", account)["new_shares"] == "{}"


def test_currencies_and_the_organisation_tell_what_to_convert_by(world: DataverseWorld) -> None:
    world.env.add_currency("EUR", rate=D("1.25"))

    found = world.get(
        "transactioncurrencies",
        select="isocurrencycode,exchangerate,currencyprecision",
        filter="statecode eq 0",
        orderby="isocurrencycode",
    )["value"]
    (organisation,) = world.get("organizations", select="_basecurrencyid_value")["value"]

    rates = [(row["isocurrencycode"], row["exchangerate"], row["currencyprecision"]) for row in found]
    assert rates == [("EUR", D("1.25"), 2), ("GBP", D(1), 2)]
    assert organisation["_basecurrencyid_value"] == world.env.base_currency_id


def test_accounts_and_contacts_are_read_in_one_call_by_their_ids(world: DataverseWorld) -> None:
    """Any number of ids: in the filter with `or`, or in the function `In`."""
    one, other = world.account("A", new_due=1), world.account("B", new_due=2)
    world.account("C", new_due=3)

    by_or = world.get("accounts", select="new_due", filter=f"accountid eq {one} or accountid eq {other}")["value"]
    values = f"['{one}','{other}']"
    by_in = world.get(
        "accounts",
        select="new_due",
        filter=f"Microsoft.Dynamics.CRM.In(PropertyName='accountid',PropertyValues={values})",
    )["value"]

    assert sorted(row["new_due"] for row in by_or) == [D("1.00"), D("2.00")]
    assert sorted(row["new_due"] for row in by_in) == [D("1.00"), D("2.00")]
