"""The platform's own tables: people, currencies, event registration, system jobs."""

from __future__ import annotations

from decimal import Decimal

from simulators.dataverse.build import (
    boolean,
    choice,
    decimal,
    guid,
    integer,
    lookup,
    memo,
    moment,
    state,
    status,
    table,
    text,
)
from simulators.dataverse.choices import AUTH_TYPES, CONTRACTS, DEPLOYMENTS, STAGES
from simulators.dataverse.schema import Association, Column, Table
from simulators.dataverse.standard_solutions import managed, solution_tables

JOB_STATES = state({0: "Ready", 1: "Suspended", 2: "Locked", 3: "Completed"})
JOB_STATUSES = status(
    {
        0: (0, "Waiting For Resources"),
        10: (1, "Waiting"),
        20: (2, "In Progress"),
        21: (2, "Pausing"),
        22: (2, "Canceling"),
        30: (3, "Succeeded"),
        31: (3, "Failed"),
        32: (3, "Canceled"),
    }
)

JOB_TYPES = {
    1: "System Event",
    13: "Bulk Delete",
    203: "Import Solution Async Operation",
    211: "StageAndUpgrade Async Operation",
}


def people_tables() -> list[tuple[Table, list[Column]]]:
    businessunit = table("businessunit", "businessunits", text("name", 160), schema_name="BusinessUnit", code=10)
    systemuser = table(
        "systemuser",
        "systemusers",
        text("fullname", 200),
        text("domainname", 1024),
        text("internalemailaddress", 100),
        guid("applicationid", updatable=False),
        guid("azureactivedirectoryobjectid"),
        boolean("isdisabled", False),
        lookup("businessunitid", "businessunit", collection="business_unit_system_users", on_delete="restrict"),
        schema_name="SystemUser",
        primary_name="fullname",
        display_name="User",
        code=8,
    )
    roles = Association("systemuserroles", "systemuserid", "roleid", "role")
    systemuser[0].associations["systemuserroles_association"] = roles
    usersettings = table(
        "usersettings",
        "usersettingscollection",
        integer("timezonecode"),
        integer("uilanguageid"),
        integer("localeid"),
        lookup("transactioncurrencyid", "transactioncurrency", collection="transactioncurrency_usersettings"),
        schema_name="UserSettings",
        primary_id="systemuserid",
        primary_name="",
        code=150,
    )
    organization = table(
        "organization",
        "organizations",
        text("name", 160),
        lookup("basecurrencyid", "transactioncurrency", collection="basecurrency_organization"),
        integer("basecurrencyprecision"),
        text("basecurrencysymbol", 10),
        integer("pricingdecimalprecision", default=2),
        integer("currencydecimalprecision", default=2),
        choice("discountcalculationmethod", {0: "Line item", 1: "Per unit"}, default=0),
        boolean("oobpricecalculationenabled", True),
        integer("expirechangetrackingindays", default=7),
        integer("languagecode", default=1033),
        integer("localeid", default=1033),
        code=1019,
    )
    return [businessunit, systemuser, usersettings, organization, currency_table()]


def currency_table() -> tuple[Table, list[Column]]:
    return table(
        "transactioncurrency",
        "transactioncurrencies",
        text("currencyname", 100, required=True),
        text("isocurrencycode", 5, required=True, updatable=False),
        text("currencysymbol", 10, default=""),
        integer("currencyprecision", default=2, minimum=Decimal(0), maximum=Decimal(10)),
        decimal("exchangerate", 12, required=True, minimum=Decimal("1e-12"), maximum=Decimal(10) ** 11),
        schema_name="TransactionCurrency",
        primary_name="currencyname",
        display_name="Currency",
        code=9105,
    )


def event_tables() -> list[tuple[Table, list[Column]]]:
    """Registration of steps and endpoints, and the jobs that carry events out."""
    serviceendpoint = table(
        "serviceendpoint",
        "serviceendpoints",
        text("name", 256, required=True),
        text("url", 2000),
        text("path", 160),
        text("solutionnamespace", 160),
        text("namespaceaddress", 160),
        choice("contract", CONTRACTS, required=True),
        choice("authtype", AUTH_TYPES),
        choice("connectionmode", {1: "Normal", 2: "Federated"}, default=1),
        choice("messageformat", {1: "Binary XML", 2: "Json", 3: "Text XML"}),
        choice("messagecharset", {0: "Default", 1: "UTF-8"}),
        choice("userclaim", {1: "None", 2: "UserId", 3: "UserInfo"}),
        choice("namespaceformat", {1: "Namespace Name", 2: "Namespace Address"}),
        memo("authvalue", 2048, write_only=True),
        text("saskeyname", 256),
        text("saskey", 44, write_only=True),
        text("sastoken", 256, write_only=True),
        boolean("isauthvalueset", creatable=False, updatable=False),
        boolean("issaskeyset", creatable=False, updatable=False),
        boolean("issastokenset", creatable=False, updatable=False),
        memo("description", 1000),
        *managed(),
        schema_name="ServiceEndpoint",
        code=4618,
    )
    sdkmessage = table(
        "sdkmessage", "sdkmessages", text("name", 256), text("categoryname", 25), schema_name="SdkMessage", code=4606
    )
    sdkmessagefilter = table(
        "sdkmessagefilter",
        "sdkmessagefilters",
        text("primaryobjecttypecode", 64),
        text("secondaryobjecttypecode", 64),
        boolean("iscustomprocessingstepallowed", True),
        lookup("sdkmessageid", "sdkmessage", collection="sdkmessageid_sdkmessagefilter"),
        text("name", 256),
        schema_name="SdkMessageFilter",
        code=4607,
    )
    return [serviceendpoint, sdkmessage, sdkmessagefilter, _step(), _image(), _job()]


def _step() -> tuple[Table, list[Column]]:
    return table(
        "sdkmessageprocessingstep",
        "sdkmessageprocessingsteps",
        text("name", 256),
        choice("mode", {0: "Synchronous", 1: "Asynchronous"}, default=0),
        choice("stage", STAGES, required=True),
        integer("rank", default=1),
        choice(
            "supporteddeployment",
            DEPLOYMENTS,
            default=0,
        ),
        choice("invocationsource", {-1: "Internal", 0: "Parent", 1: "Child"}, default=0),
        memo("filteringattributes", 100000),
        boolean("asyncautodelete", False),
        text("description", 256),
        lookup("sdkmessageid", "sdkmessage", collection="sdkmessageid_sdkmessageprocessingstep", required=True),
        lookup("sdkmessagefilterid", "sdkmessagefilter", collection="sdkmessagefilterid_sdkmessageprocessingstep"),
        lookup(
            "eventhandler",
            "serviceendpoint",
            "plugintype",
            collection="serviceendpoint_sdkmessageprocessingstep",
            on_delete="restrict",
            required=True,
        ),
        lookup("impersonatinguserid", "systemuser", collection="impersonatinguserid_sdkmessageprocessingstep"),
        state({0: "Enabled", 1: "Disabled"}),
        status({1: (0, "Enabled"), 2: (1, "Disabled")}),
        *managed(),
        schema_name="SdkMessageProcessingStep",
        code=4608,
    )


def _image() -> tuple[Table, list[Column]]:
    return table(
        "sdkmessageprocessingstepimage",
        "sdkmessageprocessingstepimages",
        text("name", 256),
        text("entityalias", 256, required=True),
        choice("imagetype", {0: "PreImage", 1: "PostImage", 2: "Both"}, required=True),
        text("messagepropertyname", 256, required=True),
        memo("attributes", 100000),
        text("description", 256),
        lookup(
            "sdkmessageprocessingstepid",
            "sdkmessageprocessingstep",
            collection="sdkmessageprocessingstepid_sdkmessageprocessingstepimage",
            on_delete="cascade",
            required=True,
        ),
        *managed(),
        schema_name="SdkMessageProcessingStepImage",
        code=4615,
    )


def _job() -> tuple[Table, list[Column]]:
    return table(
        "asyncoperation",
        "asyncoperations",
        text("name", 256),
        choice("operationtype", JOB_TYPES, default=1),
        text("messagename", 160),
        text("primaryentitytype", 128),
        guid("correlationid"),
        guid("requestid"),
        integer("depth", default=1),
        integer("retrycount", default=0),
        integer("errorcode"),
        memo("message", 1048576),
        memo("friendlymessage", 1048576),
        moment("startedon"),
        moment("completedon"),
        moment("postponeuntil"),
        lookup(
            "owningextensionid", "sdkmessageprocessingstep", collection="SdkMessageProcessingStep_AsyncOperations"
        ),
        lookup("regardingobjectid", "invoice", "account", "contact", "invoicedetail", collection="AsyncOperations"),
        JOB_STATES,
        JOB_STATUSES,
        schema_name="AsyncOperation",
        display_name="System Job",
        ownership="user",
        code=4700,
    )


def system_tables() -> list[tuple[Table, list[Column]]]:
    return [*people_tables(), *event_tables(), *solution_tables()]
