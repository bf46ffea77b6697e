"""Columns: the `attribute` elements of a table."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core.tables import MEMO_LENGTH, NAME, Column, Table
from solution.files.xml import descriptions, display_names, flag, labels, node, texts
from solution.names import VERSION

MONEY_LIMIT = "922337203685477"
DECIMAL_LIMIT = "100000000000"
INTEGER_LIMITS = ("-2147483648", "2147483647")
PRECISION = "4"  # as exact as Xero's unit prices
_SHOWN = "ValidForAdvancedFind|ValidForForm|ValidForGrid"
_TYPES = {
    "string": "nvarchar",
    "memo": "ntext",
    "integer": "int",
    "decimal": "decimal",
    "money": "money",
    "boolean": "bit",
    "datetime": "datetime",
    "choice": "picklist",
    "lookup": "lookup",
}


def attributes_of(table: Table) -> Iterator[Element]:
    """Yield all columns of a table of ours, those of the platform included, by logical name as exports have them."""
    own = [_primary_key(table), _primary_name(table), *columns_of(table.name, table.columns), *_system(table)]
    yield from sorted(own, key=_logical_name)


def columns_of(table: str, columns: tuple[Column, ...]) -> list[Element]:
    """Return columns of ours with what belongs to them, by logical name."""
    made = [_column(table, column) for column in columns]
    made += [_base_of(column) for column in columns if column.kind == "money"]
    return sorted(made, key=_logical_name)


def schema_name(column: Column) -> str:
    """Return a column's name as files spell it."""
    return column.schema_name or column.name


def _logical_name(element: Element) -> str:
    return element.findtext("LogicalName", "")


def _attribute(
    physical: str,
    kind: str,
    label: str,
    description: str,
    *own: Element,
    required: str = "none",
    mask: str = _SHOWN,
    ime: str = "auto",
    update: bool = True,
    create: bool = True,
    is_custom: bool = True,
    is_level_fixed: bool = False,
) -> Element:
    """Everything that every column says, and what its type adds."""
    logical = physical.lower()
    shown = {"DisplayMask": mask} if mask else {}
    return node(
        "attribute",
        *texts(
            Type=kind,
            Name=logical,
            LogicalName=logical,
            RequiredLevel=required,
            **shown,
            ImeMode=ime,
            ValidForUpdateApi=flag(update),
            ValidForReadApi="1",
            ValidForCreateApi=flag(create),
            IsCustomField=flag(is_custom),
            IsAuditEnabled="0",
            IsSecured="0",
            IntroducedVersion=VERSION,
            IsCustomizable="1",
            IsRenameable="1",
            CanModifySearchSettings="1",
            CanModifyRequirementLevelSettings=flag(not is_level_fixed),
            CanModifyAdditionalSettings="1",
            SourceType="0",
            IsGlobalFilterEnabled="0",
            IsSortableEnabled="0",
            CanModifyGlobalFilterSettings="1",
            CanModifyIsSortableSettings="1",
            IsDataSourceSecret="0",
        ),
        *own,
        display_names(label),
        descriptions(description),
        PhysicalName=physical,
    )


def _column(table: str, column: Column) -> Element:
    own = _own_part(table, column)
    ime = {"integer": "disabled", "datetime": "inactive"}.get(column.kind, "auto")
    return _attribute(schema_name(column), _TYPES[column.kind], column.label, column.description, *own, ime=ime)


def _own_part(table: str, column: Column) -> list[Element]:
    match column.kind:
        case "string":
            return _text(column.max_length, "url" if column.is_url else "text")
        case "memo":
            return texts(Format="textarea", MaxLength=str(column.max_length or MEMO_LENGTH))
        case "integer":
            low, high = INTEGER_LIMITS
            return texts(Format="none", MinValue=low, MaxValue=high)
        case "decimal":
            return texts(MinValue=f"-{DECIMAL_LIMIT}", MaxValue=DECIMAL_LIMIT, Accuracy=PRECISION)
        case "money":
            limits = {"MinValue": f"-{MONEY_LIMIT}", "MaxValue": MONEY_LIMIT}
            return texts(**limits, Accuracy=PRECISION, AccuracySource="0")
        case "boolean":
            return [node("AppDefaultValue", "0"), _option_set(table, column, ((1, "Yes"), (0, "No")), kind="bit")]
        case "datetime":
            return texts(Format="datetime", CanChangeDateTimeBehavior="1", Behavior="1")
        case "choice":
            default = "-1" if column.default is None else str(column.default)
            return [node("AppDefaultValue", default), _option_set(table, column, column.options, kind="picklist")]
        case "lookup":
            return [node("LookupStyle", "single"), node("LookupTypes")]
    raise ValueError(f"{column.name}: nothing is known of columns of kind {column.kind}")


def _text(length: int, format_: str) -> list[Element]:
    return texts(Format=format_, MaxLength=str(length), Length=str(2 * length))


def _option_set(table: str, column: Column, options: tuple[tuple[int, str], ...], *, kind: str) -> Element:
    return node(
        "optionset",
        *texts(OptionSetType=kind, IntroducedVersion=VERSION, IsCustomizable="1"),
        display_names(column.label),
        descriptions(column.description),
        node("options", *(node("option", labels(label), value=str(value)) for value, label in options)),
        Name=f"{table}_{column.name}",
    )


def _base_of(column: Column) -> Element:
    """The twin in the base currency, which Dynamics keeps by itself."""
    return _attribute(
        f"{schema_name(column)}_Base",
        "money",
        f"{column.label} (Base)",
        f"Value of {column.label} in base currency.",
        *texts(
            MinValue=f"-{MONEY_LIMIT}",
            MaxValue=MONEY_LIMIT,
            Accuracy=PRECISION,
            AccuracySource="2",
            CalculationOf=column.name,
        ),
        ime="disabled",
        update=False,
        create=False,
    )


def _primary_key(table: Table) -> Element:
    return _attribute(
        f"{table.name}Id",
        "primarykey",
        table.label,
        "Unique identifier of the row.",
        required="systemrequired",
        mask="ValidForAdvancedFind|RequiredForGrid",
        update=False,
        is_custom=False,
        is_level_fixed=True,
    )


def _primary_name(table: Table) -> Element:
    return _attribute(
        NAME,
        "nvarchar",
        table.name_label,
        "What the row is called.",
        *_text(table.name_length, "text"),
        required="required",
        mask=f"PrimaryName|{_SHOWN}|RequiredForForm",
    )


def _system(table: Table) -> Iterator[Element]:
    """The columns that the platform writes for every table that an organisation owns."""
    for name, label, description in (
        ("CreatedBy", "Created By", "Who created the row."),
        ("CreatedOnBehalfBy", "Created By (Delegate)", "Who created the row on behalf of another user."),
        ("ModifiedBy", "Modified By", "Who changed the row last."),
        ("ModifiedOnBehalfBy", "Modified By (Delegate)", "Who changed the row last on behalf of another user."),
    ):
        yield _kept(name, "lookup", label, description, node("LookupStyle", "single"), node("LookupTypes"))
    for name, label, description in (
        ("CreatedOn", "Created On", "When the row was created."),
        ("ModifiedOn", "Modified On", "When the row was changed last."),
    ):
        moment = texts(Format="datetime", CanChangeDateTimeBehavior="0", Behavior="1")
        yield _kept(name, "datetime", label, description, *moment, ime="inactive")
    yield _kept(
        "OverriddenCreatedOn",
        "datetime",
        "Record Created On",
        "When the row was migrated.",
        *texts(Format="date", CanChangeDateTimeBehavior="0", Behavior="1"),
        mask="ValidForAdvancedFind|ValidForGrid",
        ime="inactive",
        create=True,
    )
    low, high = INTEGER_LIMITS
    for name, label, description, update in (
        ("ImportSequenceNumber", "Import Sequence Number", "The import that created the row.", False),
        ("TimeZoneRuleVersionNumber", "Time Zone Rule Version Number", "For internal use only.", True),
        ("UTCConversionTimeZoneCode", "UTC Conversion Time Zone Code", "The zone when the row was created.", True),
    ):
        numbers = [node("Format"), *texts(MinValue=low if not update else "-1", MaxValue=high)]
        mask = "ValidForAdvancedFind" if not update else ""
        yield _kept(name, "int", label, description, *numbers, mask=mask, ime="disabled", update=update, create=True)
    yield _kept(
        "OrganizationId",
        "lookup",
        "Organization Id",
        "The organisation that the row belongs to.",
        node("LookupStyle", "single"),
        node("LookupTypes"),
        mask="ValidForAdvancedFind",
    )
    yield from _status_pair(table)


def _kept(
    name: str,
    kind: str,
    label: str,
    description: str,
    *own: Element,
    mask: str = _SHOWN,
    ime: str = "auto",
    update: bool = False,
    create: bool = False,
) -> Element:
    """A column that the platform fills."""
    return _attribute(
        name, kind, label, description, *own, mask=mask, ime=ime, update=update, create=create, is_custom=False
    )


def _status_pair(table: Table) -> Iterator[Element]:
    pair = ((0, 1, "Active"), (1, 2, "Inactive"))
    states = [
        node("state", labels(label), value=str(state), defaultstatus=str(status), invariantname=label)
        for state, status, label in pair
    ]
    statuses = [node("status", labels(label), value=str(status), state=str(state)) for state, status, label in pair]
    yield _attribute(
        "statecode",
        "state",
        "Status",
        f"Status of the {table.label}.",
        _states(table, "state", "Status", node("states", *states)),
        required="systemrequired",
        create=False,
        is_custom=False,
    )
    yield _attribute(
        "statuscode",
        "status",
        "Status Reason",
        f"Reason for the status of the {table.label}.",
        _states(table, "status", "Status Reason", node("statuses", *statuses)),
        is_custom=False,
    )


def _states(table: Table, kind: str, label: str, values: Element) -> Element:
    return node(
        "optionset",
        *texts(OptionSetType=kind, IntroducedVersion=VERSION, IsCustomizable="1"),
        display_names(label),
        descriptions(f"{label} of the {table.label}."),
        values,
        Name=f"{table.name}_{kind}code",
    )
