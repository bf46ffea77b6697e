"""The sales tables as they come out of the box."""

from __future__ import annotations

from decimal import Decimal

from simulators.dataverse.build import (
    boolean,
    choice,
    computed_money,
    currency,
    day,
    decimal,
    guid,
    integer,
    lookup,
    memo,
    midnight,
    money,
    rate,
    state,
    status,
    table,
    text,
)
from simulators.dataverse.choices import (
    LINE_PRODUCT_TYPES,
    PAYMENT_TERMS,
    PRICING_ERRORS,
    PROPERTY_STATUSES,
    SHIPPING,
    SKIP_PRICES,
)
from simulators.dataverse.schema import Column, Table
from simulators.dataverse.standard_catalogue import CEILING, ZERO, catalogue_tables

INVOICE_STATES = state({0: "Active", 1: "Closed (deprecated)", 2: "Paid", 3: "Canceled"})
INVOICE_STATUSES = status(
    {
        1: (0, "New"),
        2: (0, "Partially Shipped"),
        4: (0, "Billed"),
        5: (0, "Booked (applies to services)"),
        6: (0, "Installed (applies to services)"),
        3: (1, "Canceled (deprecated)"),
        7: (1, "Paid in Full (deprecated)"),
        100001: (2, "Complete"),
        100002: (2, "Partial"),
        100003: (3, "Canceled"),
    }
)


ADDRESS_SIZES = {
    "line1": 250,
    "line2": 250,
    "line3": 250,
    "city": 80,
    "stateorprovince": 50,
    "postalcode": 20,
    "country": 80,
}


def address(prefix: str) -> list[Column]:
    """The columns of one postal address."""

    return [text(f"{prefix}_{part}", size) for part, size in ADDRESS_SIZES.items()]


def invoice() -> tuple[Table, list[Column]]:
    billing = [column for prefix in ("billto", "shipto") for column in (*address(prefix), *address_extras(prefix))]
    return table(
        "invoice",
        "invoices",
        currency("transactioncurrency_invoice", updatable=False),
        rate(),
        text("name", 300),
        text("invoicenumber", 100, updatable=False),
        lookup("customerid", "account", "contact", collection="invoice_customer", on_delete="restrict"),
        lookup(
            "accountid",
            "account",
            navigation="accountid",
            collection="invoice_accounts",
            creatable=False,
            updatable=False,
        ),
        lookup(
            "contactid",
            "contact",
            navigation="contactid",
            collection="invoice_contacts",
            creatable=False,
            updatable=False,
        ),
        lookup("pricelevelid", "pricelevel", collection="price_level_invoices", on_delete="restrict"),
        boolean("ispricelocked", False, creatable=False, updatable=False),
        midnight("datedelivered"),
        day("duedate"),
        midnight("lastbackofficesubmit"),
        memo("description", 2000),
        money("discountamount", minimum=ZERO, maximum=CEILING),
        decimal("discountpercentage", 2, minimum=ZERO, maximum=Decimal(100)),
        money("freightamount", minimum=ZERO, maximum=CEILING),
        computed_money("totallineitemamount"),
        computed_money("totallineitemdiscountamount"),
        computed_money("totaldiscountamount"),
        computed_money("totalamountlessfreight"),
        computed_money("totaltax"),
        computed_money("totalamount"),
        text("emailaddress", 100),
        choice("paymenttermscode", PAYMENT_TERMS),
        choice("prioritycode", {1: "Default Value"}, default=1),
        choice("shippingmethodcode", SHIPPING, default=1),
        choice("pricingerrorcode", PRICING_ERRORS, default=0),
        choice("skippricecalculation", SKIP_PRICES, default=0),
        boolean("willcall", False),
        memo("billto_composite", 1000, creatable=False, updatable=False),
        *billing,
        INVOICE_STATES,
        INVOICE_STATUSES,
        ownership="user",
        code=1090,
    )


def address_extras(prefix: str) -> list[Column]:
    return [text(f"{prefix}_name", 200), text(f"{prefix}_telephone", 50), text(f"{prefix}_fax", 50)]


def invoicedetail() -> tuple[Table, list[Column]]:
    return table(
        "invoicedetail",
        "invoicedetails",
        lookup(
            "transactioncurrencyid",
            "transactioncurrency",
            collection="transactioncurrency_invoicedetail",
            creatable=False,
            updatable=False,
        ),
        rate(),
        lookup(
            "invoiceid", "invoice", collection="invoice_details", on_delete="cascade", required=True, updatable=False
        ),
        boolean("isproductoverridden", updatable=False),
        lookup("productid", "product", collection="product_invoice_details", on_delete="restrict"),
        lookup("uomid", "uom", collection="unit_of_measurement_invoice_details", on_delete="restrict"),
        text("productdescription", 850),
        text("productname", 850, creatable=False, updatable=False),
        text("productnumber", 100, creatable=False, updatable=False),
        text("invoicedetailname", 850, creatable=False, updatable=False),
        boolean("ispriceoverridden", False),
        decimal("quantity", 5, minimum=-(Decimal(10) ** 11), maximum=Decimal(10) ** 11),
        money("priceperunit", source=1),
        computed_money("volumediscountamount"),
        money("manualdiscountamount", minimum=ZERO, maximum=CEILING),
        computed_money("baseamount"),
        computed_money("extendedamount"),
        money("tax", minimum=-CEILING, maximum=CEILING),
        integer("lineitemnumber", minimum=ZERO, maximum=Decimal(10) ** 9),
        integer("sequencenumber"),
        memo("description", 2000),
        choice(
            "producttypecode",
            LINE_PRODUCT_TYPES,
            default=1,
        ),
        guid("parentbundleid", updatable=False),
        lookup(
            "parentbundleidref",
            "invoicedetail",
            navigation="parentbundleidref_invoicedetail",
            collection="invoicedetail_parentref_invoicedetail",
            on_delete="cascade",
            updatable=False,
        ),
        guid("productassociationid", updatable=False),
        decimal("quantityshipped", 2),
        decimal("quantitybackordered", 2),
        decimal("quantitycancelled", 2),
        midnight("actualdeliveryon"),
        boolean("willcall", False),
        choice("pricingerrorcode", PRICING_ERRORS, default=0),
        choice("propertyconfigurationstatus", PROPERTY_STATUSES, default=2),
        choice("skippricecalculation", SKIP_PRICES, default=0),
        choice("invoicestatecode", dict(INVOICE_STATES.options), creatable=False, updatable=False),
        boolean("invoiceispricelocked", creatable=False, updatable=False),
        schema_name="InvoiceDetail",
        primary_name="invoicedetailname",
        display_name="Invoice Product",
        ownership="none",
        code=1091,
    )


def account() -> tuple[Table, list[Column]]:
    return table(
        "account",
        "accounts",
        currency("transactioncurrency_account"),
        rate(),
        text("name", 160),
        text("accountnumber", 20),
        text("emailaddress1", 100),
        text("telephone1", 50),
        text("fax", 50),
        text("websiteurl", 200),
        memo("description", 2000),
        *address("address1"),
        lookup("primarycontactid", "contact", collection="account_primary_contact"),
        lookup("parentaccountid", "account", collection="account_parent_account"),
        choice("paymenttermscode", PAYMENT_TERMS),
        money("creditlimit", minimum=ZERO, maximum=Decimal(10) ** 11),
        boolean("creditonhold", False),
        ownership="user",
        code=1,
    )


def contact() -> tuple[Table, list[Column]]:
    return table(
        "contact",
        "contacts",
        currency("transactioncurrency_contact"),
        rate(),
        text("firstname", 50),
        text("lastname", 50),
        text("fullname", 160, creatable=False, updatable=False),
        text("emailaddress1", 100),
        text("telephone1", 50),
        text("mobilephone", 50),
        text("fax", 50),
        text("jobtitle", 100),
        memo("description", 2000),
        *address("address1"),
        lookup("parentcustomerid", "account", "contact", collection="contact_customer"),
        choice("paymenttermscode", PAYMENT_TERMS),
        money("creditlimit", minimum=ZERO, maximum=Decimal(10) ** 11),
        boolean("creditonhold", False),
        primary_name="fullname",
        ownership="user",
        code=2,
    )


def customer_tables() -> list[tuple[Table, list[Column]]]:
    """What every organisation has, Sales or no Sales."""
    return [account(), contact()]


def sales_tables() -> list[tuple[Table, list[Column]]]:
    """What comes with Dynamics 365 Sales."""
    return [*catalogue_tables(), invoice(), invoicedetail()]
