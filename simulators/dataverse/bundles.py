"""Bundles on an invoice: the lines of what is in them come, follow and go with the bundle's line.

The bundle's own line has the price. The components' lines (required or optional) belong to it by `parentbundleid`.
Decisions, for want of a source: optional products come along at once too; quantities are the bundle's times the
association's and follow the bundle's; components never count in the invoice's net, though their tax does.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import bad_request
from simulators.dataverse.schema import Ref
from simulators.dataverse.store import Row
from simulators.dataverse.values import round_to

PRODUCT_LINE, BUNDLE_LINE, REQUIRED_LINE, OPTIONAL_LINE = 1, 2, 3, 4
_FAMILY, _BUNDLE = 2, 3
_INACTIVE = 1
_QUANTITY_PLACES = 5


def is_component(line: Row) -> bool:
    return line.get("parentbundleid") is not None and line.get("producttypecode") in (REQUIRED_LINE, OPTIONAL_LINE)


def set_line_kind(env: Environment, line: Row) -> None:
    """Set the product type of a new line by its product, and tie a component to the bundle's line."""
    product = line.get("productid")
    structure = env.row("product", product.id).get("productstructure") if product is not None else None
    if structure == _FAMILY:
        raise bad_request("A product family cannot be added to an invoice.", "0x80040203")
    parent = line.get("parentbundleid")
    if parent is not None:
        line["parentbundleidref"] = Ref("invoicedetail", env.row("invoicedetail", parent)["invoicedetailid"])
    elif structure == _BUNDLE:
        line["producttypecode"] = BUNDLE_LINE


def new_components(env: Environment, bundle: Row) -> Iterator[Row]:
    """Yield the lines that come with a new bundle line; none for any other line."""
    if bundle.get("producttypecode") != BUNDLE_LINE or bundle.get("productid") is None:
        return
    for association_id in env.store.children("productassociation", "productid", bundle["productid"].id):
        association = env.row("productassociation", association_id)
        if association["statecode"] == _INACTIVE:
            continue
        product: Ref = association["associatedproduct"]
        yield {
            "invoiceid": bundle["invoiceid"],
            "isproductoverridden": False,
            "productid": product,
            "uomid": association.get("uomid") or env.row("product", product.id)["defaultuomid"],
            "quantity": _share(bundle, association),
            "producttypecode": REQUIRED_LINE if association["productisrequired"] == 1 else OPTIONAL_LINE,
            "parentbundleid": bundle["invoicedetailid"],
            "productassociationid": association_id,
        }


def changed_components(env: Environment, before: Row, bundle: Row) -> Iterator[tuple[str, Row]]:
    """Yield id and changes of each component's line after the bundle's line changed."""
    if bundle.get("producttypecode") != BUNDLE_LINE or before.get("quantity") == bundle.get("quantity"):
        return
    for line_id in env.store.children("invoicedetail", "parentbundleidref", bundle["invoicedetailid"]):
        association_id = env.row("invoicedetail", line_id).get("productassociationid", "")
        association = env.store.find("productassociation", association_id)
        if association is not None:
            yield line_id, {"quantity": _share(bundle, association)}


def check_removable(line: Row) -> None:
    """Raise Refused for a required component by itself; with its bundle it may go."""
    if is_component(line) and line["producttypecode"] == REQUIRED_LINE:
        raise bad_request("A required product cannot be removed from its bundle.", "0x80040203")


def _share(bundle: Row, association: Row) -> Decimal:
    """How many of it come with that many bundles."""
    return round_to(bundle["quantity"] * association.get("quantity", Decimal(1)), _QUANTITY_PLACES)
