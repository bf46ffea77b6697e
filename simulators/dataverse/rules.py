"""What the platform and the sales app do around each write, table by table."""

from __future__ import annotations

from simulators.dataverse import invoices, registration
from simulators.dataverse.currency import apply_currency
from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import Refused
from simulators.dataverse.schema import Ref, Table
from simulators.dataverse.store import Row

_LINE_ROLLED_UP = frozenset({"baseamount", "extendedamount", "baseamount_base", "extendedamount_base"})


def rolled_up(table: Table) -> frozenset[str]:
    """Columns that are computed after the Create message and so are not in its Target."""
    if table.logical_name == "invoice":
        return invoices.ROLLED_UP
    return _LINE_ROLLED_UP if table.logical_name == "invoicedetail" else frozenset()


def before_create(env: Environment, table: Table, row: Row) -> None:
    match table.logical_name:
        case "invoice":
            invoices.before_invoice_create(env, row)
        case "invoicedetail":
            invoices.before_line_create(env, row)
        case "contact":
            _set_full_name(row)
        case "product":
            _check_product_number(env, row)
        case "productpricelevel":
            _copy_from_price_list(env, row)
        case "systemuser":
            _check_application_user(env, row)
        case "serviceendpoint" | "sdkmessageprocessingstep" | "sdkmessageprocessingstepimage":
            registration.check(env, table.logical_name, row)
    apply_currency(env, table, None, row)
    if table.logical_name == "invoice":
        invoices.set_totals(env, row)
        apply_currency(env, table, row, row)


def before_update(env: Environment, table: Table, before: Row, row: Row, changed: frozenset[str]) -> None:
    match table.logical_name:
        case "invoice":
            invoices.before_invoice_update(env, before, row, changed)
        case "invoicedetail":
            invoices.before_line_update(env, before, row)
        case "contact":
            _set_full_name(row)
        case "product" if "productnumber" in changed:
            _check_product_number(env, row)
        case "serviceendpoint" | "sdkmessageprocessingstep" | "sdkmessageprocessingstepimage":
            registration.check(env, table.logical_name, row)
    apply_currency(env, table, before, row)


def before_delete(env: Environment, table: Table, row: Row) -> None:
    if table.logical_name == "invoicedetail":
        invoices.check_parent_open(env, row)


def after_write(env: Environment, caller: Caller, table: Table, before: Row | None, row: Row | None) -> None:
    assert row is not None
    if table.logical_name == "invoicedetail":
        invoices.roll_up(env, caller, row["invoiceid"].id)
    elif table.logical_name == "invoice" and before is not None:
        invoices.after_invoice_update(env, caller, before, row)


def after_delete(env: Environment, caller: Caller, table: Table, row: Row) -> None:
    if table.logical_name == "invoicedetail":
        invoices.roll_up(env, caller, row["invoiceid"].id)


def _set_full_name(row: Row) -> None:
    names = [row.get("firstname"), row.get("lastname")]
    row["fullname"] = " ".join(name for name in names if name) or None


def _check_product_number(env: Environment, row: Row) -> None:
    number = str(row.get("productnumber") or "").lower()
    for other in env.store.all("product").values():
        if other["productid"] != row["productid"] and other["productnumber"].lower() == number:
            raise Refused(412, "0x80040237", "A product with this product ID already exists.")


def _copy_from_price_list(env: Environment, row: Row) -> None:
    price_list, product = row.get("pricelevelid"), row.get("productid")
    if isinstance(price_list, Ref):
        row["transactioncurrencyid"] = env.row("pricelevel", price_list.id)["transactioncurrencyid"]
    if isinstance(product, Ref):
        row["productnumber"] = env.row("product", product.id)["productnumber"]


def _check_application_user(env: Environment, row: Row) -> None:
    application = row.get("applicationid")
    if application is None:
        return
    if any(user.get("applicationid") == application for user in env.store.all("systemuser").values()):
        message = f"Application user with the same application id {application} already exists."
        raise Refused(400, "0x8004F511", message)
    row.setdefault("fullname", f"# {application}")
