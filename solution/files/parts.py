"""What is no table: the security role, the webhook endpoint and its steps, the app with its area."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core import columns
from solution import role
from solution.files.xml import descriptions, localized_names, node, texts
from solution.names import DESCRIPTION, DISPLAY_NAME, LANGUAGE, VERSION, braced
from solution.views import plural_of
from solution.vocabulary import Step
from solution.webhook import ENDPOINT_ID, ENDPOINT_NAME, PLACEHOLDER_URL, STEPS

APP_NAME = "stl3_StellariseConnector"
# The same in every organisation (Microsoft's developer documentation; seen in exports).
MESSAGE_IDS = {
    "Create": "9ebdbb1b-ea3e-db11-86a7-000a3a5473e8",
    "Update": "20bebb1b-ea3e-db11-86a7-000a3a5473e8",
    "Delete": "a1bdbb1b-ea3e-db11-86a7-000a3a5473e8",
}
_PLUGIN = (
    "Microsoft.Crm.ServiceBus.WebhookPlugin, Microsoft.Crm.ServiceBus, Version=9.0.0.0, Culture=neutral, "
    "PublicKeyToken=31bf3856ad364e35"
)
_PLUGIN_ID = "fe4f0cdb-b254-4fa1-84f6-d58d0759b8b3"
_STOCK_ICON = "953b9fac-1e5e-e611-80d6-00155ded156f"  # of every app that brings none
WEBHOOK, HTTP_HEADER = "8", "5"
SERVICE_ENDPOINT = "4618"
ASYNCHRONOUS, POST_OPERATION, PRE_IMAGE = "1", "40", "0"
TABLE, SITE_MAP = "1", "62"


def roles() -> Iterator[Element]:
    named = sorted(role.privileges())
    yield node(
        "Role",
        node("IsCustomizable", "1"),
        node("RolePrivileges", *(node("RolePrivilege", name=name, level="Global") for name in named)),
        id=braced(role.ROLE_ID),
        name=role.ROLE_NAME,
    )


def service_endpoints() -> Iterator[Element]:
    yield node(
        "ServiceEndpoint",
        *texts(
            ConnectionMode="1",
            Contract=WEBHOOK,
            Description="Where Dynamics posts what happened to invoices. Set by the connector's installer.",
            Path="",
            SolutionNamespace="",
            UserClaim="1",
            IsCustomizable="1",  # else the address of an organisation could not be set
            AuthType=HTTP_HEADER,
            MessageFormat="2",
            NamespaceFormat="1",
            Url=PLACEHOLDER_URL,
        ),
        ServiceEndpointId=braced(ENDPOINT_ID),
        Name=ENDPOINT_NAME,
    )


def steps() -> Iterator[Element]:
    for step in sorted(STEPS, key=lambda one: one.name):
        yield node(
            "SdkMessageProcessingStep",
            *texts(
                PluginTypeName=_PLUGIN,
                PluginTypeId=_PLUGIN_ID,
                PrimaryEntity=step.table,
                AsyncAutoDelete="1",
                Description=step.name,
                FilteringAttributes=",".join(step.filter),
                InvocationSource="0",
                Mode=ASYNCHRONOUS,
                Rank="1",
                SdkMessageId=MESSAGE_IDS[step.message],
                EventHandler=braced(ENDPOINT_ID),
                EventHandlerTypeCode=SERVICE_ENDPOINT,
                Stage=POST_OPERATION,
                IsCustomizable="1",
                IsHidden="0",
                SupportedDeployment="0",
                IntroducedVersion=VERSION,
            ),
            node("SdkMessageProcessingStepImages", *_images(step)),
            SdkMessageProcessingStepId=braced(step.id),
            Name=step.name,
        )


def _images(step: Step) -> Iterator[Element]:
    if step.before:
        yield node(
            "SdkMessageProcessingStepImage",
            *texts(
                SdkMessageProcessingStepImageId=braced(step.image_id),
                Attributes=",".join(step.before),
                EntityAlias="before",
                ImageType=PRE_IMAGE,
                MessagePropertyName="Target",
                IsCustomizable="1",
            ),
            Name="before",
        )


def site_maps() -> Iterator[Element]:
    """Yield the app's only site map: one area, one group, the seven tables."""
    areas = [
        node(
            "SubArea",
            node("Titles", node("Title", LCID=LANGUAGE, Title=plural_of(table))),
            Id=f"subarea_{table.name}",
            Entity=table.name,
            Client="All,Outlook,OutlookLaptopClient,OutlookWorkstationClient,Web",
            AvailableOffline="true",
            PassParams="false",
            Sku="All,OnPremise,Live,SPLA",
        )
        for table in columns.TABLES
    ]
    titles = node("Titles", node("Title", LCID=LANGUAGE, Title=DISPLAY_NAME))
    group_titles = node("Titles", node("Title", LCID=LANGUAGE, Title="Xero"))
    group = node("Group", group_titles, *areas, Id="group_stl3_xero", IsProfile="false")
    area = node("Area", titles, group, Id="area_stl3_connector", ShowGroups="true")
    yield node(
        "AppModuleSiteMap",
        node("SiteMapUniqueName", APP_NAME),
        node("SiteMap", area, IntroducedVersion=VERSION),
        localized_names(DISPLAY_NAME),
    )


def apps() -> Iterator[Element]:
    components = [node("AppModuleComponent", type=TABLE, schemaName=table.name) for table in columns.TABLES]
    components.append(node("AppModuleComponent", type=SITE_MAP, schemaName=APP_NAME))
    yield node(
        "AppModule",
        *texts(
            UniqueName=APP_NAME, IntroducedVersion=VERSION, WebResourceId=_STOCK_ICON, FormFactor="1", ClientType="4"
        ),
        node("AppModuleComponents", *components),
        node("AppModuleRoleMaps", node("Role", id=braced(role.ROLE_ID))),
        localized_names(DISPLAY_NAME),
        descriptions(DESCRIPTION),
    )
