"""The platform's own tables of customising: solutions and their parts, import jobs, roles, forms, views, apps."""

from __future__ import annotations

from simulators.dataverse.build import boolean, choice, guid, integer, lookup, memo, moment, table, text
from simulators.dataverse.schema import Association, Column, Table

FORM_TYPES = {0: "Dashboard", 2: "Main", 5: "Mobile - Express", 6: "Quick View Form", 7: "Quick Create", 11: "Card"}
COMPONENT_TYPES = {
    1: "Entity",
    2: "Attribute",
    9: "Option Set",
    10: "Entity Relationship",
    14: "Entity Key",
    20: "Role",
    26: "Saved Query",
    60: "System Form",
    62: "Site Map",
    80: "Model-driven App",
    92: "SDK Message Processing Step",
    93: "SDK Message Processing Step Image",
    95: "Service Endpoint",
}
BEHAVIORS = {0: "Include Subcomponents", 1: "Do not include subcomponents", 2: "Include As Shell Only"}
_LONG = 1_073_741_823
Definition = tuple[Table, list[Column]]


def managed() -> tuple[Column, Column]:
    """Whether a solution brought the row, and which."""
    return boolean("ismanaged", False, creatable=False, updatable=False), guid(
        "solutionid", creatable=False, updatable=False
    )


def solution_tables() -> list[Definition]:
    return [*_solutions(), *_roles(), *_interface()]


def _solutions() -> list[Definition]:
    publisher = table(
        "publisher",
        "publishers",
        text("uniquename", 256, required=True),
        text("friendlyname", 256, required=True),
        memo("description", 2000),
        text("customizationprefix", 8, required=True),
        integer("customizationoptionvalueprefix", required=True),
        boolean("isreadonly", False),
        primary_name="friendlyname",
        code=7101,
    )
    solution = table(
        "solution",
        "solutions",
        text("uniquename", 65, required=True),
        text("friendlyname", 256, required=True),
        memo("description", 2000),
        text("version", 256, required=True),
        text("solutionpackageversion", 256),
        boolean("ismanaged", False, creatable=False, updatable=False),
        boolean("isvisible", True),
        moment("installedon", creatable=False, updatable=False),
        moment("updatedon", creatable=False, updatable=False),
        lookup("publisherid", "publisher", collection="publisher_solution", on_delete="restrict", required=True),
        primary_name="friendlyname",
        code=7100,
    )
    component = table(
        "solutioncomponent",
        "solutioncomponents",
        choice("componenttype", COMPONENT_TYPES, required=True),
        guid("objectid", required=True),
        choice("rootcomponentbehavior", BEHAVIORS),
        boolean("ismetadata", False),
        lookup("solutionid", "solution", collection="solution_solutioncomponent", on_delete="cascade", required=True),
        schema_name="SolutionComponent",
        primary_name="",
        code=7103,
    )
    return [publisher, solution, component, _import_job()]


def _import_job() -> Definition:
    return table(
        "importjob",
        "importjobs",
        text("name", 256),
        text("solutionname", 256),
        guid("solutionid"),
        Column("progress", "double"),
        memo("data", _LONG),
        text("operationcontext", 256),
        text("importcontext", 256),
        moment("startedon"),
        moment("completedon"),
        schema_name="ImportJob",
        code=9107,
    )


def _roles() -> list[Definition]:
    template = table("roletemplate", "roletemplates", text("name", 100), schema_name="RoleTemplate", code=1037)
    role = table(
        "role",
        "roles",
        text("name", 100, required=True),
        lookup("businessunitid", "businessunit", collection="business_unit_roles", required=True),
        lookup("roletemplateid", "roletemplate", collection="role_template_roles", creatable=False, updatable=False),
        *managed(),
        code=1036,
    )
    depths = (boolean(f"canbe{depth}") for depth in ("basic", "local", "deep", "global"))
    privilege = table("privilege", "privileges", text("name", 100), integer("accessright"), *depths, code=1023)
    grants = table(
        "roleprivileges",
        "roleprivilegescollection",
        guid("roleid"),
        guid("privilegeid"),
        integer("privilegedepthmask"),
        schema_name="RolePrivileges",
        primary_id="roleprivilegeid",
        primary_name="",
        code=12,
    )
    roles_of_users = table(
        "systemuserroles",
        "systemuserrolescollection",
        guid("systemuserid"),
        guid("roleid"),
        schema_name="SystemUserRoles",
        primary_id="systemuserroleid",
        primary_name="",
        code=14,
    )
    of_role, of_privilege = role[0].associations, privilege[0].associations
    of_role["roleprivileges_association"] = Association("roleprivileges", "roleid", "privilegeid", "privilege")
    of_privilege["roleprivileges_association"] = Association("roleprivileges", "privilegeid", "roleid", "role")
    of_role["systemuserroles_association"] = Association("systemuserroles", "roleid", "systemuserid", "systemuser")
    of_role["appmoduleroles_association"] = Association("appmoduleroles", "roleid", "appmoduleid", "appmodule")
    return [template, role, privilege, grants, roles_of_users]


def _interface() -> list[Definition]:
    form = table(
        "systemform",
        "systemforms",
        text("name", 100, required=True),
        memo("description", 2000),
        text("objecttypecode", 64),
        choice("type", FORM_TYPES, required=True),
        memo("formxml", _LONG),
        choice("formactivationstate", {0: "Inactive", 1: "Active"}, default=1),
        choice("formpresentation", {0: "ClassicForm", 1: "AirForm", 2: "ConvertedICForm"}),
        boolean("isdefault", False),
        *managed(),
        schema_name="SystemForm",
        primary_id="formid",
        code=1030,
    )
    view = table(
        "savedquery",
        "savedqueries",
        text("name", 200, required=True),
        memo("description", 2000),
        text("returnedtypecode", 64, required=True),
        integer("querytype"),
        memo("fetchxml", _LONG),
        memo("layoutxml", _LONG),
        boolean("isdefault", False),
        boolean("isquickfindquery", False),
        boolean("isprivate", False),
        *managed(),
        schema_name="SavedQuery",
        code=1039,
    )
    return [form, view, *_apps()]


def _apps() -> list[Definition]:
    site_map = table(
        "sitemap",
        "sitemaps",
        text("sitemapname", 500),
        text("sitemapnameunique", 500),
        memo("sitemapxml", _LONG),
        boolean("isappaware", True),
        *managed(),
        schema_name="SiteMap",
        primary_name="sitemapname",
        code=4709,
    )
    app = table(
        "appmodule",
        "appmodules",
        text("name", 100, required=True),
        text("uniquename", 100, required=True),
        memo("description", 2000),
        integer("clienttype", default=4),
        integer("formfactor", default=1),
        guid("webresourceid"),
        *managed(),
        schema_name="AppModule",
        code=9800,
    )
    roles = table(
        "appmoduleroles",
        "appmodulerolescollection",
        guid("appmoduleid"),
        guid("roleid"),
        schema_name="AppModuleRoles",
        primary_id="appmoduleroleid",
        primary_name="",
        code=9805,
    )
    app[0].associations["appmoduleroles_association"] = Association("appmoduleroles", "appmoduleid", "roleid", "role")
    return [site_map, app, roles]
