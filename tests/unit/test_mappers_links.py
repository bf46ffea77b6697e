"""Links from Xero to the invoice in Dynamics, which carry its origin, and from Dynamics to the document in Xero."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.basis import Unmappable
from mappers.links import Origin, find_origin, invoice_link, origin_url
from tests.unit.made import CONNECTION_ID, INVOICE_ID, ORGANIZATION_ID

ORIGIN = Origin(ORGANIZATION_ID, INVOICE_ID)
PUBLIC = "https://connector.example"
REFUSED = ["https://xerography.crm4.dynamics.com", "https://MyXERO.example", "https://crm.contoso.example/XeroLtd"]


def url_of(dynamics_url: str, public_url: str = PUBLIC, origin: Origin = ORIGIN) -> str:
    return origin_url(CONNECTION_ID, dynamics_url, public_url, origin)


def test_an_origin_travels_in_the_url_and_comes_back() -> None:
    """Rule C18: a link to the invoice in Dynamics, with the organisation where no server sees it."""
    url = url_of("https://contoso.crm4.dynamics.com")

    assert url == (
        "https://contoso.crm4.dynamics.com/main.aspx?pagetype=entityrecord&etn=invoice"
        f"&id={INVOICE_ID}#{ORGANIZATION_ID}"
    )
    assert find_origin({"Url": url}) == ORIGIN


@pytest.mark.parametrize("dynamics_url", REFUSED)
def test_where_xero_refuses_the_address_the_link_leads_through_our_own(dynamics_url: str) -> None:
    """Rule C18: and it carries the same origin."""
    url = url_of(dynamics_url)

    assert url == f"https://connector.example/open/invoice/{CONNECTION_ID}/{INVOICE_ID}#{ORGANIZATION_ID}"
    assert "xero" not in url.lower()
    assert find_origin({"Url": url}) == ORIGIN


@pytest.mark.parametrize("public_url", ["https://dynamics-xero.example", "https://example.test/Xero"])
def test_where_xero_refuses_both_addresses_the_invoice_says_what_to_do(public_url: str) -> None:
    """Rule C18: instead of a refusal that nobody understands; a Dynamics that Xero takes needs no way round."""
    with pytest.raises(Unmappable, match="PUBLIC_URL") as refused:
        url_of(REFUSED[0], public_url)

    assert REFUSED[0] in str(refused.value)
    assert public_url in str(refused.value)
    assert url_of("https://contoso.example", public_url).startswith("https://contoso.example/main.aspx?")


@given(
    organization=st.uuids(),
    invoice_id=st.uuids(),
    dynamics_url=st.sampled_from(["https://a.example", REFUSED[0]]),
    public_url=st.sampled_from(
        [PUBLIC, "http://localhost:8000", "https://a.example/deep/down", f"{PUBLIC}/open/invoice"]
    ),
)
def test_every_origin_comes_back_in_lower_case(
    organization: Any, invoice_id: Any, dynamics_url: str, public_url: str
) -> None:
    origin = Origin(str(organization).upper(), str(invoice_id).upper())

    found = find_origin({"Url": url_of(dynamics_url, public_url, origin)})

    assert found == Origin(str(organization), str(invoice_id))


def test_the_origin_does_not_depend_on_the_address() -> None:
    """The environment was renamed, the connector moved: the document is still this invoice's."""
    urls = [
        url_of("https://old.example"),
        url_of("https://new.example"),
        url_of(REFUSED[0]),
        url_of(REFUSED[1], "https://b.example"),
    ]

    assert {find_origin({"Url": url}) for url in urls} == {ORIGIN}


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://shop.example/orders/1",
        "https://shop.example/orders/1#paid",
        f"https://contoso.example/main.aspx?etn=invoice&id={INVOICE_ID}",
        f"https://contoso.example/main.aspx?etn=account&id={INVOICE_ID}#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx?etn=invoice&id={INVOICE_ID}#notes",
        f"https://contoso.example/main.aspx?etn=invoice&id=7#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx?etn=invoice&id=#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx?etn=invoice#{ORGANIZATION_ID}",
        f"https://contoso.example/main.aspx#{ORGANIZATION_ID}",
        f"{PUBLIC}/open/invoice/{CONNECTION_ID}/{INVOICE_ID}",
        f"{PUBLIC}/open/invoice/{CONNECTION_ID}/{INVOICE_ID}#",
        f"{PUBLIC}/open/invoice/{CONNECTION_ID}/{INVOICE_ID}#paid",
        f"{PUBLIC}/open/invoice/{CONNECTION_ID}/#{ORGANIZATION_ID}",
        f"{PUBLIC}/open/invoice/{INVOICE_ID}#{ORGANIZATION_ID}",
        f"{PUBLIC}/open/invoice//{INVOICE_ID}#{ORGANIZATION_ID}",
        f"{PUBLIC}/open/invoice/{CONNECTION_ID}/{INVOICE_ID}/more#{ORGANIZATION_ID}",
        f"{PUBLIC}/open/quote/{CONNECTION_ID}/{INVOICE_ID}#{ORGANIZATION_ID}",
        f"{PUBLIC}/reopen/invoice?{CONNECTION_ID}/{INVOICE_ID}#{ORGANIZATION_ID}",
        "http://[nowhere",
        "https://[::1/#x",
    ],
)
def test_a_foreign_url_has_no_origin(url: str | None) -> None:
    """What lacks our origin is never adopted or changed, whatever somebody wrote there."""
    assert find_origin({"Url": url}) is None
    assert find_origin({}) is None


@given(url=st.text(max_size=60))
def test_no_text_in_a_url_breaks_the_search(url: str) -> None:
    assert find_origin({"Url": url}) is None


@pytest.mark.parametrize(
    ("kind", "page"),
    [("sales", "%2FAccountsReceivable%2FView.aspx"), ("bill", "%2FAccountsPayable%2FEdit.aspx")],
)
def test_the_link_opens_the_document_in_its_organisation(kind: Any, page: str) -> None:
    """Rule C50."""
    assert invoice_link("!abc", "id-1", kind=kind) == (
        f"https://go.xero.com/organisationlogin/default.aspx?shortcode=%21abc&redirecturl={page}%3FInvoiceID%3Did-1"
    )
