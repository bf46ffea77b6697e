"""The three documents of a solution package."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from core import columns
from solution import role
from solution.files.parts import APP_NAME, apps, roles, service_endpoints, site_maps, steps
from solution.files.relationships import relationships
from solution.files.tables import entities
from solution.files.xml import XSI, descriptions, localized_names, node, render
from solution.forms import FORMS
from solution.names import (
    CUSTOMIZATION_PREFIX,
    DESCRIPTION,
    DISPLAY_NAME,
    LANGUAGE,
    OPTION_PREFIX,
    PUBLISHER,
    PUBLISHER_NAME,
    UNIQUE_NAME,
    braced,
)
from solution.standard import STANDARD
from solution.webhook import ENDPOINT_ID, STEPS

# Component types (Microsoft: solutioncomponent table).
TABLE, ROLE, FORM, SITE_MAP, APP, STEP, ENDPOINT = 1, 20, 60, 62, 80, 92, 95
WHOLE, ONLY_WHAT_IS_NAMED = "0", "2"
PLATFORM = "9.2.0.0"
_ADDRESS = (
    "AddressNumber",
    "AddressTypeCode",
    "City",
    "County",
    "Country",
    "Fax",
    "FreightTermsCode",
    "ImportSequenceNumber",
    "Latitude",
    "Line1",
    "Line2",
    "Line3",
    "Longitude",
    "Name",
    "PostalCode",
    "PostOfficeBox",
    "PrimaryContactName",
    "ShippingMethodCode",
    "StateOrProvince",
    "Telephone1",
    "Telephone2",
    "Telephone3",
    "TimeZoneRuleVersionNumber",
    "UPSZone",
    "UTCOffset",
    "UTCConversionTimeZoneCode",
)


def customizations(*, webhook: bool = True) -> bytes:
    """Return customizations.xml; it is the same in both packages. `webhook`: with the endpoint and its steps."""
    root = _root(
        node("Entities", *entities()),
        node("Roles", *roles()),
        node("Workflows"),
        node("FieldSecurityProfiles"),
        node("Templates"),
        node("EntityMaps"),
        node("EntityRelationships", *relationships()),
        node("OrganizationSettings"),
        node("optionsets"),
        node("CustomControls"),
        *_webhook_parts(webhook=webhook),
        node("AppModuleSiteMaps", *site_maps()),
        node("AppModules", *apps()),
        node("EntityDataProviders"),
        node("Languages", node("Language", LANGUAGE)),
    )
    return render(root)


def _webhook_parts(*, webhook: bool) -> Iterator[Element]:
    if webhook:
        yield node("SdkMessageProcessingSteps", *steps())
        yield node("ServiceEndpoints", *service_endpoints())


def manifest(*, managed: bool, version: str, webhook: bool = True) -> bytes:
    """Return solution.xml."""
    root = _root(
        node(
            "SolutionManifest",
            node("UniqueName", UNIQUE_NAME),
            localized_names(DISPLAY_NAME),
            descriptions(DESCRIPTION),
            node("Version", version),
            node("Managed", "1" if managed else "0"),
            _publisher(),
            node("RootComponents", *_root_components(webhook=webhook)),
            node("MissingDependencies"),
        ),
        version=PLATFORM,
        SolutionPackageVersion="9.2",
        languagecode=LANGUAGE,
        generatedBy="CrmLive",
    )
    return render(root)


def content_types() -> bytes:
    """Return `[Content_Types].xml`, with the byte order mark and the declaration that this file has."""
    octets = "application/octet-stream"
    types = node(
        "Types",
        node("Default", Extension="xml", ContentType=octets),
        xmlns="http://schemas.openxmlformats.org/package/2006/content-types",
    )
    return b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>' + render(types)


def _root(*children: Element, **attributes: str) -> Element:
    root = node("ImportExportXml", *children, **attributes)
    root.set("xmlns:xsi", XSI)
    return root


def _publisher() -> Element:
    return node(
        "Publisher",
        node("UniqueName", PUBLISHER),
        localized_names(PUBLISHER_NAME),
        descriptions(PUBLISHER_NAME),
        _nil("EMailAddress"),
        _nil("SupportingWebsiteUrl"),
        node("CustomizationPrefix", CUSTOMIZATION_PREFIX),
        node("CustomizationOptionValuePrefix", str(OPTION_PREFIX)),
        node("Addresses", *(_address(number) for number in ("1", "2"))),
    )


def _address(number: str) -> Element:
    known = {"AddressNumber": number, "AddressTypeCode": "1", "ShippingMethodCode": "1"}
    return node("Address", *(node(name, known[name]) if name in known else _nil(name) for name in _ADDRESS))


def _nil(name: str) -> Element:
    made = node(name)
    made.set("xsi:nil", "true")
    return made


def _root_components(*, webhook: bool) -> Iterator[Element]:
    for name in sorted((*(table.name for table in columns.TABLES), *STANDARD)):
        yield _component(TABLE, schema=name, behavior=ONLY_WHAT_IS_NAMED if name in STANDARD else WHOLE)
    yield _component(ROLE, id_=role.ROLE_ID)
    for form in sorted((form for form in FORMS if form.table in STANDARD), key=lambda form: form.id):
        yield _component(FORM, id_=form.id)
    yield _component(SITE_MAP, schema=APP_NAME)
    yield _component(APP, schema=APP_NAME)
    if webhook:
        yield from (_component(STEP, id_=step.id) for step in sorted(STEPS, key=lambda step: step.id))
        yield _component(ENDPOINT, id_=ENDPOINT_ID)


def _component(kind: int, *, schema: str = "", id_: str = "", behavior: str = WHOLE) -> Element:
    named = {"schemaName": schema} if schema else {"id": braced(id_)}
    return node("RootComponent", type=str(kind), **named, behavior=behavior)
