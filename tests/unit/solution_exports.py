"""Excerpts of real exports, each put into a package around it, so that the rules that concern it can run."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from solution.lint.reading import CONTENT_TYPES, CUSTOMIZATIONS, MANIFEST
from solution.lint.trees import Element
from tests.unit.solution_packages import SAMPLES, zipped

_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/octet-stream"/></Types>'
)
# What rules need of what an excerpt is cut out of.
_OTHER_TABLES = "other tables of the package are not in the excerpt"
_ELSEWHERE = "relationships are not in the excerpt"
_OF_THE_FORM = {
    "form-label": "the excerpt ends before the name of the form",
    "sub-grid": _OTHER_TABLES,
    "sub-grid-relationship": _ELSEWHERE,
}
_OPTIONS = "global option sets are not in the excerpt"


def excerpts(name: str) -> list[Element]:
    """Return the elements of a file of excerpts; one of them ends in the middle of a word."""
    words = (SAMPLES / f"{name}.xml").read_bytes().removeprefix(b"\xef\xbb\xbf")
    parser = etree.XMLParser(recover=True, remove_comments=True, no_network=True, resolve_entities=False)
    return list(etree.fromstring(b"<excerpts>" + words + b"</excerpts>", parser))


@dataclass(slots=True)
class Export:
    """A package around excerpts; `unjudged` are rules that need more than them, with why."""

    name: str
    prefix: str
    managed: bool = False
    unjudged: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[Element]] = field(default_factory=dict)
    behavior: str = "0"
    option_prefix: str = "77564"

    def packed(self) -> bytes:
        customizations = etree.Element("ImportExportXml")
        order = (
            "Entities Roles EntityRelationships optionsets SdkMessageProcessingSteps ServiceEndpoints "
            "AppModuleSiteMaps AppModules"
        )
        for name in order.split():
            if name in self.parts:
                etree.SubElement(customizations, name).extend(self.parts[name])
        documents = {
            CUSTOMIZATIONS: customizations,
            MANIFEST: self._manifest(),
            CONTENT_TYPES: etree.fromstring(_TYPES),
        }
        return zipped({name: etree.tostring(root) for name, root in documents.items()})

    def _manifest(self) -> Element:
        roots = "".join(
            f'<RootComponent type="{kind}" {name} behavior="{behavior}"/>' for kind, name, behavior in self._roots()
        )
        return etree.fromstring(
            "<ImportExportXml><SolutionManifest><UniqueName>Export</UniqueName><Version>1.0.0.0</Version>"
            f"<Managed>{int(self.managed)}</Managed><Publisher><UniqueName>somebody</UniqueName>"
            f"<CustomizationPrefix>{self.prefix}</CustomizationPrefix>"
            f"<CustomizationOptionValuePrefix>{self.option_prefix}</CustomizationOptionValuePrefix></Publisher>"
            f"<RootComponents>{roots}</RootComponents><MissingDependencies/></SolutionManifest></ImportExportXml>"
        )

    def _roots(self) -> list[tuple[int, str, str]]:
        named = (
            (1, "Entities", "Name"),
            (9, "optionsets", "@Name"),
            (20, "Roles", "@id"),
            (62, "AppModuleSiteMaps", "SiteMapUniqueName"),
            (80, "AppModules", "UniqueName"),
            (92, "SdkMessageProcessingSteps", "@SdkMessageProcessingStepId"),
            (95, "ServiceEndpoints", "@ServiceEndpointId"),
        )
        found = []
        for kind, part, name in named:
            for one in self.parts.get(part, ()):
                called = one.get(name[1:], "") if name.startswith("@") else one.findtext(name) or ""
                attribute = f'id="{called}"' if kind in (20, 92, 95) else f'schemaName="{called.lower()}"'
                found.append((kind, attribute, self.behavior if kind == 1 else "0"))
        return found


def _table(name: str, *children: Element) -> Element:
    table = etree.fromstring(f"<Entity><Name LocalizedName='x' OriginalName=''>{name}</Name></Entity>")
    table.extend(children)
    return table


def _with_attributes(name: str, *attributes: Element) -> Element:
    table = _table(name, etree.fromstring(f"<EntityInfo><entity Name='{name}'><attributes/></entity></EntityInfo>"))
    place = table.find("EntityInfo/entity/attributes")
    assert place is not None
    place.extend(attributes)
    return table


def _prefix(attribute: Element) -> str:
    prefix, _, rest = attribute.get("PhysicalName", "").partition("_")
    return prefix.lower() if rest else "abc"


def _unjudged(attribute: Element) -> dict[str, str]:
    """What a column alone cannot show; columns of the platform itself are not judged so anyway."""
    if attribute.findtext("IsCustomField") != "1":
        return {}
    if attribute.findtext("FormulaDefinitionFileName"):
        return {"part-missing": "files beside the documents are not in the excerpt"}
    if attribute.find("OptionSetName") is not None:
        return {"option-set": _OPTIONS}
    elsewhere = {"lookup-relationship": _ELSEWHERE}
    alone = {"money-base": "the column beside it is not in the excerpt"}
    return {"lookup": elsewhere, "customer": elsewhere, "money": alone}.get(attribute.findtext("Type") or "", {})


def _option_prefix(attribute: Element) -> str:
    values = (one.get("value", "") for one in attribute.iter("option"))
    return next((value[:5] for value in values if len(value) == 9), "77564")


def _columns() -> list[Export]:
    (all_of_them,) = excerpts("attributes-by-type")
    return [
        Export(
            f"column of type {attribute.findtext('Type')}",
            _prefix(attribute),
            unjudged=_unjudged(attribute),
            parts={"Entities": [_with_attributes("Account", attribute)]},
            behavior="2",
            option_prefix=_option_prefix(attribute),
        )
        for attribute in all_of_them
    ]


def _tables() -> list[Export]:
    (whole,) = excerpts("custom-table-full")
    (relationships,), (sets,) = excerpts("relationships"), excerpts("optionsets")
    name, info = excerpts("system-table-columns-managed-behavior2")
    (task,) = excerpts("system-table-lookup-unmanaged-behavior0")
    (form,) = excerpts("system-table-new-form-managed")
    (keys,) = excerpts("entity-keys")
    account = etree.Element("Entity")
    account.extend((name, info))
    keyed = _with_attributes("Account")
    keyed.find("EntityInfo/entity").append(keys)  # type: ignore[union-attr]
    return [
        Export(
            "whole table with its relationships and option sets",
            "dem",
            unjudged={"relationship-table": _OTHER_TABLES},
            parts={"Entities": [whole], "EntityRelationships": list(relationships), "optionsets": list(sets)},
        ),
        Export("columns of a system table", "msnfp", True, {"option-set": _OPTIONS}, {"Entities": [account]}, "2"),
        Export(
            "lookup of a system table",
            "cr97b",
            False,
            {"lookup-relationship": _ELSEWHERE},
            {"Entities": [_table("Task", task)]},
        ),
        Export("form of a system table", "contoso", True, _OF_THE_FORM, {"Entities": [form]}, "2"),
        Export(
            "alternate keys",
            "mshied",
            False,
            {"alternate-key": "columns are not in the excerpt"},
            {"Entities": [keyed]},
            "2",
        ),
        Export("sub-grid", "abc", False, {}, {"Entities": [_with_sub_grid()]}, "2"),
    ]


def _with_sub_grid() -> Element:
    (cell,) = excerpts("subgrid-cell")
    form = etree.fromstring(
        "<FormXml><forms type='main'><systemform><formid>{8448b78f-8f42-454e-8e2a-f8196b0419af}</formid>"
        "<form><tabs><tab><columns><column><sections><section><rows><row/></rows></section></sections></column>"
        "</columns></tab></tabs></form><LocalizedNames><LocalizedName description='x' languagecode='1033'/>"
        "</LocalizedNames></systemform></forms></FormXml>"
    )
    next(form.iter("row")).append(cell)
    return _table("Account", form)


def _others() -> list[Export]:
    (roles,) = excerpts("roles")
    site_maps, apps = excerpts("appmodule-sitemap")
    hooks, hook_steps, queues, queue_steps = excerpts("webhook-serviceendpoint-and-steps")
    app = {"AppModuleSiteMaps": list(site_maps), "AppModules": list(apps)}
    return [
        Export("role", "sample", False, {"privilege-table": _OTHER_TABLES}, {"Roles": list(roles)}),
        Export("app", "dem", False, {"app-component": _OTHER_TABLES, "site-map-table": _OTHER_TABLES}, app),
        Export(
            "webhook",
            "ud",
            False,
            {},
            {"ServiceEndpoints": list(hooks), "SdkMessageProcessingSteps": list(hook_steps)},
        ),
        Export(
            "queue",
            "dem",
            False,
            {"step-table": _OTHER_TABLES},
            {"ServiceEndpoints": list(queues), "SdkMessageProcessingSteps": list(queue_steps)},
        ),
    ]


def exports() -> list[Export]:
    """Return every excerpt in a package; nothing where the excerpts are not."""
    return [*_columns(), *_tables(), *_others()] if SAMPLES.exists() else []
