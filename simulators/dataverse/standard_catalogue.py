"""The product catalogue as it comes out of the box: products, bundles, price lists, discount lists, units."""

from __future__ import annotations

from decimal import Decimal

from simulators.dataverse.build import (
    boolean,
    choice,
    currency,
    day,
    decimal,
    integer,
    lookup,
    memo,
    money,
    rate,
    state,
    status,
    table,
    text,
)
from simulators.dataverse.choices import PRODUCT_STRUCTURES, PRODUCT_TYPES
from simulators.dataverse.schema import Column, Table

CEILING = Decimal(10) ** 12
ZERO = Decimal(0)
SMALLEST_QUANTITY = Decimal("0.00001")
LARGEST_QUANTITY = Decimal(10) ** 11


def product() -> tuple[Table, list[Column]]:
    return table(
        "product",
        "products",
        currency("transactioncurrency_product"),
        rate(),
        text("name", 100, required=True),
        text("productnumber", 100, required=True),
        memo("description", 2000),
        lookup("defaultuomid", "uom", collection="unit_of_measurement_products", on_delete="restrict", required=True),
        lookup(
            "defaultuomscheduleid",
            "uomschedule",
            collection="unit_of_measurement_schedule_products",
            on_delete="restrict",
            required=True,
        ),
        lookup("pricelevelid", "pricelevel", collection="price_level_products"),
        choice("productstructure", PRODUCT_STRUCTURES, default=1),
        choice(
            "producttypecode",
            PRODUCT_TYPES,
            default=1,
        ),
        integer("quantitydecimal", default=2, minimum=ZERO, maximum=Decimal(5)),
        money("price", source=1),
        money("standardcost", source=1),
        money("currentcost", source=1),
        state({0: "Active", 1: "Retired", 2: "Draft", 3: "Under Revision"}, default=2),
        status({1: (0, "Active"), 2: (1, "Retired"), 0: (2, "Draft"), 3: (3, "Under Revision")}),
        code=1024,
    )


def pricelevel() -> tuple[Table, list[Column]]:
    return table(
        "pricelevel",
        "pricelevels",
        lookup(
            "transactioncurrencyid",
            "transactioncurrency",
            collection="transactioncurrency_pricelevel",
            on_delete="restrict",
            required=True,
        ),
        rate(),
        text("name", 100),
        day("begindate"),
        day("enddate"),
        memo("description", 2000),
        schema_name="PriceLevel",
        display_name="Price List",
        code=1022,
    )


def productpricelevel() -> tuple[Table, list[Column]]:
    return table(
        "productpricelevel",
        "productpricelevels",
        currency("transactioncurrency_productpricelevel"),
        rate(),
        lookup(
            "pricelevelid",
            "pricelevel",
            collection="price_level_product_price_levels",
            on_delete="cascade",
            required=True,
        ),
        lookup("productid", "product", collection="product_price_levels", on_delete="cascade", required=True),
        lookup(
            "uomid", "uom", collection="unit_of_measurement_product_price_levels", on_delete="restrict", required=True
        ),
        lookup(
            "discounttypeid", "discounttype", collection="discount_type_product_price_levels", on_delete="restrict"
        ),
        money("amount", source=1),
        text("productnumber", 100, creatable=False, updatable=False),
        schema_name="ProductPriceLevel",
        primary_name="productnumber",
        code=1026,
    )


def uomschedule() -> tuple[Table, list[Column]]:
    return table(
        "uomschedule",
        "uomschedules",
        text("name", 200),
        text("baseuomname", 100),
        schema_name="UoMSchedule",
        display_name="Unit Group",
        code=1056,
    )


def uom() -> tuple[Table, list[Column]]:
    return table(
        "uom",
        "uoms",
        text("name", 100),
        decimal("quantity", 10),
        lookup(
            "uomscheduleid",
            "uomschedule",
            collection="unit_of_measurement_schedule",
            on_delete="cascade",
            required=True,
        ),
        lookup("baseuom", "uom", collection="unit_of_measurement_base_unit"),
        schema_name="UoM",
        display_name="Unit",
        code=1055,
    )


def discounttype() -> tuple[Table, list[Column]]:
    return table(
        "discounttype",
        "discounttypes",
        currency("transactioncurrency_discounttype"),
        text("name", 100, required=True),
        boolean("isamounttype", False, options={0: "Percentage", 1: "Amount"}, updatable=False),
        memo("description", 2000),
        state({0: "Active", 1: "Inactive"}),
        status({100001: (0, "Active"), 100002: (1, "Inactive")}),
        schema_name="DiscountType",
        display_name="Discount List",
        code=1080,
    )


def discount() -> tuple[Table, list[Column]]:
    """One quantity range of a discount list, both ends included."""
    return table(
        "discount",
        "discounts",
        currency("transactioncurrency_discount", creatable=False, updatable=False),
        rate(),
        text("name", 100),
        lookup(
            "discounttypeid",
            "discounttype",
            collection="discount_type_discounts",
            on_delete="cascade",
            required=True,
            updatable=False,
        ),
        decimal("lowquantity", 5, required=True, minimum=SMALLEST_QUANTITY, maximum=LARGEST_QUANTITY),
        decimal("highquantity", 5, required=True, minimum=SMALLEST_QUANTITY, maximum=LARGEST_QUANTITY),
        money("amount", minimum=ZERO, maximum=CEILING),
        decimal("percentage", 5, minimum=ZERO, maximum=Decimal(10) ** 9),
        boolean("isamounttype", False, creatable=False, updatable=False),
        ownership="none",
        code=1013,
    )


def productassociation() -> tuple[Table, list[Column]]:
    """One product of a bundle: `productid` is the bundle, `associatedproduct` what is in it."""
    return table(
        "productassociation",
        "productassociations",
        currency("transactioncurrency_ProductAssociation"),
        rate(),
        lookup(
            "productid",
            "product",
            collection="Product_ProductAssociation_Prod",
            on_delete="cascade",
            required=True,
            updatable=False,
        ),
        lookup(
            "associatedproduct",
            "product",
            collection="Product_ProductAssociation_AssocProd",
            on_delete="restrict",
            required=True,
            updatable=False,
        ),
        lookup("uomid", "uom", collection="unit_of_measurement_productassociation"),
        decimal("quantity", 5, default=Decimal(1), minimum=ZERO, maximum=LARGEST_QUANTITY),
        choice("productisrequired", {0: "Optional", 1: "Required"}, default=1),
        choice("propertycustomizationstatus", {0: "Not Available", 1: "Available"}, default=0),
        state({0: "Active", 1: "Inactive", 2: "Draft", 3: "Under Revision"}, default=2),
        status({1: (0, "Active"), 2: (1, "Inactive"), 0: (2, "Draft"), 3: (3, "DraftActive")}),
        schema_name="ProductAssociation",
        primary_name="",
        display_name="Product Association",
        code=1025,
    )


def catalogue_tables() -> list[tuple[Table, list[Column]]]:
    return [
        product(),
        productassociation(),
        pricelevel(),
        productpricelevel(),
        discounttype(),
        discount(),
        uomschedule(),
        uom(),
    ]
