"""Forms: the `systemform` elements."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core import columns
from solution.files.xml import descriptions, labels, localized_names, node, texts
from solution.names import VERSION, braced, part_id
from solution.standard import ColumnKind
from solution.views import VIEWS
from solution.vocabulary import Field, Form, Section, SubGrid, Tab, column_of

CONTROLS: dict[ColumnKind, str] = {
    "string": "{4273EDBD-AC1D-40d3-9FB2-095C621B552D}",
    "memo": "{E0DECE4B-6FC8-4a8f-A065-082708572369}",
    "integer": "{C6D124CA-7EDA-4a60-AEA9-7FB8D318B68F}",
    "decimal": "{C3EFE0C3-0EC6-42be-8349-CBD9079DFD8E}",
    "money": "{533B9E00-756B-4312-95A0-DC888637AC78}",
    "datetime": "{5B773807-9FB2-42db-97C3-7A91EFF8ADFF}",
    "date": "{5B773807-9FB2-42db-97C3-7A91EFF8ADFF}",
    "choice": "{3EF39988-22BB-4f0b-BBBE-64B5A3748AEE}",
    "state": "{3EF39988-22BB-4f0b-BBBE-64B5A3748AEE}",
    "status": "{5D68B988-0661-4db2-BC3E-17598AD3BE6C}",
    "boolean": "{67FAC785-CD58-4f9f-ABB3-4B7DDC6ED5ED}",
    "lookup": "{270BD3DB-D9AF-4782-9025-509E298DEC0A}",
}
URL_CONTROL = "{71716B6C-711E-476C-8AB8-5D11542BFB47}"
SUB_GRID_CONTROL = "{E7A81278-8635-4d9e-8D4D-59480B391C5B}"
_URLS = {column.name for table in columns.TABLES for column in table.columns if column.is_url}


def form_xml(forms: Iterator[Form]) -> Element:
    """Return all main forms of one table."""
    return node("FormXml", node("forms", *map(_form, forms), type="main"))


def _form(form: Form) -> Element:
    return node(
        "systemform",
        *texts(formid=braced(form.id), IntroducedVersion=VERSION, FormPresentation="1", FormActivationState="1"),
        node("form", node("tabs", *(_tab(form, tab, is_first=tab is form.tabs[0]) for tab in form.tabs))),
        *texts(IsCustomizable="1", CanBeDeleted="1"),
        localized_names(form.name),
        descriptions(form.description),
    )


def _id(form: Form, *names: str) -> str:
    return braced(part_id("form", form.table, form.name, *names))


def _tab(form: Form, tab: Tab, *, is_first: bool) -> Element:
    sides = [
        node("column", node("sections", *(_section(form, tab, one) for one in sections)), width=f"{width}%")
        for width, sections in tab.columns
    ]
    return node(
        "tab",
        labels(tab.label),
        node("columns", *sides),
        verticallayout="true",
        id=_id(form, tab.name),
        IsUserDefined="1",
        name=tab.name,
        showlabel="true",
        expanded="true" if is_first else "false",
    )


def _section(form: Form, tab: Tab, section: Section) -> Element:
    rows: list[Element] = []
    for cell in section.cells:
        rows.append(node("row", _cell(form, tab, section, cell)))
        # What a cell spans are rows of nothing below it.
        rows += [node("row") for _ in range(cell.rows - 1 if isinstance(cell, SubGrid) else 0)]
    return node(
        "section",
        labels(section.label),
        node("rows", *rows),
        name=section.name,
        showlabel="true",
        showbar="false",
        columns="1",
        labelwidth="150",
        celllabelposition="Left",
        id=_id(form, tab.name, section.name),
        IsUserDefined="1",
    )


def _cell(form: Form, tab: Tab, section: Section, cell: Field | SubGrid) -> Element:
    if isinstance(cell, SubGrid):
        own = _id(form, tab.name, section.name, cell.name)
        return node(
            "cell",
            labels(cell.label),
            _sub_grid(cell),
            id=own,
            showlabel="false",
            colspan="1",
            rowspan=str(cell.rows),
            auto="false",
        )
    kind, label = column_of(form.table, cell.column)
    control = URL_CONTROL if cell.column in _URLS else CONTROLS[kind]
    return node(
        "cell",
        labels(label),
        node(
            "control",
            id=cell.column,
            classid=control,
            datafieldname=cell.column,
            disabled="true" if cell.is_locked else "false",
        ),
        id=_id(form, tab.name, section.name, cell.column),
        showlabel="true",
    )


def _sub_grid(grid: SubGrid) -> Element:
    (view,) = (view for view in VIEWS if (view.table, view.name) == (grid.table, grid.view))
    parameters = texts(
        ViewId=braced(view.id),
        IsUserView="false",
        RelationshipName=grid.relationship,
        TargetEntityType=grid.table,
        AutoExpand="Fixed",
        EnableQuickFind="false",
        EnableViewPicker="false",
        ViewIds="",
        EnableJumpBar="false",
        ChartGridMode="Grid",
        VisualizationId="",
        IsUserChart="false",
        EnableChartPicker="false",
        RecordsPerPage=str(grid.rows),
    )
    return node("control", node("parameters", *parameters), id=grid.name, classid=SUB_GRID_CONTROL)
