"""Reads: filters against a naive evaluator, paging, expanding, annotations, FetchXML."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.dataverse_world import URL, DataverseWorld

Row = dict[str, Any]


@pytest.fixture
def world() -> DataverseWorld:
    return DataverseWorld()


def names(answer: dict[str, Any], column: str = "name") -> list[str]:
    return [row[column] for row in answer["value"]]


# -- filters ------------------------------------------------------------------------------------------------

TEXTS = ["Alpha", "alphabet", "beta", "o'neil", "", None]
NUMBERS = [None, -3, 0, 1, 7]
MONEYS = [None, Decimal("0.00"), Decimal("9.99"), Decimal("10.00")]
DAYS = [None, "2025-01-31", "2025-07-01"]


def crowd(world: DataverseWorld) -> list[Row]:
    """Random rows, some of them pointing to an invoice; the same ones each time."""
    chance = random.Random(5)
    invoices = [world.invoice(name=name) for name in ("June", "July")]
    for number in range(60):
        row = {
            "new_invoicekey": f"k{number}",
            "new_name": chance.choice(TEXTS),
            "new_count": chance.choice(NUMBERS),
            "new_due": chance.choice(MONEYS),
            "new_live": chance.choice([None, True, False]),
            "new_on": chance.choice(DAYS),
        }
        invoice = chance.choice([*invoices, None])
        if invoice:
            row["new_Invoice@odata.bind"] = f"/invoices({invoice})"
        world.person.create("new_xerolinks", row)
    related = {row["invoiceid"]: row["name"] for row in world.env.rows("invoices")}
    return [row | {"invoice name": related.get(row["_new_invoice_value"])} for row in world.env.rows("new_xerolinks")]


WORLD = DataverseWorld()
CROWD = crowd(WORLD)
Condition = tuple[str, Callable[[Row], bool]]
ORDER = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def compared(column: str, key: str, word: str, literal: str, value: Any) -> Condition:
    """A comparison as text, and what it means."""

    def holds(row: Row) -> bool:
        mine, other = lower(row[key]), lower(value)
        if word in ("eq", "ne"):
            return (mine == other) is (word == "eq")
        return mine is not None and other is not None and ORDER[word](mine, other)

    return f"{column} {word} {literal}", holds


def quoted(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


words = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"])
comparisons = st.one_of(
    st.builds(lambda w, v: compared("new_name", "new_name", w, quoted(v), v), words, st.sampled_from(TEXTS)),
    st.builds(lambda w, v: compared("new_count", "new_count", w, str(v), v), words, st.integers(-4, 8)),
    st.builds(
        lambda w, v: compared("new_due", "new_due", w, str(v), v), words, st.decimals(0, 11, places=2).map(abs)
    ),
    st.builds(lambda w, v: compared("new_on", "new_on", w, v or "null", v), words, st.sampled_from(DAYS)),
    st.builds(
        lambda w, v: compared("new_live", "new_live", w, str(v).lower(), v),
        st.sampled_from(["eq", "ne"]),
        st.booleans(),
    ),
    st.builds(
        lambda w, v: compared("new_Invoice/name", "invoice name", w, quoted(v), v),
        words,
        st.sampled_from(["june", "JULY", None]),
    ),
)
text_tests = st.builds(
    lambda word, part: (
        f"{word}(new_name,{quoted(part)})",
        lambda row: (
            row["new_name"] is not None
            and {
                "contains": part.lower() in row["new_name"].lower(),
                "startswith": row["new_name"].lower().startswith(part.lower()),
                "endswith": row["new_name"].lower().endswith(part.lower()),
            }[word]
        ),
    ),
    st.sampled_from(["contains", "startswith", "endswith"]),
    st.sampled_from(["AL", "a", "'", "bet", ""]),
)


def joined(word: str, left: Condition, right: Condition) -> Condition:
    if word == "and":
        return f"({left[0]}) and ({right[0]})", lambda row: left[1](row) and right[1](row)
    return f"({left[0]}) or ({right[0]})", lambda row: left[1](row) or right[1](row)


conditions = st.recursive(
    comparisons | text_tests,
    lambda inner: st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), inner, inner),
        inner.map(lambda one: (f"not ({one[0]})", lambda row: not one[1](row))),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(condition=conditions)
def test_filters_find_what_a_naive_evaluation_finds(condition: Condition) -> None:
    text, holds = condition

    found = WORLD.get("new_xerolinks", filter=text, select="new_invoicekey", orderby="new_invoicekey")

    assert names(found, "new_invoicekey") == sorted(row["new_invoicekey"] for row in CROWD if holds(row))


def test_and_binds_closer_than_or() -> None:
    loose = WORLD.get("new_xerolinks", filter="new_count eq 1 or new_count eq 7 and new_live eq true", count="true")
    tight = WORLD.get("new_xerolinks", filter="(new_count eq 1 or new_count eq 7) and new_live eq true", count="true")

    expected = [r for r in CROWD if r["new_count"] == 1 or (r["new_count"] == 7 and r["new_live"])]
    assert loose["@odata.count"] == len(expected)
    assert loose["@odata.count"] > tight["@odata.count"]


def test_lambdas_ask_about_lines(world: DataverseWorld) -> None:
    world.invoice({"quantity": 1}, {"quantity": 5}, name="mixed")
    world.invoice({"quantity": 5}, name="fives")
    world.invoice(name="empty")

    def having(condition: str) -> list[str]:
        return sorted(names(world.get("invoices", filter=condition, select="name")))

    assert having("invoice_details/any(d:d/quantity eq 5)") == ["fives", "mixed"]
    assert having("invoice_details/all(d:d/quantity eq 5)") == ["empty", "fives"]
    assert having("not invoice_details/any()") == ["empty"]
    assert having("invoice_details/any(d:d/quantity gt 2 and d/invoiceid/name eq 'FIVES')") == ["fives"]


def test_named_functions(world: DataverseWorld) -> None:
    for name, day in (("a", "2025-06-30"), ("b", "2025-07-01"), ("c", "2025-08-01")):
        world.invoice(name=name, duedate=day)

    def having(condition: str) -> list[str]:
        return names(
            world.get("invoices", filter=f"Microsoft.Dynamics.CRM.{condition}", select="name", orderby="name")
        )

    assert having("In(PropertyName='name',PropertyValues=['A','c'])") == ["a", "c"]
    assert having("NotIn(PropertyName='name',PropertyValues=['A','c'])") == ["b"]
    assert having("Between(PropertyName='duedate',PropertyValues=['2025-07-01','2025-08-01'])") == ["b", "c"]
    assert having("On(PropertyName='duedate',PropertyValue='2025-07-01')") == ["b"]
    assert having("OnOrAfter(PropertyName='duedate',PropertyValue='2025-07-01')") == ["b", "c"]
    assert having("LastXDays(PropertyName='duedate',PropertyValue=1)") == ["a", "b"]
    assert having("Today(PropertyName='createdon')") == ["a", "b", "c"]


def test_dates_moments_and_ids_are_bare_literals(world: DataverseWorld) -> None:
    old = world.invoice(name="old")
    world.clock.advance(timedelta(hours=1))
    world.invoice(name="new")
    customer = world.person.get("invoices", old)["_customerid_value"]

    def having(condition: str) -> list[str]:
        return names(world.get("invoices", filter=condition, select="name"))

    assert having("createdon ge 2025-07-01T12:30:00Z") == ["new"]
    assert having("createdon lt 2025-07-01T14:30:00%2B02:00".replace("%2B", "+")) == ["old"]
    assert having(f"_customerid_value eq {customer}") == ["old"]
    assert having(f"_customerid_value eq '{customer.upper()}'") == ["old"]
    assert having(f"customerid_account/accountid eq {customer}") == ["old"]


def test_aliases_stand_for_values(world: DataverseWorld) -> None:
    world.invoice(name="o'neil")

    answer = world.call("GET", "invoices?$select=name&$filter=name+eq+@p1&@p1='O''Neil'")

    assert names(answer.get_json()) == ["o'neil"]


@pytest.mark.parametrize(
    "options",
    [
        {"select": "nonsense"},
        {"select": "customerid"},
        {"filter": "nonsense eq 1"},
        {"filter": "customerid eq 1"},
        {"filter": "name eq 5"},
        {"filter": "totalamount eq 'x'"},
        {"filter": "duedate eq 2025-07-01T00:00:00Z"},
        {"filter": "name eq"},
        {"filter": "tolower(name) eq 'x'"},
        {"filter": "name eq 'a' and"},
        {"orderby": "nonsense"},
        {"expand": "nonsense"},
        {"expand": "invoice_details($select=nonsense)"},
        {"skip": "5"},
        {"top": "x"},
    ],
)
def test_what_is_not_understood_is_400_even_without_rows(world: DataverseWorld, options: dict[str, str]) -> None:
    query = "&".join(f"${name}={value}" for name, value in options.items())

    assert world.refusal("GET", f"invoices?{query}")[0] == 400


# -- shape --------------------------------------------------------------------------------------------------


def test_select_brings_key_etag_and_currency_of_money(world: DataverseWorld) -> None:
    world.invoice()

    row = world.get("invoices", select="totalamount,_customerid_value")["value"][0]

    expected = {"@odata.etag", "totalamount", "_customerid_value", "_transactioncurrencyid_value", "invoiceid"}
    assert set(row) == expected


def test_annotations_come_when_asked(world: DataverseWorld) -> None:
    world.invoice({"quantity": 1, "priceperunit": Decimal("1234.5")})
    select = "statecode,totalamount,_customerid_value,createdon"

    every = world.get("invoices", select=select, prefer='odata.include-annotations="*"')["value"][0]
    some = world.get(
        "invoices", select=select, prefer='odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"'
    )["value"][0]

    formatted = "OData.Community.Display.V1.FormattedValue"
    assert every[f"statecode@{formatted}"] == "Active"
    assert every[f"totalamount@{formatted}"] == "£1,234.50"
    assert every[f"createdon@{formatted}"] == "01/07/2025 13:00"
    assert every[f"_customerid_value@{formatted}"] == "Contoso"
    assert every["_customerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"] == "customerid_account"
    assert [name for name in some if "@" in name and name != "@odata.etag"] == [
        "_customerid_value@Microsoft.Dynamics.CRM.lookuplogicalname",
        "_transactioncurrencyid_value@Microsoft.Dynamics.CRM.lookuplogicalname",
    ]


def test_expand_nests_filters_and_orders(world: DataverseWorld) -> None:
    lines = [{"quantity": n, "priceperunit": 1, "lineitemnumber": 9 - n} for n in (1, 2, 3)]
    invoice_id = world.invoice(*lines)
    expand = (
        "invoice_details($select=quantity;$filter=quantity ge 2;$orderby=lineitemnumber;$top=1;"
        "$expand=invoiceid($select=name)),transactioncurrencyid($select=isocurrencycode),"
        "customerid_account($select=name),customerid_contact($select=fullname)"
    )

    row = world.get(f"invoices({invoice_id})", select="name", expand=expand)

    assert [(line["quantity"], line["invoiceid"]["name"]) for line in row["invoice_details"]] == [(3, "June")]
    assert row["transactioncurrencyid"]["isocurrencycode"] == "GBP"
    assert row["customerid_account"]["name"] == "Contoso"
    assert row["customerid_contact"] is None


def test_navigation_properties_are_addresses(world: DataverseWorld) -> None:
    invoice_id = world.invoice({"quantity": 2})

    assert world.get(f"invoices({invoice_id})/customerid_account", select="name")["name"] == "Contoso"
    assert len(world.get(f"invoices({invoice_id})/invoice_details")["value"]) == 1
    assert world.call("GET", f"invoices({invoice_id})/customerid_contact").status_code == 204


# -- pages --------------------------------------------------------------------------------------------------


def all_pages(world: DataverseWorld, path: str, size: int) -> list[list[Row]]:
    pages, prefer = [], {"Prefer": f"odata.maxpagesize={size}"}
    while path:
        answer = world.call("GET", path, headers=prefer).get_json()
        pages.append(answer["value"])
        path = answer.get("@odata.nextLink", "").removeprefix(f"{URL}/api/data/v9.2/")
    return pages


@pytest.mark.parametrize("order", ["", "&$orderby=description desc", "&$orderby=description,name desc"])
def test_pages_together_are_all_rows_in_order(world: DataverseWorld, order: str) -> None:
    for number in range(11):
        world.account(f"A{number}", description=None if number % 3 == 0 else f"d{number % 4}")

    pages = all_pages(world, f"accounts?$select=name,description{order}", 4)
    at_once = world.call("GET", f"accounts?$select=name,description{order}").get_json()["value"]

    assert [len(page) for page in pages] == [4, 4, 3]
    assert [row for page in pages for row in page] == at_once


def test_rows_deleted_between_pages_neither_repeat_nor_hide_others(world: DataverseWorld) -> None:
    for number in range(6):
        world.account(f"A{number}")
    first = world.call("GET", "accounts?$orderby=name", headers={"Prefer": "odata.maxpagesize=3"}).get_json()
    world.person.delete("accounts", first["value"][-1]["accountid"])
    world.person.delete("accounts", first["value"][0]["accountid"])

    rest = world.call("GET", first["@odata.nextLink"].removeprefix(f"{URL}/api/data/v9.2/")).get_json()

    assert names(rest) == ["A3", "A4", "A5"]


def test_a_next_link_is_good_only_as_it_was_given(world: DataverseWorld) -> None:
    for number in range(3):
        world.account(f"A{number}")
    link = world.get("accounts", select="name", prefer="odata.maxpagesize=2")["@odata.nextLink"]
    path = link.removeprefix(f"{URL}/api/data/v9.2/")

    assert world.call("GET", path).status_code == 200
    assert world.refusal("GET", path.replace("name", "fax"))[0] == 400
    assert world.refusal("GET", path.replace("%2525", "%25"))[0] == 400


def test_top_and_count(world: DataverseWorld) -> None:
    for number in range(5):
        world.account(f"A{number}")

    answer = world.get("accounts", top="2", count="true", orderby="name desc", prefer="odata.maxpagesize=1")

    assert names(answer) == ["A4", "A3"]
    assert answer["@odata.count"] == 5
    assert "@odata.nextLink" not in answer
    assert world.call("GET", "accounts/$count").text == "5"


# -- FetchXML -----------------------------------------------------------------------------------------------


def fetch(world: DataverseWorld, xml: str, table: str = "invoices") -> dict[str, Any]:
    prefer = 'odata.include-annotations="Microsoft.Dynamics.CRM.*"'
    answer = world.call(
        "GET", f"{table}?fetchXml={xml.replace('%', '%25').replace('+', '%2B')}", headers={"Prefer": prefer}
    )
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def linked_world(world: DataverseWorld) -> None:
    """Invoices a to d: a has no link, b and c one each, d two."""
    ids = {name: world.invoice(name=name) for name in "abcd"}
    for name, kind in (("b", 1), ("c", 2), ("d", 1), ("d", 2)):
        bind = {"new_Invoice@odata.bind": f"/invoices({ids[name]})"}
        world.person.create("new_xerolinks", {"new_name": f"{name}{kind}", "new_kind": kind, **bind})


LINK = '<link-entity name="new_xerolink" from="new_invoice" to="invoiceid" alias="x" {}>{}</link-entity>'


def test_an_outer_link_finds_what_has_no_partner(world: DataverseWorld) -> None:
    linked_world(world)
    link = LINK.format('link-type="outer"', '<attribute name="new_kind"/><attribute name="new_invoice"/>')
    absent = '<filter><condition entityname="x" attribute="new_xerolinkid" operator="null"/></filter>'
    or_first = (
        '<filter type="or"><condition entityname="x" attribute="new_xerolinkid" operator="null"/>'
        '<condition entityname="x" attribute="new_kind" operator="eq" value="1"/></filter>'
    )
    query = '<fetch><entity name="invoice"><attribute name="name"/>{}<order attribute="name"/></entity></fetch>'

    every = fetch(world, query.format(link))
    alone = fetch(world, query.format(link + absent))
    either = fetch(world, query.format(link + or_first))

    assert [(row["name"], row.get("x.new_kind")) for row in every["value"]] == [
        ("a", None), ("b", 1), ("c", 2), ("d", 1), ("d", 2),
    ]  # fmt: skip
    assert names(alone) == ["a"]
    assert names(either) == ["a", "b", "d"]
    assert "x.new_kind" not in alone["value"][0]
    assert every["value"][1]["x.new_invoice@Microsoft.Dynamics.CRM.lookuplogicalname"] == "invoice"


def test_conditions_in_a_link_narrow_the_join(world: DataverseWorld) -> None:
    """In an outer link they decide what joins, not which rows stay."""
    linked_world(world)
    second = '<filter><condition attribute="new_kind" operator="eq" value="2"/></filter><attribute name="new_name"/>'
    query = '<fetch><entity name="invoice"><attribute name="name"/>{}<order attribute="name"/></entity></fetch>'

    outer = fetch(world, query.format(LINK.format('link-type="outer"', second)))
    inner = fetch(world, query.format(LINK.format("", second)))
    without = fetch(world, query.format(LINK.format('link-type="not any"', "")))

    assert [(r["name"], r.get("x.new_name")) for r in outer["value"]] == [
        ("a", None),
        ("b", None),
        ("c", "c2"),
        ("d", "d2"),
    ]
    assert names(inner) == ["c", "d"]
    assert names(without) == ["a"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('attribute="name" operator="eq" value="B"', "b"),
        ('attribute="name" operator="ne" value="b"', "acd"),
        ('attribute="name" operator="like" value="%A%"', "a"),
        ('attribute="name" operator="not-like" value="a"', "bcd"),
        ('attribute="name" operator="ge" value="c"', "cd"),
        ('attribute="description" operator="null"', "abcd"),
        ('attribute="description" operator="not-null"', ""),
        ('attribute="description" operator="ne" value="x"', "abcd"),
        ('attribute="modifiedon" operator="ge" value="2025-07-01T12:00:00Z"', "abcd"),
        ('attribute="modifiedon" operator="lt" value="2025-07-01T12:00:00Z"', ""),
        ('attribute="modifiedon" operator="on" value="2025-07-01"', "abcd"),
        ('attribute="createdon" operator="last-x-days" value="2"', "abcd"),
        ('attribute="statecode" operator="eq" value="0"', "abcd"),
        ('attribute="totalamount" operator="gt" value="0.00"', ""),
    ],
)
def test_fetch_conditions(world: DataverseWorld, condition: str, found: str) -> None:
    linked_world(world)
    xml = (
        '<fetch><entity name="invoice"><attribute name="name"/>'
        f'<filter><condition {condition}/></filter><order attribute="name"/></entity></fetch>'
    )

    assert "".join(names(fetch(world, xml))) == found


def test_fetch_lists_pages_and_tops(world: DataverseWorld) -> None:
    linked_world(world)
    inside = '<condition attribute="name" operator="{}"><value>a</value><value>C</value></condition>'
    query = (
        '<fetch {}><entity name="invoice"><attribute name="name"/>{}'
        '<order attribute="name" descending="true"/></entity></fetch>'
    )

    chosen = fetch(world, query.format("", f"<filter>{inside.format('in')}</filter>"))
    others = fetch(world, query.format("", f"<filter>{inside.format('not-in')}</filter>"))
    page = fetch(world, query.format('count="3" page="1" returntotalrecordcount="true"', ""))
    last = fetch(world, query.format('count="3" page="2"', ""))

    assert (names(chosen), names(others)) == (["c", "a"], ["d", "b"])
    assert (names(page), names(last)) == (["d", "c", "b"], ["a"])
    assert page["@Microsoft.Dynamics.CRM.morerecords"] is True
    assert "pagenumber=" in page["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"]
    assert last["@Microsoft.Dynamics.CRM.morerecords"] is False
    assert names(fetch(world, query.format('top="1"', ""))) == ["d"]


FILTERED = '<fetch><entity name="invoice"><filter><condition {}/></filter></entity></fetch>'


@pytest.mark.parametrize(
    "xml",
    [
        "<fetch>",
        "<fetch/>",
        '<fetch><entity name="account"/></fetch>',
        '<fetch><entity name="invoice"><attribute name="nonsense"/></entity></fetch>',
        FILTERED.format('attribute="name" operator="nonsense" value="1"'),
        FILTERED.format('entityname="z" attribute="name" operator="null"'),
        FILTERED.format('attribute="statecode" operator="eq" value="x"'),
    ],
)
def test_bad_fetch_xml_is_400(world: DataverseWorld, xml: str) -> None:
    world.invoice()

    assert world.refusal("GET", f"invoices?fetchXml={xml}")[0] == 400
