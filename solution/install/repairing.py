"""Makes by the Web API what `verify` has found missing; what is there is never deleted, and no column is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from clients.dataverse import Dataverse, Payload, key_path, rows_path, text_literal
from core import columns
from core.errors import Misconfigured
from core.tables import Column
from solution.files.parts import HTTP_HEADER, MESSAGE_IDS, WEBHOOK
from solution.install.definitions import (
    column_definition,
    key_definition,
    relationship_definition,
    table_definition,
)
from solution.install.finishing import IN_BACKGROUND, endpoint_row, give_role, images_here, set_webhook, steps_here
from solution.install.site import Site, Webhook
from solution.install.verifying import Drift
from solution.vocabulary import Step
from solution.webhook import ENDPOINT_ID, ENDPOINT_NAME, STEPS

_TABLES = {table.name: table for table in columns.TABLES}
_PRIMARY_KEYS = {name: table.id_column for name, table in _TABLES.items()} | {"invoice": "invoiceid"}


def repair(site: Site, drifts: Iterable[Drift], webhook: Webhook, *, application_id: str) -> None:
    """Make what is missing of tables, columns, keys, endpoint, steps and role, in the order of their needs.

    May be repeated. Raises as `verify` does, Rejected where Dynamics refuses.
    """
    found = [drift for drift in drifts if drift.can_be_made]
    for kind, make in _MAKERS.items():
        for drift in found:
            if drift.kind == kind:
                make(site, drift.where)
                site.tell(f"Made: {drift.where}")
    if any(drift.kind in ("table", "column") for drift in found):
        site.dataverse.perform("PublishAllXml", {})
        site.tell("Published")
    if any(drift.kind in ("endpoint", "step") for drift in found):
        register_webhook(site, webhook)
    if any(drift.kind == "role" for drift in found):
        give_role(site, application_id)


def register_webhook(site: Site, webhook: Webhook) -> None:
    """Register endpoint and steps, or set those that are there right, by the Web API alone."""
    dataverse = site.dataverse
    if dataverse.find("serviceendpoints", ENDPOINT_ID, select="serviceendpointid") is None:
        row = {
            "serviceendpointid": ENDPOINT_ID,
            "name": ENDPOINT_NAME,
            "contract": int(WEBHOOK),
            "messageformat": 2,
            "connectionmode": 1,
            "userclaim": 1,
            "namespaceformat": 1,
            "authtype": int(HTTP_HEADER),
        }
        dataverse.upsert("serviceendpoints", ENDPOINT_ID, row | endpoint_row(webhook))
        site.tell("The webhook endpoint is registered")
    here = steps_here(dataverse)
    images = images_here(dataverse)
    for step in STEPS:
        wanted: Payload = {**IN_BACKGROUND, "filteringattributes": ",".join(step.filter) or None}
        if step.id not in here:
            _create_step(dataverse, step)
            site.tell(f"Registered: {step.name}")
        elif {name: here[step.id].get(name) or None for name in wanted} != wanted:
            dataverse.update("sdkmessageprocessingsteps", step.id, wanted)
        if step.before and images.get(step.id) != frozenset(step.before):
            _write_image(dataverse, step)
    set_webhook(site, webhook)


def _create_step(dataverse: Dataverse, step: Step) -> None:
    message_id = MESSAGE_IDS[step.message]
    row: Payload = {
        "name": step.name,
        "description": step.name,
        **IN_BACKGROUND,
        "rank": 1,
        "supporteddeployment": 0,
        "asyncautodelete": True,
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({ENDPOINT_ID})",
        "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({_message_filter(dataverse, step.table, message_id)})",
    }
    if step.filter:
        row["filteringattributes"] = ",".join(step.filter)
    dataverse.upsert("sdkmessageprocessingsteps", step.id, row)


def _write_image(dataverse: Dataverse, step: Step) -> None:
    image = {
        "name": "before",
        "entityalias": "before",
        "imagetype": 0,
        "messagepropertyname": "Target",
        "attributes": ",".join(step.before),
        "sdkmessageprocessingstepid@odata.bind": f"/{key_path('sdkmessageprocessingsteps', step.id)}",
    }
    dataverse.upsert("sdkmessageprocessingstepimages", step.image_id, image)


def _message_filter(dataverse: Dataverse, table: str, message_id: str) -> str:
    query = {
        "$select": "sdkmessagefilterid",
        "$filter": f"primaryobjecttypecode eq {text_literal(table)} and _sdkmessageid_value eq {message_id}",
    }
    for row in dataverse.list_rows("sdkmessagefilters", query):
        return str(row["sdkmessagefilterid"])
    raise Misconfigured(f"Dynamics lets no step follow the table {table}. Is it there?")


def _make_table(site: Site, name: str) -> None:
    table = _TABLES[name]
    site.dataverse.perform("EntityDefinitions", table_definition(table))
    for column in table.columns:
        _make(site.dataverse, name, column)
    for key, _ in table.keys:
        _make_key(site, f"{name}.{key}")


def _make_column(site: Site, where: str) -> None:
    table, _, name = where.partition(".")
    declared = {one.name: one.columns for one in columns.TABLES} | columns.ON_STANDARD_TABLES
    (column,) = (column for column in declared[table] if column.name == name)
    _make(site.dataverse, table, column)


def _make(dataverse: Dataverse, table: str, column: Column) -> None:
    if column.kind == "lookup":
        (target,) = column.targets
        definition = relationship_definition(table, column, _PRIMARY_KEYS[target])
        dataverse.perform("RelationshipDefinitions", definition)
    else:
        dataverse.perform(f"{_path(table)}/Attributes", column_definition(column))


def _make_key(site: Site, where: str) -> None:
    table, _, name = where.partition(".")
    parts = dict(_TABLES[table].keys)[name]
    site.dataverse.perform(f"{_path(table)}/Keys", key_definition(name, parts))


def _path(table: str) -> str:
    return rows_path(f"EntityDefinitions(LogicalName={text_literal(table)})", {})


_MAKERS: Mapping[str, Callable[[Site, str], None]] = {
    "table": _make_table,
    "column": _make_column,
    "key": _make_key,
}
