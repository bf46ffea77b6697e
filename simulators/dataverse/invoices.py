"""Invoices and their lines: numbers, prices, totals, and what may still be written once they are closed."""

from __future__ import annotations

import string
from dataclasses import replace

from simulators.dataverse.bundles import is_component, set_line_kind
from simulators.dataverse.currency import apply_currency, currency_places, places
from simulators.dataverse.environment import Caller, Environment, Event, snapshot
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.money import ZERO, Line, invoice_totals, line_amounts
from simulators.dataverse.pricing import price_line
from simulators.dataverse.schema import Ref
from simulators.dataverse.states import ACTIVE
from simulators.dataverse.store import Row
from simulators.dataverse.values import round_to

TOTALS = (
    "totallineitemamount",
    "totallineitemdiscountamount",
    "totaldiscountamount",
    "totalamountlessfreight",
    "totaltax",
    "totalamount",
)
ROLLED_UP = frozenset(TOTALS) | {f"{name}_base" for name in TOTALS}
_STATE = frozenset({"statecode", "statuscode"})
_HEADER_AMOUNTS = frozenset({"discountamount", "discountpercentage", "freightamount"})
_NUMBER_SIGNS = string.ascii_uppercase + string.digits
_PRODUCT_COLUMNS = frozenset({"productid", "uomid", "productdescription", "quantity", "ispriceoverridden"})


def before_invoice_create(env: Environment, row: Row) -> None:
    if not row.get("invoicenumber"):
        row["invoicenumber"] = _next_number(env)
    _mirror_customer(row)
    row.setdefault("transactioncurrencyid", Ref("transactioncurrency", env.base_currency_id))
    _check_price_list(env, row)


def before_invoice_update(env: Environment, before: Row, row: Row, changed: frozenset[str]) -> None:
    if before["statecode"] != ACTIVE and not changed <= _STATE and changed != {"ownerid"}:
        raise bad_request("Cannot update a read-only entity.", "0x8004022E")
    if "customerid" in changed:
        _mirror_customer(row)
    if "pricelevelid" in changed:
        _check_price_list(env, row)
    if changed & _HEADER_AMOUNTS:
        set_totals(env, row)


def after_invoice_update(env: Environment, caller: Caller, before: Row, row: Row) -> None:
    """Lines show their invoice's state and lock; unlocked lines follow the price list."""
    invoice_id = row["invoiceid"]
    if before["statecode"] != row["statecode"]:
        for line_id in env.store.children("invoicedetail", "invoiceid", invoice_id):
            line = env.row("invoicedetail", line_id)
            env.store.put("invoicedetail", line_id, line | {"invoicestatecode": row["statecode"]})
    if before.get("pricelevelid") != row.get("pricelevelid") and not row.get("ispricelocked"):
        for line_id in env.store.children("invoicedetail", "invoiceid", invoice_id):
            line = dict(env.row("invoicedetail", line_id))
            price_line(env, row, line)
            _set_line_amounts(env, row, line)
            apply_currency(env, env.schema.by_name["invoicedetail"], line, line)
            env.store.put("invoicedetail", line_id, snapshot(line) | {"versionnumber": env.store.next_version()})
        roll_up(env, caller, invoice_id)


def before_line_create(env: Environment, row: Row) -> None:
    if row.get("invoiceid") is None:
        raise bad_request("Attribute: invoiceid cannot be set to NULL", "0x80040203")
    invoice = check_parent_open(env, row)
    if row.get("isproductoverridden") is None:
        row["isproductoverridden"] = row.get("productid") is None and bool(row.get("productdescription"))
    _check_line(env, invoice, row)
    set_line_kind(env, row)
    row |= {"transactioncurrencyid": invoice["transactioncurrencyid"], "exchangerate": invoice["exchangerate"]}
    row |= {"invoicestatecode": invoice["statecode"], "invoiceispricelocked": invoice.get("ispricelocked", False)}
    _mirror_product(env, row)
    price_line(env, invoice, row)
    _set_line_amounts(env, invoice, row)


def before_line_update(env: Environment, before: Row, row: Row, changed: frozenset[str]) -> None:
    """A line that has lost its product can still be written to, as long as nobody touches what the product is for."""
    invoice = check_parent_open(env, before)
    if changed & _PRODUCT_COLUMNS:
        _check_line(env, invoice, row)
    _mirror_product(env, row)
    if not invoice.get("ispricelocked"):
        price_line(env, invoice, row)
    _set_line_amounts(env, invoice, row)


def check_parent_open(env: Environment, line: Row) -> Row:
    """Return the line's invoice; raises Refused when that is closed."""
    invoice = env.row("invoice", line["invoiceid"].id)
    if invoice["statecode"] != ACTIVE:
        raise bad_request("The parent is read only and cannot be edited.", "0x80043B09")
    return invoice


def roll_up(env: Environment, caller: Caller, invoice_id: str) -> None:
    """Recompute an invoice's totals after its lines changed: a new version of the invoice, if anything moved."""
    before = env.store.find("invoice", invoice_id)
    if before is None:
        return
    row = dict(before)
    set_totals(env, row)
    apply_currency(env, env.schema.by_name["invoice"], before, row)
    moved = {name: row[name] for name in TOTALS if row.get(name) != before.get(name)}
    if not moved:
        return
    row |= {
        "modifiedon": env.now(),
        "modifiedby": Ref("systemuser", caller.user_id),
        "versionnumber": env.store.next_version(),
    }
    env.store.put("invoice", invoice_id, row)
    if env.switches.rollup_events:
        supplied = moved | {"invoiceid": invoice_id}
        target = supplied | {
            "modifiedon": row["modifiedon"],
            "modifiedby": row["modifiedby"],
            "modifiedonbehalfby": None,
        }
        inner = replace(caller, depth=caller.depth + 1)
        env.raise_event(Event("Update", "invoice", invoice_id, supplied, target, before, row, inner, env.now()))


def set_totals(env: Environment, row: Row) -> None:
    """Write the computed columns of an invoice from its lines and its own discount and freight."""
    if env.organization().get("oobpricecalculationenabled") is False:
        return
    lines = [
        _counted(env.row("invoicedetail", i))
        for i in env.store.children("invoicedetail", "invoiceid", row["invoiceid"])
    ]
    totals = invoice_totals(
        lines,
        currency_places(env, row["transactioncurrencyid"]),
        discount=row.get("discountamount") or ZERO,
        discount_percentage=row.get("discountpercentage") or ZERO,
        freight=row.get("freightamount") or ZERO,
        per_unit=_discounts_per_unit(env),
    )
    row |= {
        "totallineitemamount": totals.line_items,
        "totallineitemdiscountamount": totals.line_discounts,
        "totaldiscountamount": totals.discounts,
        "totalamountlessfreight": totals.less_freight,
        "totaltax": totals.tax,
        "totalamount": totals.total,
    }


def _counted(row: Row) -> Line:
    """Return what a line adds to the totals: a bundle counts with its own line, not with its components."""
    return Line(quantity=ZERO, price=ZERO, tax=row.get("tax") or ZERO) if is_component(row) else _line(row)


def _line(row: Row) -> Line:
    return Line(
        quantity=row.get("quantity") or ZERO,
        price=row.get("priceperunit") or ZERO,
        volume_discount=row.get("volumediscountamount") or ZERO,
        manual_discount=row.get("manualdiscountamount") or ZERO,
        tax=row.get("tax") or ZERO,
    )


def _set_line_amounts(env: Environment, invoice: Row, row: Row) -> None:
    _round_entered(env, invoice, row)
    amounts = line_amounts(
        _line(row), currency_places(env, invoice["transactioncurrencyid"]), per_unit=_discounts_per_unit(env)
    )
    row |= {"baseamount": amounts.base, "extendedamount": amounts.extended}


def _round_entered(env: Environment, invoice: Row, row: Row) -> None:
    """Amounts are computed from prices as they are kept, not as they were typed."""
    columns = env.schema.by_name["invoicedetail"].columns
    for name in ("priceperunit", "volumediscountamount", "manualdiscountamount", "tax"):
        if row.get(name) is not None:
            row[name] = round_to(row[name], places(env, columns[name], invoice["transactioncurrencyid"]))


def _discounts_per_unit(env: Environment) -> bool:
    return env.organization().get("discountcalculationmethod") == 1


def _next_number(env: Environment) -> str:
    number, env.invoice_number = env.invoice_number, env.invoice_number + 1
    suffix = "".join(env.chance.choices(_NUMBER_SIGNS, k=6))
    return f"INV-{number:05d}-{suffix}"


def _mirror_customer(row: Row) -> None:
    customer = row.get("customerid")
    row["accountid"] = customer if customer is not None and customer.table == "account" else None
    row["contactid"] = customer if customer is not None and customer.table == "contact" else None


def _check_price_list(env: Environment, row: Row) -> None:
    price_list = row.get("pricelevelid")
    if price_list is None:
        return
    if env.row("pricelevel", price_list.id)["transactioncurrencyid"] != row["transactioncurrencyid"]:
        raise bad_request("The currency of the record does not match the currency of the price list.", "0x80048CED")


def _check_line(env: Environment, invoice: Row, row: Row) -> None:
    product, description = row.get("productid"), row.get("productdescription")
    if product is not None and description:
        raise bad_request("Either product ID or product description may be supplied, not both.", "0x80043AFB")
    if row.get("uomid") is not None and description:
        raise bad_request("Either unit or product description may be supplied, not both.", "0x80043AFA")
    if row.get("quantity") is None:
        raise bad_request("The quantity is missing.", "0x80081012")
    if row["isproductoverridden"]:
        return
    if product is None:
        raise bad_request("The product id is missing.", "0x80043B11")
    if row.get("uomid") is None:
        raise bad_request("The unit id is missing.", "0x80043B0D")
    if invoice.get("pricelevelid") is None and not row.get("ispriceoverridden"):
        raise bad_request("The price level id is missing.", "0x80043B12")
    if env.row("product", product.id)["statecode"] != 0:
        raise Refused(400, "0x80040203", "You can't add this product: only active products can be added.")


def _mirror_product(env: Environment, row: Row) -> None:
    product = row.get("productid")
    found = env.store.find("product", product.id) if product is not None else None
    if found is None and not row["isproductoverridden"]:
        row["productnumber"] = None  # the product was lost; its name was copied and stays
        return
    row["productname"] = found["name"] if found else row.get("productdescription")
    row["productnumber"] = found["productnumber"] if found else None
    row["invoicedetailname"] = row["productname"]
