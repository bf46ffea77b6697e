"""Dynamics rows → our values (marshmallow). Unknown columns are ignored: Microsoft and customers add some."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, post_load, pre_load

from core import columns, ids
from core.invoice import SALES, Address, Chosen, Customer, Details, Invoice, Line, Product
from mappers.adjustments import discount_of
from mappers.lines import line_net

FINGERPRINT_VERSION = "2"
ZERO = Decimal(0)

CUSTOMER_COLUMNS = (
    "emailaddress1,telephone1,fax,address1_line1,address1_line2,address1_line3,"
    "address1_city,address1_stateorprovince,address1_postalcode,address1_country"
)
CHOICE_COLUMNS = "stl3_name,_stl3_connector_value,statecode"
INVOICE_SELECT = (
    "invoiceid,name,invoicenumber,statecode,statuscode,datedelivered,duedate,paymenttermscode,description,"
    "discountamount,discountpercentage,freightamount,totallineitemamount,totalamountlessfreight,totaltax,totalamount,"
    "_pricelevelid_value,_customerid_value,_stl3_connector_value,stl3_invoicetype,stl3_lineamounttypes,modifiedon,"
    "stl3_amountdue"
)
INVOICE_EXPAND = (
    "transactioncurrencyid($select=isocurrencycode,currencyprecision),"
    f"stl3_BrandingTheme($select=stl3_themeid,{CHOICE_COLUMNS}),"
    f"customerid_account($select=accountid,name,accountnumber,{CUSTOMER_COLUMNS}),"
    f"customerid_contact($select=contactid,fullname,firstname,lastname,mobilephone,{CUSTOMER_COLUMNS})"
)
LINE_SELECT = (
    "invoicedetailid,_invoiceid_value,isproductoverridden,productdescription,productname,description,quantity,priceperunit,"
    "volumediscountamount,manualdiscountamount,extendedamount,tax,producttypecode,lineitemnumber,sequencenumber,createdon"
)
LINE_EXPAND = (
    "productid($select=productid,productnumber,name,description),"
    f"stl3_TaxType($select=stl3_code,{CHOICE_COLUMNS}),stl3_AccountCode($select=stl3_code,{CHOICE_COLUMNS})"
)
DETAILS_SELECT = (
    "stl3_xerodetailsid,stl3_dynamicsinvoiceid,stl3_connectionid,stl3_exportstatus,stl3_xeroinvoiceid,stl3_xeronumber,"
    "stl3_xerocontactid,stl3_waitingfor,stl3_attemptstarted,stl3_attemptkey,stl3_handledstate,stl3_fingerprint,"
    "stl3_agreeddocument,stl3_xerostatus,stl3_amountdue,stl3_amountpaid,stl3_amountcredited,stl3_taxinxero,"
    "stl3_xeroupdated,stl3_closedbyconnector,stl3_statusbeforeclose,stl3_creditnoteid,stl3_creditnotenumber,"
    "stl3_cancelling,stl3_earlierdocuments,_stl3_invoice_value"
)


class _Row(Schema):
    """A row: null means not filled in, which our values say by their defaults."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def _drop_nulls(self, row: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in row.items() if value is not None}


class _Exact(fields.Decimal):
    """A number as Dataverse wrote it; marshmallow would take a float for what it is printed as."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, float):
            raise TypeError(f"{self.data_key}: a float; money has passed through binary rounding")
        number: Decimal = super()._deserialize(value, *args, **kwargs)
        return number


def _text(column: str) -> fields.String:
    return fields.String(data_key=column, load_default="")


def _amount(column: str) -> fields.Decimal:
    return _Exact(data_key=column, load_default=ZERO)


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


class _ChosenSchema(_Row):
    name = _text("stl3_name")
    connector_id = _text("_stl3_connector_value")
    state = fields.Integer(data_key="statecode", load_default=0)

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Chosen:
        is_active = row.pop("state") == 0
        return Chosen(**row, is_active=is_active)


class _CodeSchema(_ChosenSchema):
    code = _text("stl3_code")


class _ThemeSchema(_ChosenSchema):
    code = _text("stl3_themeid")


class _LineSchema(_Row):
    id = fields.String(data_key="invoicedetailid", required=True)
    is_write_in = fields.Boolean(data_key="isproductoverridden", load_default=False)
    product = fields.Nested(_ProductSchema, data_key="productid", load_default=None)
    text = _text("productdescription")
    name = _text("productname")
    description = _text("description")
    quantity = _amount("quantity")
    price = _amount("priceperunit")
    volume_discount = _amount("volumediscountamount")
    manual_discount = _amount("manualdiscountamount")
    extended_amount = _Exact(data_key="extendedamount", load_default=None)
    tax = _amount("tax")
    product_type = fields.Integer(data_key="producttypecode", load_default=1)
    number = fields.Integer(data_key="lineitemnumber", load_default=None)
    sequence = fields.Integer(data_key="sequencenumber", load_default=None)
    created_at = _moment("createdon")
    account = fields.Nested(_CodeSchema, data_key="stl3_AccountCode", load_default=None)
    tax_type = fields.Nested(_CodeSchema, data_key="stl3_TaxType", load_default=None)

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Line:
        name = row.pop("name")
        return Line(**row | {"text": row["text"] or name})


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
    branding_theme = fields.Nested(_ThemeSchema, data_key="stl3_BrandingTheme", load_default=None)
    customer_id = _text("_customerid_value")
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
    total_less_freight = _Exact(data_key="totalamountlessfreight", load_default=None)
    total_tax = _amount("totaltax")
    total = _amount("totalamount")
    etag = _text("@odata.etag")
    amount_due = _Exact(data_key="stl3_amountdue", load_default=None)
    modified_at = _moment("modifiedon")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Invoice:
        account, contact, money = row.pop("account"), row.pop("contact"), row.pop("money")
        row["kind"] = columns.INVOICE_TYPE.label(row["kind"]) or SALES
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
    agreed_document = _text("stl3_agreeddocument")
    xero_status = _text("stl3_xerostatus")
    amount_due = _Exact(data_key="stl3_amountdue", load_default=None)
    amount_paid = _Exact(data_key="stl3_amountpaid", load_default=None)
    amount_credited = _Exact(data_key="stl3_amountcredited", load_default=None)
    tax_in_xero = _Exact(data_key="stl3_taxinxero", load_default=None)
    xero_updated = _moment("stl3_xeroupdated")
    closed_by_connector = fields.Boolean(data_key="stl3_closedbyconnector", load_default=False)
    status_before_close = fields.Integer(data_key="stl3_statusbeforeclose", load_default=None)
    linked_to = _text("_stl3_invoice_value")
    credit_note_id = _text("stl3_creditnoteid")
    credit_note_number = _text("stl3_creditnotenumber")
    cancelling = _text("stl3_cancelling")
    earlier = _text("stl3_earlierdocuments")

    @post_load
    def _make(self, row: dict[str, Any], **_: Any) -> Details:
        row["earlier_ids"] = tuple(row.pop("earlier").split())
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
    """Return what changes exactly when something changes that the document is made of.

    Outside it are what the connector itself writes (tax, and totals with it), the state, which is handled by itself,
    and what is copied once only: the customer's and the products' own columns (rules B2, B3).
    """
    content = {
        "connector": invoice.connector_id,
        "kind": invoice.kind,
        "line_amount_types": invoice.line_amount_types,
        "theme": invoice.branding_theme.code if invoice.branding_theme else "",
        "customer": invoice.customer_id,
        "currency": invoice.currency,
        "delivered_at": invoice.delivered_at,
        "due_on": invoice.due_on,
        "terms": invoice.terms,
        "description": invoice.description,
        "discount": discount_of(invoice),
        "freight": invoice.freight,
        "custom": dict(invoice.custom),
        "lines": [_line_content(line, invoice.currency_decimals) for line in invoice.lines],
    }
    return f"{FINGERPRINT_VERSION}:{ids.content_hash(_plain(content))}"


def _line_content(line: Line, decimals: int) -> dict[str, Any]:
    return {
        "id": line.id,
        "is_write_in": line.is_write_in,
        "product": [line.product.id, line.product.number] if line.product else [],
        "text": line.text,
        "description": line.description,
        "quantity": line.quantity,
        "price": line.price,
        "net": line_net(line, decimals),
        "product_type": line.product_type,
        "account": line.account.code if line.account else "",
        "tax_type": line.tax_type.code if line.tax_type else "",
        "custom": dict(line.custom),
    }


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
