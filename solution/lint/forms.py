"""Rules of forms: what is on them is there, and each control fits what it shows."""

from __future__ import annotations

from collections.abc import Iterator

from solution.lint.findings import Complaints, Rule
from solution.lint.model import MANY_TO_MANY, Package, Relationship, Table
from solution.lint.tokens import FORM_TYPES
from solution.lint.trees import Element, bare, listed, text

SUB_GRID = "e7a81278-8635-4d9e-8d4d-59480b391c5b"
_CUSTOM_CONTROL = "f9a8a302-114e-466a-b582-6771b2ae0d92"
_TEXT, _SEVERAL_LINES = "4273edbd-ac1d-40d3-9fb2-095c621b552d", "e0dece4b-6fc8-4a8f-a065-082708572369"
_LINK = "71716b6c-711e-476c-8ab8-5d11542bfb47"
_EMAIL, _PHONE = "ada2203e-b4cd-49be-9ddf-234642b43b52", "8c10015a-b339-4982-9474-a95fe05631a5"
_TICKER = "1e1fc551-f7a8-43af-ac34-a8dc35c7b6d4"
_CHOICE, _STATUS = "3ef39988-22bb-4f0b-bbbe-64b5a3748aee", "5d68b988-0661-4db2-bc3e-17598ad3be6c"
_CHECK_BOX, _RADIO = "b0c6723a-8503-4fd7-bb28-c8a06ac933c2", "67fac785-cd58-4f9f-abb3-4b7ddc6ed5ed"
_LOOKUP, _REGARDING = "270bd3db-d9af-4782-9025-509e298dec0a", "f3015350-44a2-4aa0-97b5-00166532b5e9"
_QUICK_VIEW, _PARTY_LIST = "5c5600e0-1d6e-4205-a272-be80da87fd42", "cbfb742c-14e7-4a17-96bb-1a13f7f64aa2"
_WHOLE, _DURATION = "c6d124ca-7eda-4a60-aea9-7fb8d318b68f", "aa987274-ce4e-4271-a803-66164311a958"
_LANGUAGE, _ZONE = "671a9387-ca5a-4d1e-8ab7-06e39ddcf6b5", "7c624a0b-f59e-493d-9583-638d34759266"
# The controls that show a column of a type; of other types nothing is known.
_CONTROLS = {
    "nvarchar": (_TEXT, _SEVERAL_LINES, _LINK, _EMAIL, _PHONE, _TICKER),
    "ntext": (_SEVERAL_LINES, _TEXT, _LINK),
    "int": (_WHOLE, _DURATION, _LANGUAGE, _ZONE),
    "decimal": ("c3efe0c3-0ec6-42be-8349-cbd9079dfd8e",),
    "float": ("0d2c745a-e5a8-4c8f-ba63-c6d3bb604660",),
    "money": ("533b9e00-756b-4312-95a0-dc888637ac78",),
    "datetime": ("5b773807-9fb2-42db-97c3-7a91eff8adff",),
    "picklist": (_CHOICE, _STATUS),
    "multiselectpicklist": ("4aa28ab7-9c13-4f57-a73d-ad894d048b5f",),
    "state": (_CHOICE, _STATUS),
    "status": (_STATUS, _CHOICE),
    "bit": (_RADIO, _CHECK_BOX, _CHOICE),
    "lookup": (_LOOKUP, _REGARDING, _QUICK_VIEW),
    "customer": (_LOOKUP, _REGARDING, _QUICK_VIEW),
    "owner": (_LOOKUP, _QUICK_VIEW),
    "partylist": (_PARTY_LIST,),
}
_CARD = "card"  # the platform itself writes these with controls that do not fit
_EDITING = ("solutionaction", "ordinalvalue")


def _forms(package: Package) -> Iterator[tuple[Table, Element]]:
    for table in package.tables.values():
        yield from ((table, form) for form in table.forms())


def _controls(package: Package) -> Iterator[tuple[Table, Element, Element]]:
    """Yield every control in a cell of a form, with its table and its form."""
    for table, form in _forms(package):
        for cell in form.iter("cell"):
            yield from ((table, form, control) for control in cell.iterfind("control"))


def _sub_grids(package: Package) -> Iterator[tuple[Table, Element, Element]]:
    """Yield every sub-grid with the table of its form and its parameters."""
    for table, _, control in _controls(package):
        parameters = control.find("parameters")
        if _class_of(control) == SUB_GRID:
            yield table, control, control if parameters is None else parameters


def _class_of(control: Element) -> str:
    return bare(control.get("classid", ""))


def _ids(package: Package) -> Complaints:
    for _, form in _forms(package):
        if not text(form, "formid"):
            yield form, "The form has no formid, by which an upgrade would find it again."
        if form.find("form") is None:
            yield form, "The form has no content (form)."


def _labels(package: Package) -> Complaints:
    for _, form in _forms(package):
        if form.find("LocalizedNames/LocalizedName") is None:
            yield form, "The form has no name that people read (LocalizedNames)."


def _types(package: Package) -> Complaints:
    for table in package.tables.values():
        for forms in table.element.iterfind("FormXml/forms"):
            if forms.get("type") not in FORM_TYPES:
                yield forms, f"{forms.get('type')!r} is no type of forms; it is one of {listed(FORM_TYPES)}."


def _fields(package: Package) -> Complaints:
    for table, _, control in _controls(package):
        name = control.get("datafieldname", "")
        if name and package.lacks_column(table.name, name):
            yield control, f"The form shows {name}, which is no column of {table.name}."


def _fitting(package: Package) -> Complaints:
    for table, form, control in _controls(package):
        column = table.columns.get(control.get("datafieldname", "").lower())
        parent = form.getparent()
        if column is None or parent is None or parent.get("type") == _CARD:
            continue
        known = _CONTROLS.get(column.type)
        if known and _class_of(control) not in (*known, _CUSTOM_CONTROL):
            yield control, f"The control {control.get('classid')} does not show columns of type {column.type}."


def _rows_of_others(package: Package) -> Complaints:
    for _, _, control in _controls(package):
        target = text(control, "parameters/TargetEntityType")
        if target and text(control, "parameters/RelationshipName") and _class_of(control) != SUB_GRID:
            yield control, f"The control {control.get('classid')} shows rows of {target}, but is no sub-grid."


def _grids(package: Package) -> Complaints:
    for _, control, parameters in _sub_grids(package):
        target = text(parameters, "TargetEntityType")
        if not target:
            yield control, "The sub-grid does not say whose rows it shows (TargetEntityType)."
        elif package.lacks_table(target):
            yield control, f"The sub-grid shows rows of {target}, which is no table of the package."
        if control.get("datafieldname"):
            yield control, "A sub-grid shows no column, so it has no datafieldname."


def _grids_follow(package: Package) -> Complaints:
    known = {one.name: one for one in package.relationships}
    for table, control, parameters in _sub_grids(package):
        name, target = text(parameters, "RelationshipName"), text(parameters, "TargetEntityType").lower()
        found = known.get(name.lower())
        if found is None and package.must_hold(name):
            yield control, f"The sub-grid follows {name}, which is no relationship of the package."
        elif found is not None and target and not _joins(found, table.name, target):
            yield control, f"The sub-grid follows {name}, which does not lead from {table.name} to {target}."


def _joins(relationship: Relationship, table: str, target: str) -> bool:
    there = (relationship.target, relationship.table)
    back = there[::-1] if relationship.kind == MANY_TO_MANY else there
    return (table, target) in (there, back)


def _grids_by_view(package: Package) -> Complaints:
    views = {
        bare(text(view, "savedqueryid")): table.name for table in package.tables.values() for view in table.views()
    }
    for _, control, parameters in _sub_grids(package):
        view, target = bare(text(parameters, "ViewId")), text(parameters, "TargetEntityType").lower()
        if not view or text(parameters, "IsUserView") == "true":
            continue
        table = package.tables.get(target)
        if view in views and target and views[view] != target:
            yield control, f"The sub-grid shows {target} by a view of {views[view]}."
        elif view not in views and table is not None and table.is_whole:
            yield control, f"The sub-grid shows {target} by the view {view}, which the table does not have."


def _edits(package: Package) -> Complaints:
    for part in () if package.is_managed else ("Entities/Entity/FormXml", "SiteMap", "AppModuleSiteMaps"):
        for one in (found for top in package.customizations.iterfind(part) for found in top.iter()):
            for name in _EDITING:
                if one.get(name) is not None:
                    yield one, f"{name} belongs to edits of what others made, in managed packages only."


RULES = (
    Rule("form-id", "Forms have an id and a content.", _ids),
    Rule("form-label", "Forms have a name that people read.", _labels),
    Rule("form-type", "Types of forms are known ones.", _types),
    Rule("form-field", "Forms show columns that are there.", _fields),
    Rule("form-control", "Controls fit the type of the column that they show.", _fitting),
    Rule("form-control-class", "What shows rows of another table is a sub-grid.", _rows_of_others),
    Rule("sub-grid", "Sub-grids say whose rows they show, and show no column.", _grids),
    Rule("sub-grid-relationship", "Sub-grids follow a relationship that leads there.", _grids_follow),
    Rule("sub-grid-view", "Sub-grids show rows by a view of their table.", _grids_by_view),
    Rule("managed-edit", "Unmanaged packages hold whole forms and site maps, no edits of them.", _edits),
)
