"""More deliberate defects of our package, so that every rule of the linter is broken by one."""

from __future__ import annotations

from tests.unit.solution_defects import (
    DETAILS,
    ENDPOINT,
    FORM,
    GUID,
    HISTORY,
    TAX,
    Defect,
    column,
    control,
    entity,
    relationship,
    step,
    view,
)
from tests.unit.solution_packages import add, both, drop, mark, say, to_front, twice

ROOT = "solution//RootComponent"
_IMAGE = f"{step('Delete', 'invoice')}//SdkMessageProcessingStepImage"
_MISSING = (
    "<MissingDependency><Required type='1' schemaName='abc_table' solution='Active'/><Dependent/></MissingDependency>"
)

OF_THE_MANIFEST = (
    Defect(
        "name with a hyphen", "solution-name", say("solution//SolutionManifest/UniqueName", "Stellarise-Connector")
    ),
    Defect("name of an upgrade", "solution-name", say("solution//SolutionManifest/UniqueName", "Stellarise_Upgrade")),
    Defect("version of three numbers", "solution-version", say("solution//Version", "1.0.0")),
    Defect("flag of a source folder", "managed-flag", say("solution//Managed", "2")),
    Defect("prefix of Microsoft", "publisher", say("solution//CustomizationPrefix", "mscrm1")),
    Defect("no publisher", "publisher", drop("solution//Publisher/UniqueName")),
    Defect("short prefix of options", "option-prefix", say("solution//CustomizationOptionValuePrefix", "9999")),
    Defect("version before the name", "manifest-order", to_front("solution//SolutionManifest/Version")),
    Defect("type in words", "root-component", mark(ROOT, "type", "table")),
    Defect("unknown behavior", "root-component", mark(ROOT, "behavior", "3")),
    Defect("component without name", "root-component", mark(ROOT, "schemaName", None)),
    Defect("role before the tables", "root-order", to_front("solution//RootComponent[@type='20']")),
    Defect("component listed twice", "root-repeated", twice(ROOT)),
    Defect("missing table listed", "root-undefined", mark(ROOT, "schemaName", "stl3_nothing")),
    Defect("missing form listed", "root-undefined", mark("solution//RootComponent[@type='60']", "id", GUID)),
    Defect("step not listed", "root-undeclared", drop("solution//RootComponent[@type='92'][1]")),
    Defect("table not listed", "root-undeclared", drop("solution//RootComponent[@schemaName='invoice']")),
    Defect("dependency nobody brings", "missing-dependency", add("solution//MissingDependencies", _MISSING)),
    Defect("file without content type", "content-types", mark("types//*[@Extension]", "Extension", "json")),
    Defect("unknown content type", "content-types", mark("types//*[@Extension]", "ContentType", "text/xml")),
    Defect(
        "web resource without file",
        "part-missing",
        add("//CustomControls", "<CustomControl><FileName>/Controls/one.xml</FileName></CustomControl>"),
        by_schemas=True,
    ),
)
OF_ELEMENTS = (
    Defect("type said twice", "repeated-element", twice(f"{column(TAX, 'stl3_code')}/Type"), by_schemas=True),
    Defect("version in words", "introduced-version", say("//IntroducedVersion", "first"), by_schemas=True),
    Defect("role without id", "guid-missing", mark("//Roles/Role", "id", None), by_schemas=True),
)
OF_TABLES = (
    Defect("two spellings of a table", "table-name", mark(f"{entity('Invoice')}//entity", "Name", "invoice")),
    Defect("table twice", "table-repeated", twice(entity("Contact"))),
    Defect("set name of another table", "table-repeated", say(f"{entity(TAX)}//EntitySetName", "stl3_synchistories")),
    Defect("table without plural", "table-label", drop(f"{entity(TAX)}//LocalizedCollectionNames")),
    Defect("table without set name", "entity-set-name", drop(f"{entity(TAX)}//EntitySetName")),
    Defect("flag in words", "table-flag", say(f"{entity(TAX)}//entity/IsAuditEnabled", "true"), by_schemas=True),
    Defect("no primary key", "primary-key", drop(column(TAX, "stl3_taxtypeId"))),
    Defect("columns unsorted", "column-order", to_front(column(TAX, "stl3_code"))),
    Defect("no organisation", "standard-columns", drop(column(TAX, "OrganizationId"))),
    Defect("no link to the maker", "standard-relationships", drop(relationship("lk_stl3_taxtype_createdby"))),
    Defect("money without currency", "money-currency", say(f"{column(DETAILS, 'stl3_amountpaid')}/Type", "money")),
    Defect(
        "base of nothing", "money-base", say(f"{column('Invoice', 'stl3_amountdue_Base')}/CalculationOf", "stl3_no")
    ),
    Defect(
        "key of a missing column", "alternate-key", say(f"{entity(TAX)}//EntityKey//AttributeName", "stl3_nothing")
    ),
    Defect("key of nothing", "alternate-key", drop(f"{entity(TAX)}//EntityKey//AttributeName"), by_schemas=True),
)
OF_COLUMNS = (
    Defect("column twice", "column-repeated", twice(column(TAX, "stl3_code"))),
    Defect("format in capitals", "column-format", say(f"{column(TAX, 'stl3_code')}/Format", "Text")),
    Defect(
        "format of another type", "column-format", say(f"{column(HISTORY, 'stl3_eventtime')}/Format", "DateAndTime")
    ),
    Defect(
        "unknown behavior of time",
        "column-setting",
        say(f"{column(HISTORY, 'stl3_eventtime')}/Behavior", "4"),
    ),
    Defect(
        "flag of a column in words",
        "column-setting",
        say(f"{column(TAX, 'stl3_code')}/IsSecured", "no"),
        by_schemas=True,
    ),
    Defect("memo too long", "text-length", say(f"{column(HISTORY, 'stl3_details')}/MaxLength", "1048577")),
    Defect("text without bytes", "text-length", drop(f"{column(TAX, 'stl3_code')}/Length")),
    Defect("least above greatest", "number-range", say(f"{column(TAX, 'stl3_rate')}/MaxValue", "-200000000000")),
    Defect("eleven decimal places", "number-range", say(f"{column(TAX, 'stl3_rate')}/Accuracy", "11")),
    Defect("days with times", "date-only", say(f"{column(HISTORY, 'stl3_eventtime')}/Behavior", "2")),
    Defect("yes without no", "option-set-type", drop(f"{column(TAX, 'stl3_forrevenue')}//option[@value='0']")),
    Defect(
        "unknown kind of options",
        "option-set-type",
        say(f"{column(HISTORY, 'stl3_action')}//OptionSetType", "choice"),
        by_schemas=True,
    ),
    Defect("option twice", "option-repeated", twice(f"{column(HISTORY, 'stl3_action')}//option")),
    Defect(
        "value in words",
        "option-repeated",
        mark(f"{column(HISTORY, 'stl3_action')}//option", "value", "Create"),
        by_schemas=True,
    ),
    Defect("choice without options", "option-set", drop(f"{column(HISTORY, 'stl3_action')}/optionset")),
    Defect("unknown default", "option-default", say(f"{column(DETAILS, 'stl3_exportstatus')}/AppDefaultValue", "1")),
    Defect("status of no state", "status-pair", mark(f"{column(TAX, 'statuscode')}//status", "state", "7")),
    Defect("state without status", "status-pair", mark(f"{column(TAX, 'statecode')}//state", "defaultstatus", "7")),
)
OF_RELATIONSHIPS = (
    Defect("relationship twice", "relationship-name", twice(relationship("stl3_invoice_connector"))),
    Defect("relationship without name", "relationship-name", mark("//EntityRelationship", "Name", "")),
    Defect("unknown cascade", "relationship-word", say("//CascadeDelete", "SetNull"), by_schemas=True),
    Defect("many to one", "relationship-word", say("//EntityRelationshipType", "ManyToOne"), by_schemas=True),
    Defect(
        "relationship to a missing table",
        "relationship-table",
        say(f"{relationship('stl3_invoice_connector')}/ReferencedEntityName", "stl3_nothing"),
    ),
    Defect(
        "relationship by a missing lookup",
        "relationship-column",
        say(f"{relationship('stl3_taxtype_connector')}/ReferencingAttributeName", "stl3_nothing"),
    ),
    Defect(
        "relationship by a text",
        "relationship-column",
        say(f"{relationship('stl3_taxtype_connector')}/ReferencingAttributeName", "stl3_code"),
    ),
    Defect(
        "two relationships of a lookup",
        "relationship-repeated",
        both(
            twice(relationship("stl3_invoice_connector")),
            mark(relationship("stl3_invoice_connector"), "Name", "stl3_invoice_connector_again"),
        ),
    ),
)
OF_FORMS = (
    Defect("form without name", "form-label", drop(f"{FORM}/LocalizedNames"), by_schemas=True),
    Defect("form without content", "form-id", drop(f"{FORM}/form"), by_schemas=True),
    Defect(
        "unknown kind of forms", "form-type", mark(f"{entity('Invoice')}//forms", "type", "Main"), by_schemas=True
    ),
    Defect("control of another type", "form-control", mark(control(HISTORY, "stl3_details"), "classid", GUID)),
    Defect(
        "rows in an unknown control", "form-control-class", mark(control("Invoice", "xerodetails"), "classid", GUID)
    ),
    Defect("sub-grid of nothing", "sub-grid", drop(f"{control('Invoice', 'xerodetails')}//TargetEntityType")),
    Defect("sub-grid of a column", "sub-grid", mark(control("Invoice", "xerodetails"), "datafieldname", "name")),
    Defect(
        "sub-grid of a missing table",
        "sub-grid",
        say(f"{control('Invoice', 'xerodetails')}//TargetEntityType", "stl3_nothing"),
    ),
    Defect(
        "sub-grid along the wrong relationship",
        "sub-grid-relationship",
        say(f"{control('Invoice', 'xerodetails')}//RelationshipName", "stl3_synchistory_invoice"),
    ),
)
OF_VIEWS = (
    Defect("view without id", "view-id", drop(f"{view(TAX, '2')}/savedqueryid"), by_schemas=True),
    Defect("unknown kind of view", "view-type", say(f"{view(TAX, '2')}/querytype", "3")),
    Defect("quick find not marked", "view-type", say(f"{view(TAX, '4')}/isquickfindquery", "0")),
    Defect("no lookup view", "standard-views", drop(view(TAX, "64"))),
    Defect("view of another table", "view-table", mark(f"{view(TAX, '2')}//entity", "name", HISTORY)),
    Defect("view with another key", "view-table", mark(f"{view(TAX, '2')}//row", "id", "stl3_code")),
    Defect("view without its name column", "view-column", mark(f"{view(TAX, '2')}//grid", "jump", "stl3_nothing")),
    Defect("cell not asked for", "view-fetch", drop(f"{view(TAX, '2')}//attribute[@name='stl3_code']")),
    Defect(
        "condition on a missing column", "fetch-column", mark(f"{view(TAX, '2')}//condition", "attribute", "stl3_no")
    ),
    Defect("quick find at nothing", "quick-find", drop(f"{view(TAX, '4')}//filter[@isquickfindfields]")),
    Defect(
        "quick find at all at once",
        "quick-find",
        mark(f"{view(TAX, '4')}//filter[@isquickfindfields]", "type", "and"),
    ),
)
OF_ROLES_AND_MESSAGES = (
    Defect("word that is no privilege", "privilege-name", mark("//RolePrivilege", "name", "ReadInvoice")),
    Defect(
        "privilege on a missing table",
        "privilege-table",
        mark("//RolePrivilege[@name='prvReadstl3_taxtype']", "name", "prvReadstl3_nothing"),
    ),
    Defect(
        "sharing what has no owner",
        "privilege-table",
        mark("//RolePrivilege[@name='prvReadstl3_taxtype']", "name", "prvSharestl3_taxtype"),
    ),
    Defect(
        "privilege on invoice lines",
        "privilege-table",
        mark("//RolePrivilege[@name='prvReadInvoice']", "name", "prvReadInvoiceDetail"),
    ),
    Defect("privilege twice", "role", twice("//RolePrivilege")),
    Defect("role without name", "role", mark("//Roles/Role", "name", None), by_schemas=True),
    Defect("webhook with a key of a queue", "endpoint-auth", say(f"{ENDPOINT}/AuthType", "2")),
    Defect("webhook with a password", "webhook-url", say(f"{ENDPOINT}/Url", "https://a:b@connector.example.com/in")),
    Defect(
        "webhook on a port that is none", "webhook-url", say(f"{ENDPOINT}/Url", "https://connector.example.com:x/")
    ),
    Defect("message missing", "step-word", drop(f"{step('Create', 'invoice')}/SdkMessageId")),
    Defect("waiting for nobody before it is saved", "step-stage", say(f"{step('Create', 'invoice')}/Stage", "20")),
    Defect("filter of a deletion", "step-stage", say(f"{step('Delete', 'invoice')}/FilteringAttributes", "name")),
    Defect(
        "plug-in of queues", "step-handler", say(f"{step('Create', 'invoice')}/PluginTypeName", "ServiceBusPlugin")
    ),
    Defect(
        "configured webhook",
        "step-handler",
        add("//SdkMessageProcessingStep", "<Configuration>x</Configuration>"),
        True,
    ),
    Defect("step of a missing table", "step-table", say(f"{step('Update', DETAILS)}/PrimaryEntity", "stl3_nothing")),
    Defect(
        "filter by a missing column", "step-column", say(f"{step('Update', DETAILS)}/FilteringAttributes", "stl3_no")
    ),
    Defect("image of a missing column", "step-column", say(f"{step('Update', DETAILS)}//Attributes", "stl3_nothing")),
    Defect("image after the end", "step-image", say(f"{_IMAGE}/ImageType", "1")),
    Defect(
        "image before the beginning",
        "step-image",
        say(f"{step('Delete', 'invoice')}/SdkMessageId", "9ebdbb1b-ea3e-db11-86a7-000a3a5473e8"),
    ),
    Defect("image of something else", "step-image", say(f"{_IMAGE}/MessagePropertyName", "id")),
    Defect("image without name", "step-image", drop(f"{_IMAGE}/EntityAlias")),
)
OF_APPS = (
    Defect("app without name", "app-name", say("//AppModule/UniqueName", "")),
    Defect(
        "missing table in the app",
        "app-component",
        mark("//AppModuleComponent", "schemaName", "stl3_nothing"),
    ),
    Defect(
        "missing site map in the app",
        "app-component",
        mark("//AppModuleComponent[@type='62']", "schemaName", "stl3_Nothing"),
    ),
    Defect("two areas of one id", "site-map-area", twice("//SiteMap/Area"), by_schemas=True),
    Defect("entry to nowhere", "site-map-area", mark("//SubArea", "Entity", None)),
    Defect("app without a table of its map", "app-table", drop("//AppModuleComponent[1]")),
)
MORE = (
    *OF_THE_MANIFEST,
    *OF_ELEMENTS,
    *OF_TABLES,
    *OF_COLUMNS,
    *OF_RELATIONSHIPS,
    *OF_FORMS,
    *OF_VIEWS,
    *OF_ROLES_AND_MESSAGES,
    *OF_APPS,
)
