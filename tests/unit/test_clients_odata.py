"""OData's notations: keys, filters, queries and FetchXML pages."""

from __future__ import annotations

import pytest

from clients.odata import fetch_page, key_path, lookup_in, next_cookie, odata_in, rows_path, tagged, text_literal

ID = "aaaaaaaa-0000-0000-0000-000000000001"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (ID, f"invoices({ID})"),
        (ID.upper(), f"invoices({ID})"),
        ({"stl3_key": "it's"}, "invoices(stl3_key='it%27%27s')"),
        ({"stl3_key": "a/b & c+d?e#f%"}, "invoices(stl3_key='a%2Fb%20%26%20c%2Bd%3Fe%23f%25')"),
        ({"stl3_key": "Zoë"}, "invoices(stl3_key='Zo%C3%AB')"),
        ({"a": "1", "_accountid_value": ID}, f"invoices(a='1',_accountid_value={ID})"),
    ],
)
def test_a_key_in_a_path(key: dict[str, str] | str, path: str) -> None:
    assert key_path("invoices", key) == path


@pytest.mark.parametrize("key", ["name eq 'a'", "", {"_a_value": "1) or true"}])
def test_what_is_no_id_never_becomes_part_of_a_path(key: dict[str, str] | str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        key_path("invoices", key)


def test_a_text_in_a_filter() -> None:
    assert text_literal("O'Neil's") == "'O''Neil''s'"


def test_one_of_many() -> None:
    assert odata_in("name", ["A'1", "B"]) == (
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['A''1','B'])"
    )


def test_a_lookup_to_one_of_many_rows() -> None:
    assert lookup_in("_stl3_invoice_value", [ID, ID.upper()]) == (
        f"(_stl3_invoice_value eq {ID} or _stl3_invoice_value eq {ID})"
    )
    with pytest.raises(ValueError, match="UUID"):
        lookup_in("_stl3_invoice_value", ["1 or true"])


def test_one_of_none_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        odata_in("name", [])


def test_a_query_is_encoded() -> None:
    path = rows_path("invoices", {"$select": "name,total", "$filter": "name eq 'A&B +1%' and total gt 1"})

    assert path == "invoices?$select=name,total&$filter=name%20eq%20'A%26B%20%2B1%25'%20and%20total%20gt%201"
    assert rows_path("invoices", {}) == "invoices"


def test_a_write_bears_our_tag() -> None:
    assert tagged("invoices") == "invoices?tag=stl3connector"
    assert tagged("invoices?$select=a") == "invoices?$select=a&tag=stl3connector"


def test_the_pages_of_a_fetch() -> None:
    condition = '<condition attribute="name" operator="eq" value="A&amp;B"/>'
    xml = f'<fetch><entity name="invoice"><filter>{condition}</filter></entity></fetch>'

    first = fetch_page(xml, 1, None, 1000)
    third = fetch_page(xml, 3, '<cookie page="2"><name last="A&amp;B"/></cookie>', 1000)

    assert first.startswith('<fetch count="1000" page="1"><entity')
    assert 'value="A&amp;B"' in first
    assert (
        'paging-cookie="&lt;cookie page=&quot;2&quot;&gt;&lt;name last=&quot;A&amp;amp;B&quot; /&gt;'
        in third.replace("/&gt;", " /&gt;")
    )


def test_a_fetch_of_the_first_few_has_no_pages() -> None:
    assert (
        fetch_page('<fetch top="5"><entity name="a"/></fetch>', 1, None, 1000)
        == '<fetch top="5"><entity name="a" /></fetch>'
    )


def test_a_fetch_may_say_how_long_its_pages_are() -> None:
    assert fetch_page('<fetch count="2"/>', 1, None, 1000) == '<fetch count="2" page="1" />'


def test_a_cookie_lies_encoded_twice() -> None:
    annotation = (
        '<cookie pagenumber="2" pagingcookie="%253ccookie%2520page%253d%25221%2522%253e%253c%252fcookie%253e" '
        'istracking="False" />'
    )

    assert next_cookie(annotation) == '<cookie page="1"></cookie>'
    assert next_cookie("") is None
