"""From customizations.xml: forms, views, apps and their site maps, and what these name."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cache
from xml.etree.ElementTree import Element

from simulators.dataverse.solutions.failing import invalid_xml
from simulators.dataverse.solutions.parts import APP, FORM, SITE_MAP, VIEW, Need, RowPart
from simulators.dataverse.solutions.xml import as_text, flag, guid, label, number, text

_IDS = uuid.UUID("2f3c7c55-51b1-4e3e-8f0e-6a4f0a1c9d02")
_FORM_TYPES = {"main": 2, "mobile": 5, "quick": 6, "quickCreate": 7, "card": 11}
_UNIFIED_INTERFACE = 4


@cache
def id_by_name(kind: int, unique_name: str) -> str:
    """Return the id of an app or site map: files know them by their names only."""
    return str(uuid.uuid5(_IDS, f"{kind}/{unique_name.lower()}"))


def read_interface(
    root: Element, entities: list[Element]
) -> tuple[tuple[RowPart, ...], tuple[tuple[str, str], ...], tuple[Need, ...]]:
    """Return the rows, which app is for which role, and what forms, views and apps need to be there."""
    rows: list[RowPart] = []
    needs: list[Need] = []
    for entity in entities:
        table = text(entity, "Name").lower()
        for forms in entity.findall("FormXml/forms"):
            for form in forms.findall("systemform"):
                rows.append(_form(form, table, forms.get("type") or ""))
                needs += _form_needs(form, table, rows[-1].id)
        for view in entity.findall("SavedQueries/savedqueries/savedquery"):
            rows.append(_view(view, table))
            needs += _view_needs(view, table, rows[-1].id)
    for site_map in root.findall("AppModuleSiteMaps/AppModuleSiteMap"):
        rows.append(_site_map(site_map))
        needs += _site_map_needs(site_map, rows[-1].id)
    app_roles: list[tuple[str, str]] = []
    for app in root.findall("AppModules/AppModule"):
        rows.append(_app(app))
        needs += _app_needs(app, rows[-1].id)
        app_roles += ((rows[-1].id, guid(role.get("id"))) for role in app.findall("AppModuleRoleMaps/Role"))
    return tuple(rows), tuple(app_roles), tuple(needs)


def _form(form: Element, table: str, kind: str) -> RowPart:
    form_id = guid(text(form, "formid"))
    if not form_id or kind not in _FORM_TYPES:
        raise invalid_xml("The element 'systemform' has incomplete content: 'formid' or its type.", "<systemform>")
    name = label(form, "LocalizedNames/LocalizedName")
    values = {
        "name": name,
        "description": label(form, "Descriptions/Description"),
        "objecttypecode": table,
        "type": _FORM_TYPES[kind],
        "formxml": as_text(form.find("form")),
        "formactivationstate": number(form, "FormActivationState") or 0,
        "formpresentation": number(form, "FormPresentation") or 0,
        "isdefault": False,
    }
    return RowPart(FORM, form_id, name, values)


def _form_needs(form: Element, table: str, form_id: str) -> Iterator[Need]:
    for control in form.iter("control"):
        column = control.get("datafieldname")
        if column:
            yield Need("column", table, column.lower(), FORM, form_id)
        parameters = control.find("parameters")
        target = "" if parameters is None else text(parameters, "TargetEntityType").lower()
        if parameters is None or not target:
            continue
        yield Need("table", target, target, FORM, form_id)
        if text(parameters, "RelationshipName"):
            yield Need("relationship", table, text(parameters, "RelationshipName"), FORM, form_id)
        if text(parameters, "ViewId"):
            yield Need("view", target, guid(text(parameters, "ViewId")), FORM, form_id)


def _view(view: Element, table: str) -> RowPart:
    view_id = guid(text(view, "savedqueryid"))
    if not view_id or view.find("LocalizedNames") is None:
        detail = "The element 'savedquery' has incomplete content: 'savedqueryid' or 'LocalizedNames'."
        raise invalid_xml(detail, "<savedquery>")
    name = label(view, "LocalizedNames/LocalizedName")
    values = {
        "name": name,
        "description": label(view, "Descriptions/Description"),
        "returnedtypecode": table,
        "querytype": number(view, "querytype") or 0,
        "fetchxml": as_text(view.find("fetchxml/fetch")),
        "layoutxml": as_text(view.find("layoutxml/grid")),
        "isdefault": flag(view, "isdefault"),
        "isquickfindquery": flag(view, "isquickfindquery"),
        "isprivate": flag(view, "isprivate"),
    }
    return RowPart(VIEW, view_id, name, values)


def _view_needs(view: Element, table: str, view_id: str) -> Iterator[Need]:
    entity = view.find("fetchxml/fetch/entity")
    if entity is not None:
        table = (entity.get("name") or table).lower()
        yield Need("table", table, table, VIEW, view_id)
        yield from _fetched(entity, table, view_id)
    for cell in view.findall("layoutxml/grid/row/cell"):
        column = (cell.get("name") or "").lower()
        if "." not in column:  # with a dot it is a linked table's, under the link's alias
            yield Need("column", table, column, VIEW, view_id)


def _fetched(entity: Element, table: str, view_id: str) -> Iterator[Need]:
    for child in entity:
        if child.tag == "link-entity":
            linked = (child.get("name") or "").lower()
            yield Need("table", linked, linked, VIEW, view_id)
            yield from _fetched(child, linked, view_id)
        elif child.tag == "filter":
            for condition in child.iter("condition"):
                if condition.get("entityname") is None:
                    yield Need("column", table, (condition.get("attribute") or "").lower(), VIEW, view_id)
        elif child.tag in ("attribute", "order"):
            name = child.get("name") or child.get("attribute") or ""
            yield Need("column", table, name.lower(), VIEW, view_id)


def _site_map(site_map: Element) -> RowPart:
    unique_name = text(site_map, "SiteMapUniqueName")
    values = {
        "sitemapname": label(site_map, "LocalizedNames/LocalizedName") or unique_name,
        "sitemapnameunique": unique_name,
        "sitemapxml": as_text(site_map.find("SiteMap")),
        "isappaware": True,
    }
    return RowPart(SITE_MAP, id_by_name(SITE_MAP, unique_name), unique_name, values)


def _site_map_needs(site_map: Element, site_map_id: str) -> Iterator[Need]:
    for area in site_map.iter("SubArea"):
        table = (area.get("Entity") or "").lower()
        if table:
            yield Need("table", table, table, SITE_MAP, site_map_id)


def _app(app: Element) -> RowPart:
    unique_name = text(app, "UniqueName")
    values = {
        "name": label(app, "LocalizedNames/LocalizedName") or unique_name,
        "uniquename": unique_name,
        "description": label(app, "Descriptions/Description"),
        "clienttype": number(app, "ClientType") or _UNIFIED_INTERFACE,
        "formfactor": number(app, "FormFactor") or 1,
        "webresourceid": guid(text(app, "WebResourceId")),
    }
    return RowPart(APP, id_by_name(APP, unique_name), unique_name, values)


def _app_needs(app: Element, app_id: str) -> Iterator[Need]:
    for component in app.findall("AppModuleComponents/AppModuleComponent"):
        if component.get("type") == "1":
            table = (component.get("schemaName") or "").lower()
            yield Need("table", table, table, APP, app_id)
    for role in app.findall("AppModuleRoleMaps/Role"):
        yield Need("role", "", guid(role.get("id")), APP, app_id)
