"""Rows as Dataverse gives them to a read of ours, to take columns away from or to change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.unit.made import CONNECTION_ID, CUSTOMER_ID, INVOICE_ID


def account_row(**different: Any) -> dict[str, Any]:
    return {
        "accountid": CUSTOMER_ID,
        "name": "Fourth Coffee",
        "accountnumber": "AC-100",
        "emailaddress1": "books@fourth.example",
        "telephone1": "020 7946 0000",
        "fax": None,
        "address1_line1": "1 High Street",
        "address1_line2": None,
        "address1_line3": "Back door",
        "address1_city": "London",
        "address1_stateorprovince": None,
        "address1_postalcode": "N1 1AA",
        "address1_country": "United Kingdom",
    } | different


def contact_row(**different: Any) -> dict[str, Any]:
    return {
        "contactid": CUSTOMER_ID,
        "fullname": "Ann Lee",
        "firstname": "Ann",
        "lastname": "Lee",
        "mobilephone": "07700 900000",
        "emailaddress1": None,
    } | different


def chosen_row(code: str | None, **different: Any) -> dict[str, Any]:
    """An account or a tax type that somebody chose on a line."""
    row = {"stl3_code": code, "stl3_name": "200 - Sales", "_stl3_connector_value": CONNECTION_ID, "statecode": 0}
    return row | different


def invoice_row(**different: Any) -> dict[str, Any]:
    return {
        "@odata.etag": 'W/"123"',
        "invoiceid": INVOICE_ID,
        "name": "Order 4711",
        "invoicenumber": "INV-01000",
        "statecode": 0,
        "statuscode": 1,
        "datedelivered": "2026-11-24T00:00:00Z",
        "duedate": "2026-12-24",
        "paymenttermscode": 1,
        "description": "PO 99",
        "discountamount": None,
        "discountpercentage": None,
        "freightamount": None,
        "totallineitemamount": Decimal("30.00"),
        "totalamountlessfreight": Decimal("30.00"),
        "totaltax": Decimal("0.00"),
        "totalamount": Decimal("30.00"),
        "_pricelevelid_value": "price-list",
        "_customerid_value": CUSTOMER_ID,
        "_stl3_connector_value": CONNECTION_ID,
        "stl3_invoicetype": None,
        "stl3_lineamounttypes": None,
        "stl3_BrandingTheme": {
            "stl3_themeid": "theme-1",
            "stl3_name": "Special Projects",
            "_stl3_connector_value": CONNECTION_ID,
            "statecode": 0,
        },
        "modifiedon": "2026-11-24T09:00:00Z",
        "transactioncurrencyid": {"isocurrencycode": "GBP", "currencyprecision": 2},
        "customerid_account": account_row(),
        "customerid_contact": None,
    } | different


def line_row(**different: Any) -> dict[str, Any]:
    return {
        "invoicedetailid": "line-1",
        "_invoiceid_value": INVOICE_ID,
        "isproductoverridden": False,
        "productdescription": None,
        "description": "Black",
        "quantity": Decimal("3.00000"),
        "priceperunit": Decimal("10.00"),
        "volumediscountamount": None,
        "manualdiscountamount": Decimal("0.00"),
        "extendedamount": Decimal("30.00"),
        "tax": None,
        "producttypecode": 1,
        "lineitemnumber": 1,
        "sequencenumber": None,
        "createdon": "2026-11-24T09:00:00Z",
        "productid": {"productid": "p-1", "productnumber": "CHAIR-01", "name": "Chair", "description": None},
        "stl3_TaxType": chosen_row("OUTPUT2", stl3_name="OUTPUT2 - 20%"),
        "stl3_AccountCode": None,
    } | different
