"""Deliberate defects of our package: the 34 that Microsoft's schemas were tried with, 11 caught and 23 missed."""

from __future__ import annotations

from dataclasses import dataclass

from tests.unit.solution_packages import Spoil, add, both, drop, mark, say, to_front

GUID = "{11111111-2222-3333-4444-555555555555}"


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that is done to our package, and the rule that it breaks; `by_schemas`: they find it, too."""

    name: str
    rule: str
    spoil: Spoil
    by_schemas: bool = False

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def entity(table: str) -> str:
    return f"//Entity[Name='{table}']"


def column(table: str, name: str) -> str:
    return f"{entity(table)}/EntityInfo/entity/attributes/attribute[@PhysicalName='{name}']"


def control(table: str, name: str) -> str:
    return f"{entity(table)}//control[@id='{name}']"


def view(table: str, kind: str) -> str:
    return f"{entity(table)}//savedquery[querytype='{kind}']"


def relationship(name: str) -> str:
    return f"//EntityRelationship[@Name='{name}']"


def step(message: str, table: str) -> str:
    return f"//SdkMessageProcessingStep[@Name='Stellarise Connector: {message} of {table}']"


HISTORY, DETAILS, TAX = "stl3_synchistory", "stl3_xerodetails", "stl3_taxtype"
ENDPOINT = "//ServiceEndpoint"
FORM = f"{entity('Invoice')}//systemform"

CAUGHT_BY_SCHEMAS = (
    Defect(
        "unknown type of a column", "column-type", say(f"{column(TAX, 'stl3_code')}/Type", "string"), by_schemas=True
    ),
    Defect(
        "unknown element", "unknown-element", add(column(TAX, "stl3_code"), "<Colour>red</Colour>"), by_schemas=True
    ),
    Defect(
        "wrong order in a step",
        "element-order",
        to_front(f"{step('Create', 'invoice')}/Stage"),
        by_schemas=True,
    ),
    Defect("wrong order at the top", "element-order", to_front("//EntityRelationships"), by_schemas=True),
    Defect("id that is no GUID", "guid", say(f"{FORM}/formid", "{not-a-guid}"), by_schemas=True),
    Defect(
        "name of 51 characters",
        "name-length",
        both(
            say(f"{column(TAX, 'stl3_code')}/Name", "stl3_" + "c" * 46),
            say(f"{column(TAX, 'stl3_code')}/LogicalName", "stl3_" + "c" * 46),
            mark(column(TAX, "stl3_code"), "PhysicalName", "stl3_" + "c" * 46),
        ),
        by_schemas=True,
    ),
    Defect("unknown level", "privilege-level", mark("//RolePrivilege", "level", "Organisation"), by_schemas=True),
    Defect(
        "unknown operator",
        "fetch-operator",
        mark(f"{view(TAX, '0')}//condition", "operator", "equals"),
        by_schemas=True,
    ),
    Defect(
        "edit in an unmanaged form", "managed-edit", mark(f"{FORM}//tab", "solutionaction", "Added"), by_schemas=True
    ),
    Defect("form without id", "form-id", drop(f"{FORM}/formid"), by_schemas=True),
    Defect("view without name", "view-label", drop(f"{view(TAX, '0')}[1]/LocalizedNames"), by_schemas=True),
)
MISSED_BY_SCHEMAS = (
    Defect("no primary name", "primary-name", say(f"{column(TAX, 'stl3_name')}/DisplayMask", "ValidForForm")),
    Defect("lookup without relationship", "lookup-relationship", drop(relationship("stl3_invoice_connector"))),
    Defect("view of a missing column", "view-column", mark(f"{view(TAX, '0')}//cell", "name", "stl3_nothing")),
    Defect(
        "form of a missing column",
        "form-field",
        mark(control("Invoice", "stl3_connector"), "datafieldname", "stl3_no"),
    ),
    Defect(
        "sub-grid of a missing relationship",
        "sub-grid-relationship",
        say(f"{control('Invoice', 'xerodetails')}//RelationshipName", "stl3_invoice_nothing"),
    ),
    Defect("sub-grid by a missing view", "sub-grid-view", say(f"{control('Invoice', 'xerodetails')}//ViewId", GUID)),
    Defect("unknown control", "form-control", mark(control("Invoice", "stl3_connector"), "classid", GUID)),
    Defect(
        "two things of one id",
        "guid-repeated",
        both(say(f"{view(TAX, '2')}/savedqueryid", GUID), say(f"{view(TAX, '64')}/savedqueryid", GUID.upper())),
    ),
    Defect(
        "option of another publisher",
        "option-value",
        mark(f"{column('Invoice', 'stl3_invoicetype')}//option", "value", "100000000"),
    ),
    Defect(
        "missing option set",
        "option-set",
        both(
            drop(f"{column('Invoice', 'stl3_invoicetype')}/optionset"),
            add(column("Invoice", "stl3_invoicetype"), "<OptionSetName>stl3_nothing</OptionSetName>"),
        ),
    ),
    Defect(
        "column without prefix",
        "column-prefix",
        both(
            say(f"{column(TAX, 'stl3_code')}/Name", "published"),
            say(f"{column(TAX, 'stl3_code')}/LogicalName", "published"),
            mark(column(TAX, "stl3_code"), "PhysicalName", "Published"),
        ),
    ),
    Defect("names that differ", "column-name", mark(column(TAX, "stl3_code"), "PhysicalName", "stl3_codes")),
    Defect("money without base", "money-base", drop(column("Invoice", "stl3_amountdue_Base"))),
    Defect("text without length", "text-length", drop(f"{column(TAX, 'stl3_code')}/MaxLength")),
    Defect(
        "unknown level of requirement", "required-level", say(f"{column(TAX, 'stl3_code')}/RequiredLevel", "business")
    ),
    Defect(
        "unknown word in a display mask",
        "display-mask",
        say(f"{column(TAX, 'stl3_code')}/DisplayMask", "ValidForForm|ValidForView"),
    ),
    Defect("unknown ownership", "ownership", say(f"{entity(TAX)}//OwnershipTypeMask", "OrganizationOwned")),
    Defect("step without endpoint", "step-handler", say(f"{step('Create', 'invoice')}/EventHandler", GUID)),
    Defect("unknown contract", "endpoint-word", say(f"{ENDPOINT}/Contract", "88")),
    Defect("unknown stage", "step-word", say(f"{step('Create', 'invoice')}/Stage", "30")),
    Defect(
        "unknown privilege",
        "privilege-name",
        mark("//RolePrivilege[@name='prvReadInvoice']", "name", "prvSeeInvoice"),
    ),
    Defect("site map to a missing table", "site-map-table", mark("//SubArea", "Entity", "stl3_nothing")),
    Defect("webhook without https", "webhook-url", say(f"{ENDPOINT}/Url", "http://connector.example.com:8080/in")),
)
