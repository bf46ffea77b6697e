"""Rules of apps and their site maps."""

from __future__ import annotations

from collections.abc import Mapping

from solution.lint.findings import Complaints, Rule
from solution.lint.model import Package
from solution.lint.trees import Element, repeated, text

_TABLE, _SITE_MAP = "1", "62"
_SITE_MAPS = "AppModuleSiteMaps/AppModuleSiteMap"


def _components(app: Element, kind: str) -> list[Element]:
    found = app.iterfind("AppModuleComponents/AppModuleComponent")
    return [one for one in found if one.get("type") == kind]


def _site_maps(package: Package) -> Mapping[str, Element]:
    return {text(one, "SiteMapUniqueName").lower(): one for one in package.customizations.iterfind(_SITE_MAPS)}


def _names(package: Package) -> Complaints:
    for path, tag in (("AppModules/AppModule", "UniqueName"), (_SITE_MAPS, "SiteMapUniqueName")):
        found = [(one, text(one, tag)) for one in package.customizations.iterfind(path)]
        for one, name in found:
            if not name:
                yield one, f"{tag} says nothing."
        for one, name in repeated(found):
            yield one, f"Another one is called {name}, too."


def _parts(package: Package) -> Complaints:
    maps = _site_maps(package)
    for app in package.customizations.iterfind("AppModules/AppModule"):
        for one in app.iterfind("AppModuleComponents/AppModuleComponent"):
            name = one.get("schemaName", "")
            if not name and not one.get("id"):
                yield one, "The component has neither schemaName nor id."
            elif one.get("type") == _TABLE and package.lacks_table(name):
                yield one, f"The app has the table {name}, which is no table of the package."
            elif one.get("type") == _SITE_MAP and name.lower() not in maps and package.must_hold(name):
                yield one, f"The app has the site map {name}, which is not in the package."


def _areas(package: Package) -> Complaints:
    for site_map in _site_maps(package).values():
        for one, name in repeated((area, area.get("Id", "")) for area in site_map.iterfind("SiteMap/Area")):
            yield one, f"The site map has two areas of the id {name}."
        for one in site_map.iter("SubArea"):
            if not any(one.get(name) for name in ("Entity", "Url", "DefaultDashboard")):
                yield one, "The entry leads nowhere: neither Entity nor Url."


def _tables(package: Package) -> Complaints:
    for site_map in _site_maps(package).values():
        for one in site_map.iter("SubArea"):
            name = one.get("Entity", "")
            if package.lacks_table(name):
                yield one, f"The site map leads to {name}, which is no table of the package."


def _covered(package: Package) -> Complaints:
    maps = _site_maps(package)
    for app in package.customizations.iterfind("AppModules/AppModule"):
        has = {one.get("schemaName", "").lower() for one in _components(app, _TABLE)}
        for component in _components(app, _SITE_MAP):
            site_map = maps.get(component.get("schemaName", "").lower())
            for one in () if site_map is None else site_map.iter("SubArea"):
                name = one.get("Entity", "")
                if package.is_own(name) and name.lower() not in has:
                    yield (
                        one,
                        f"The site map leads to {name}, which is no component of the app {text(app, 'UniqueName')}.",
                    )


RULES = (
    Rule("app-name", "Apps and site maps have names, each its own.", _names),
    Rule("app-component", "What an app is made of is there.", _parts),
    Rule("site-map-area", "Areas have ids, each its own, and entries lead somewhere.", _areas),
    Rule("site-map-table", "Site maps lead to tables that are there.", _tables),
    Rule("app-table", "An app has the tables that its site map leads to.", _covered),
)
