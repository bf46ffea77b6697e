"""Dynamics rows → our values (marshmallow). Unknown columns are ignored: Microsoft and customers add some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, post_load, pre_load

from core import columns, ids
from core.invoice import Address, Customer, Details, Invoice, Line, Product

FINGERPRINT_VERSION = "1"
ZERO = Decimal(0)

CUSTOMER_COLUMNS = (
    "emailaddress1,telephone1,fax,address1_line1,address1_line2,address1_line3,"
    "address1_city,address1_stateorprovince,address1_postalcode,address1_country"
)
INVOICE_SELECT = (
    "invoiceid,name,invoicenumber,statecode,statuscode,datedelivered,duedate,paymenttermscode,description,"
    "discountamount,discountpercentage,freightamount,totallineitemamount,totaltax,totalamount,_pricelevelid_value,"
    "_stl3_connector_value,stl3_invoicetype,stl3_lineamounttypes,_stl3_brandingtheme_value,modifiedon"
)
INVOICE_EXPAND = (
    "transactioncurrencyid($select=isocurrencycode,currencyprecision),"
    f"customerid_account($select=accountid,name,accountnumber,{CUSTOMER_COLUMNS}),"
    f"customerid_contact($select=contactid,fullname,firstname,lastname,mobilephone,{CUSTOMER_COLUMNS})"
)
LINE_SELECT = (
    "invoicedetailid,_invoiceid_value,isproductoverridden,productdescription,description,quantity,priceperunit,"
    "volumediscountamount,manualdiscountamount,baseamount,tax,producttypecode,lineitemnumber,sequencenumber,createdon"
)
LINE_EXPAND = (
    "productid($select=productid,productnumber,name,description),"
    "stl3_TaxType($select=stl3_code),stl3_AccountCode($select=stl3_code)"
)
DETAILS_SELECT = (
    "stl3_xerodetailsid,stl3_dynamicsinvoiceid,stl3_connectionid,stl3_exportstatus,stl3_xeroinvoiceid,stl3_xeronumber,"
    "stl3_xerocontactid,stl3_waitingfor,stl3_attemptstarted,stl3_attemptkey,stl3_handledstate,stl3_fingerprint"
)


class _Row(Schema):
    """A row: null means not filled in, which our values say by their defaults."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def _drop_nulls(self, row: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in row.items() if value is not None}


def _text(column: str) -> fields.String:
    return fields.String(data_key=column, load_default="")


def _amount(column: str) -> fields.Decimal:
    return fields.Decimal(data_key=column, load_default=ZERO)


def _moment(column: str) -> fields.AwareDateTime:
    return fields.AwareDateTime(data_key=column, load_default=None, default_timezone=UTC)


class _CustomerSchema(_Row):
    email = _text("emailaddress1")
    phone = _text("telephone1")
    mobile = _text("mobilephone")
    fax = _text("fax")
    first_name = _text("firstname")
    last_name = _text("lastname")
    account_number = _text("accountnumber")
    line1 = _text("address1_line1")
    line2 = _text("address1_line2")
    line3 = _text("address1_line3")
    city = _text("address1_city")
    region = _text("address1_stateorprovince")
    postal_code = _text("address1_postalcode")
    country = _text("address1_country")

    def _fold(self, row: dict[str, Any]) -> dict[str, Any]:
        lines = tuple(text for text in (row.pop("line1"), row.pop("line2"), row.pop("line3")) if text)
        place = {name: row.pop(name) for name in ("city", "region", "postal_code", "country")}
        return row | {"address": Address(lines=lines, **place)}


class _AccountSchema(_CustomerSchema):
    id = fields.String(data_key="accountid", required=True)
    name = _text("name")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Customer:
        return Customer(kind="account", **self._fold(row))


class _ContactSchema(_CustomerSchema):
    id = fields.String(data_key="contactid", required=True)
    name = _text("fullname")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Customer:
        return Customer(kind="contact", **self._fold(row))


class _ProductSchema(_Row):
    id = fields.String(data_key="productid", required=True)
    number = _text("productnumber")
    name = _text("name")
    description = _text("description")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Product:
        return Product(**row)


class _CodeSchema(_Row):
    code = _text("stl3_code")


class _LineSchema(_Row):
    id = fields.String(data_key="invoicedetailid", required=True)
    product = fields.Nested(_ProductSchema, data_key="productid", load_default=None)
    text = _text("productdescription")
    description = _text("description")
    quantity = _amount("quantity")
    price = _amount("priceperunit")
    volume_discount = _amount("volumediscountamount")
    manual_discount = _amount("manualdiscountamount")
    base_amount = fields.Decimal(data_key="baseamount", load_default=None)
    tax = _amount("tax")
    product_type = fields.Integer(data_key="producttypecode", load_default=1)
    number = fields.Integer(data_key="lineitemnumber", load_default=None)
    sequence = fields.Integer(data_key="sequencenumber", load_default=None)
    created_at = _moment("createdon")
    account = fields.Nested(_CodeSchema, data_key="stl3_AccountCode", load_default=dict)
    tax_rate = fields.Nested(_CodeSchema, data_key="stl3_TaxType", load_default=dict)

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Line:
        account, tax_rate = row.pop("account"), row.pop("tax_rate")
        return Line(**row, account_code=account.get("code", ""), tax_type=tax_rate.get("code", ""))


class _CurrencySchema(_Row):
    code = _text("isocurrencycode")
    decimals = fields.Integer(data_key="currencyprecision", load_default=2)


class _InvoiceSchema(_Row):
    id = fields.String(data_key="invoiceid", required=True)
    name = _text("name")
    number = _text("invoicenumber")
    state = fields.Integer(data_key="statecode", load_default=0)
    status_reason = fields.Integer(data_key="statuscode", load_default=1)
    connector_id = _text("_stl3_connector_value")
    kind = fields.Integer(data_key="stl3_invoicetype", load_default=None)
    line_amount_types = fields.Integer(data_key="stl3_lineamounttypes", load_default=None)
    branding_theme_id = _text("_stl3_brandingtheme_value")
    account = fields.Nested(_AccountSchema, data_key="customerid_account", load_default=None)
    contact = fields.Nested(_ContactSchema, data_key="customerid_contact", load_default=None)
    price_list_id = _text("_pricelevelid_value")
    money = fields.Nested(_CurrencySchema, data_key="transactioncurrencyid", load_default=dict)
    delivered_at = _moment("datedelivered")
    due_on = fields.Date(data_key="duedate", load_default=None)
    terms = fields.Integer(data_key="paymenttermscode", load_default=None)
    description = _text("description")
    discount = _amount("discountamount")
    discount_percentage = _amount("discountpercentage")
    freight = _amount("freightamount")
    total_lines = _amount("totallineitemamount")
    total_tax = _amount("totaltax")
    total = _amount("totalamount")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Invoice:
        account, contact, money = row.pop("account"), row.pop("contact"), row.pop("money")
        row["kind"] = columns.INVOICE_TYPE.label(row["kind"]) or "Sales Invoice"
        row["line_amount_types"] = columns.LINE_AMOUNT_TYPES.label(row["line_amount_types"]) or "Exclusive"
        return Invoice(
            **row,
            customer=account or contact,
            currency=money.get("code", ""),
            currency_decimals=money.get("decimals", 2),
        )


class _DetailsSchema(_Row):
    id = fields.String(data_key="stl3_xerodetailsid", required=True)
    etag = fields.String(data_key="@odata.etag", required=True)
    invoice_id = fields.String(data_key="stl3_dynamicsinvoiceid", required=True)
    connection_id = _text("stl3_connectionid")
    export_status = fields.Integer(data_key="stl3_exportstatus", load_default=None)
    xero_invoice_id = _text("stl3_xeroinvoiceid")
    xero_number = _text("stl3_xeronumber")
    xero_contact_id = _text("stl3_xerocontactid")
    waiting_for = _text("stl3_waitingfor")
    attempt_started = _moment("stl3_attemptstarted")
    attempt_key = _text("stl3_attemptkey")
    handled_state = _text("stl3_handledstate")
    fingerprint = _text("stl3_fingerprint")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Details:
        row["export_status"] = columns.EXPORT_STATUS.label(row["export_status"]) or "No"
        return Details(**row)


_INVOICE, _LINE, _DETAILS = _InvoiceSchema(), _LineSchema(), _DetailsSchema()


def to_invoice(row: dict[str, Any], line_rows: Iterable[dict[str, Any]]) -> Invoice:
    """Return the invoice of these rows, its lines in their order. Raises ValidationError for an impossible row."""
    lines = sorted((_LINE.load(line) for line in line_rows), key=lambda line: line.order)
    invoice: Invoice = _INVOICE.load(row)
    return replace(invoice, lines=tuple(lines))


def to_details(row: dict[str, Any]) -> Details:
    details: Details = _DETAILS.load(row)
    return details


def fingerprint(invoice: Invoice) -> str:
    """Return what changes exactly when something changes that Xero should know.

    Outside it are what the connector itself writes (tax, and totals with it) and the state, which is handled by
    itself (DESIGN 3).
    """
    content = asdict(invoice)
    for name in ("state", "status_reason", "connector_id", "total_tax", "total"):
        del content[name]
    for line in content["lines"]:
        del line["tax"]
    return f"{FINGERPRINT_VERSION}:{ids.content_hash(_plain(content))}"


def _plain(value: Any) -> Any:
    """One spelling for each value: 1.0 and 1.00 are the same price, 0 has no sign, a moment is told in UTC."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
