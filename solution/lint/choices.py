"""Rules of choices: where their options are, and which values these have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Column, Package, Table
from solution.lint.tables import whole_tables
from solution.lint.tokens import OPTION_SET_TYPES
from solution.lint.trees import Element, listed, number, repeated, text

_CHOICES = ("picklist", "multiselectpicklist")
_VALUES = {"state": "states/state", "status": "statuses/status"}
_NOTHING = ("", "-1")
_OPTIONS_OF_A_PUBLISHER = 10_000


def _columns(package: Package) -> Iterator[tuple[Table, Column]]:
    for table in package.tables.values():
        yield from ((table, column) for column in table.columns.values())


def _sets(package: Package) -> Iterator[tuple[Element, str]]:
    """Yield every option set with the name of what it belongs to: its column or, if global, itself."""
    for _, column in _columns(package):
        yield from ((one, column.name) for one in column.element.iterfind("optionset"))
    yield from ((one, one.get("Name", "")) for one in _global(package).values())


def _global(package: Package) -> Mapping[str, Element]:
    return {one.get("Name", "").lower(): one for one in package.customizations.iterfind("optionsets/optionset")}


def _options(option_set: Element) -> list[Element]:
    return [one for path in ("options/option", *_VALUES.values()) for one in option_set.iterfind(path)]


def _values(option_set: Element) -> set[str]:
    return {one.get("value", "") for one in _options(option_set)}


def _sources(package: Package) -> Complaints:
    known = _global(package)
    for _, column in _columns(package):
        name = text(column.element, "OptionSetName")
        if name and name.lower() not in known and package.must_hold(name):
            yield column.element, f"{column.name} has the options of {name}, which is no option set of the package."
        own = column.element.find("optionset")
        if column.is_custom and column.type in (*_CHOICES, "bit", *_VALUES) and not name and own is None:
            yield (
                column.element,
                f"{column.name} is a choice and has no options: neither optionset nor OptionSetName.",
            )


def _kinds(package: Package) -> Complaints:
    for one, _ in _sets(package):
        kind = text(one, "OptionSetType")
        if kind and kind not in OPTION_SET_TYPES:
            yield one, f"{kind!r} is no OptionSetType; it is one of {listed(OPTION_SET_TYPES)}."
        if kind == "bit" and _values(one) != {"0", "1"}:
            yield one, "An option set of yes and no has the values 1 and 0."


def _repeated(package: Package) -> Complaints:
    for one, name in _sets(package):
        for option, value in repeated((option, option.get("value", "")) for option in _options(one)):
            yield option, f"{name} has the value {value} twice."
        for option in _options(one):
            if number(option.get("value")) is None:
                yield option, f"{option.get('value')!r} is no value of an option; values are whole numbers."


def _prefixed(package: Package) -> Complaints:
    """Complain of values outside of the publisher's range, where the same option set has values inside.

    Dynamics suggests values of the publisher's range and takes others: a set of them alone was meant that way.
    """
    prefix = number(text(package.manifest, "SolutionManifest/Publisher/CustomizationOptionValuePrefix"))
    if prefix is None:
        return
    first = prefix * _OPTIONS_OF_A_PUBLISHER
    for one, name in _sets(package):
        if not package.is_own(name):
            continue
        values = [(option, number(option.get("value"))) for option in one.iterfind("options/option")]
        outside = [option for option, value in values if value not in range(first, first + _OPTIONS_OF_A_PUBLISHER)]
        for option in outside if len(outside) < len(values) else ():
            message = f"values of this publisher start with {prefix} and have four digits more"
            yield option, f"{name} has the value {option.get('value')}; {message}."


def _defaults(package: Package) -> Complaints:
    known = _global(package)
    for _, column in _columns(package):
        default, name = text(column.element, "AppDefaultValue"), text(column.element, "OptionSetName").lower()
        own = column.element.find("optionset")
        source = known.get(name) if own is None else own
        if column.type == "picklist" and source is not None and default not in (*_NOTHING, *_values(source)):
            yield column.element, f"{column.name} starts as {default}, which is none of its values."


def _states(package: Package) -> Complaints:
    for table in whole_tables(package):
        sets = {kind: _set_of(table, kind) for kind in _VALUES}
        state, status = sets["state"], sets["status"]
        if state is None or status is None:
            continue
        for one in status.iterfind("statuses/status"):
            if one.get("state") not in {None, *_values(state)}:
                yield (
                    one,
                    f"The status {one.get('value')} is one of the state {one.get('state')}, which is not there.",
                )
        for one in state.iterfind("states/state"):
            if one.get("defaultstatus") not in _values(status):
                yield one, f"The state {one.get('value')} starts as {one.get('defaultstatus')}, which is no status."


def _set_of(table: Table, kind: str) -> Element | None:
    columns = (column for column in table.columns.values() if column.type == kind)
    return next((found for column in columns if (found := column.element.find("optionset")) is not None), None)


RULES = (
    Rule("option-set", "Choices have options of their own, or of an option set that is there.", _sources),
    Rule("option-set-type", "Option sets have a known type; those of yes and no have 1 and 0.", _kinds),
    Rule("option-repeated", "Values of options are whole numbers, each there once.", _repeated),
    Rule("option-value", "Values that the publisher's prefix makes do not stand among others.", _prefixed),
    Rule("option-default", "A choice starts as one of its values or as none.", _defaults),
    Rule("status-pair", "Every status belongs to a state, and every state starts as a status.", _states),
)
