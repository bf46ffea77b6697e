"""What the platform and the sales app do around each write, table by table."""

from __future__ import annotations

from collections.abc import Callable

from simulators.dataverse import bundles, catalogue, invoices, registration
from simulators.dataverse.currency import apply_currency
from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import Refused, managed_stays
from simulators.dataverse.privileges import forget_role
from simulators.dataverse.schema import Table
from simulators.dataverse.solutions.importing import uninstall
from simulators.dataverse.solutions.jobs import check_lock
from simulators.dataverse.solutions.parts import ROW_COMPONENTS
from simulators.dataverse.store import Row

_LINE_ROLLED_UP = frozenset({"baseamount", "extendedamount", "baseamount_base", "extendedamount_base"})


def rolled_up(table: Table) -> frozenset[str]:
    """Columns that are computed after the Create message and so are not in its Target."""
    if table.logical_name == "invoice":
        return invoices.ROLLED_UP
    return _LINE_ROLLED_UP if table.logical_name == "invoicedetail" else frozenset()


def before_create(env: Environment, table: Table, row: Row) -> None:
    name = table.logical_name
    if name in _BEFORE_CREATE:
        _BEFORE_CREATE[name](env, row)
    elif name in _REGISTRATION:
        registration.check(env, name, row)
    apply_currency(env, table, None, row)
    if name == "invoice":
        invoices.set_totals(env, row)
        apply_currency(env, table, row, row)


def before_update(env: Environment, table: Table, before: Row, row: Row, changed: frozenset[str]) -> None:
    match table.logical_name:
        case "invoice":
            invoices.before_invoice_update(env, before, row, changed)
        case "invoicedetail":
            invoices.before_line_update(env, before, row, changed)
        case "contact":
            _set_full_name(env, row)
        case "product" if "productnumber" in changed:
            catalogue.check_product_number(env, row)
        case "discount":
            catalogue.before_discount(env, row)
        case "productpricelevel":
            catalogue.before_price_list_item(env, row)
        case name if name in _REGISTRATION:
            registration.check(env, name, row)
    apply_currency(env, table, before, row)


def before_delete(env: Environment, table: Table, row: Row) -> None:
    match table.logical_name:
        case "invoicedetail":
            invoices.check_parent_open(env, row)
            bundles.check_removable(row)
        case "solution":
            check_lock(env, "Uninstall")
            uninstall(env, row)
        case name if name in ROW_COMPONENTS.values() and row.get("ismanaged"):
            raise managed_stays(str(row.get("name")), row[table.primary_id])


def rows_to_add(env: Environment, table: Table, row: Row) -> list[Row]:
    """Return the rows of the same table that the platform creates after this one."""
    return list(bundles.new_components(env, row)) if table.logical_name == "invoicedetail" else []


def rows_to_change(env: Environment, table: Table, before: Row, row: Row) -> list[tuple[str, Row]]:
    """Return id and changes of the rows of the same table that the platform changes after this one."""
    return list(bundles.changed_components(env, before, row)) if table.logical_name == "invoicedetail" else []


def after_write(env: Environment, caller: Caller, table: Table, before: Row | None, row: Row | None) -> None:
    assert row is not None
    if table.logical_name == "invoicedetail":
        invoices.roll_up(env, caller, row["invoiceid"].id)
    elif table.logical_name == "invoice" and before is not None:
        invoices.after_invoice_update(env, caller, before, row)


def after_delete(env: Environment, caller: Caller, table: Table, row: Row) -> None:
    if table.logical_name == "invoicedetail":
        invoices.roll_up(env, caller, row["invoiceid"].id)
    elif table.logical_name == "role":
        forget_role(env, row["roleid"])


def _set_full_name(_env: Environment, row: Row) -> None:
    names = [row.get("firstname"), row.get("lastname")]
    row["fullname"] = " ".join(name for name in names if name) or None


def _check_application_user(env: Environment, row: Row) -> None:
    application = row.get("applicationid")
    if application is None:
        return
    if any(user.get("applicationid") == application for user in env.store.all("systemuser").values()):
        message = f"Application user with the same application id {application} already exists."
        raise Refused(400, "0x8004F511", message)
    row.setdefault("fullname", f"# {application}")


_REGISTRATION = frozenset({"serviceendpoint", "sdkmessageprocessingstep", "sdkmessageprocessingstepimage"})
_BEFORE_CREATE: dict[str, Callable[[Environment, Row], None]] = {
    "invoice": invoices.before_invoice_create,
    "invoicedetail": invoices.before_line_create,
    "contact": _set_full_name,
    "product": catalogue.check_product_number,
    "discounttype": catalogue.before_discount_list,
    "discount": catalogue.before_discount,
    "productpricelevel": catalogue.before_price_list_item,
    "systemuser": _check_application_user,
}
