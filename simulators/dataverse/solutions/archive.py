"""From the bytes of a solution file to what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import InvalidOperation
from functools import lru_cache
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, XMLParser, fromstring
from zipfile import BadZipFile, ZipFile

from simulators.dataverse.metadata_documents import metadata_id
from simulators.dataverse.solutions.content import read_content
from simulators.dataverse.solutions.failing import (
    BAD_FILE,
    BAD_MANIFEST,
    NOT_WELL_FORMED,
    ImportFailed,
    failed,
    invalid_xml,
)
from simulators.dataverse.solutions.parts import (
    COLUMN,
    IMAGE,
    KEY,
    OPTION_SET,
    RELATIONSHIP,
    ROW_COMPONENTS,
    STEP,
    TABLE,
    Component,
    Content,
    Dependency,
    Manifest,
    Package,
    Publisher,
    Root,
)
from simulators.dataverse.solutions.xml import as_text, flag, guid, label, number, text

_FILES = ("solution.xml", "customizations.xml", "[Content_Types].xml")
_UNIQUE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_PREFIX = re.compile(r"(?!mscrm)[a-z][a-z0-9]{1,7}", re.IGNORECASE)
_OPTION_PREFIXES = range(10_000, 100_000)
_SHELL = 2


@lru_cache(maxsize=16)  # the same few files, over and over
def read_package(content: bytes) -> Package:
    """Return what a solution file holds; raises ImportFailed when it cannot be read as one."""
    manifest_root, content_root = _files(content)
    try:
        manifest = _manifest(manifest_root)
        described = read_content(content_root, manifest)
    except (ValueError, InvalidOperation) as error:
        raise invalid_xml(f"The value is invalid according to its datatype: {error}", "") from error
    return Package(manifest, described, tuple(_components(manifest, described)))


def read_manifest(content: bytes) -> Manifest | None:
    """Return only what the solution is called; None when even that cannot be read."""
    try:
        return read_package(content).manifest
    except ImportFailed:
        return None  # the import will say what is wrong


def _files(content: bytes) -> tuple[Element, Element]:
    try:
        with ZipFile(BytesIO(content)) as archive:
            names = {name.lower(): name for name in archive.namelist()}
            texts = [archive.read(names[name.lower()]) for name in _FILES]
    except (BadZipFile, KeyError) as error:
        message = (
            "The solution file is invalid. The compressed file must contain the following files at its root: "
            "solution.xml, customizations.xml, and [Content_Types].xml. Customization files exported from previous "
            "versions of Microsoft Dynamics 365 are not supported."
        )
        raise failed(BAD_FILE, message) from error
    try:
        manifest, customizations, _ = (fromstring(one, XMLParser()) for one in texts)  # noqa: S314
    except ParseError as error:
        message = "Invalid customization file. This file is not well formed."
        raise failed(NOT_WELL_FORMED, message) from error
    return manifest, customizations


def _manifest(root: Element) -> Manifest:
    found = root.find("SolutionManifest")
    if found is None:
        raise failed(BAD_MANIFEST, "Invalid Import File: solution.xml has no SolutionManifest.")
    made = Manifest(
        unique_name=text(found, "UniqueName"),
        friendly_name=label(found, "LocalizedNames/LocalizedName") or text(found, "UniqueName"),
        description=label(found, "Descriptions/Description"),
        version=text(found, "Version"),
        is_managed=flag(found, "Managed"),
        publisher=Publisher(
            unique_name=text(found, "Publisher/UniqueName"),
            friendly_name=label(found, "Publisher/LocalizedNames/LocalizedName"),
            description=label(found, "Publisher/Descriptions/Description"),
            prefix=text(found, "Publisher/CustomizationPrefix").lower(),
            option_prefix=number(found, "Publisher/CustomizationOptionValuePrefix") or 0,
        ),
        roots=tuple(_roots(found)),
        dependencies=tuple(_dependencies(found)),
    )
    _check_manifest(made)
    return made


def _check_manifest(manifest: Manifest) -> None:
    publisher = manifest.publisher
    checks = (
        (_UNIQUE_NAME.fullmatch(manifest.unique_name), "unique name", manifest.unique_name),
        (_VERSION.fullmatch(manifest.version), "version", manifest.version),
        (_UNIQUE_NAME.fullmatch(publisher.unique_name), "publisher's unique name", publisher.unique_name),
        (_PREFIX.fullmatch(publisher.prefix), "customization prefix", publisher.prefix),
        (publisher.option_prefix in _OPTION_PREFIXES, "option value prefix", publisher.option_prefix),
    )
    for holds, what, value in checks:
        if not holds:
            raise failed(BAD_MANIFEST, f"Invalid Import File: the {what} '{value}' is not valid.")


def _roots(manifest: Element) -> Iterator[Root]:
    for one in manifest.findall("RootComponents/RootComponent"):
        behavior = int(one.get("behavior") or 0)
        yield Root(int(one.get("type") or 0), (one.get("schemaName") or "").lower(), guid(one.get("id")), behavior)


def _dependencies(manifest: Element) -> Iterator[Dependency]:
    for one in manifest.findall("MissingDependencies/MissingDependency"):
        required, dependent = one.find("Required"), one.find("Dependent")
        if required is None or dependent is None:
            continue
        yield Dependency(
            required_type=int(required.get("type") or 0),
            required_name=(required.get("schemaName") or required.get("displayName") or guid(required.get("id"))),
            solution=required.get("solution") or "",
            dependent_type=int(dependent.get("type") or 0),
            dependent_name=(dependent.get("schemaName") or dependent.get("displayName") or guid(dependent.get("id"))),
            xml=as_text(one).strip(),
        )


def _components(manifest: Manifest, content: Content) -> Iterator[Component]:
    """Every component under the id by which the platform lists it."""
    behaviors = {(root.type, root.name or root.id): root.behavior for root in manifest.roots}
    for table in content.tables:
        name = table.name
        yield Component(TABLE, metadata_id(name), name, behaviors.get((TABLE, name), 0 if table.is_new else _SHELL))
        for column in table.columns:
            if column.is_custom:
                yield Component(COLUMN, metadata_id(name, column.name), f"{name}.{column.name}")
        for key in table.keys:
            yield Component(KEY, metadata_id("key", name, key.name), f"{name}.{key.name}")
    for link in content.links:
        relationship = metadata_id("relationship", link.table, link.column, link.target)
        yield Component(RELATIONSHIP, relationship, link.name)
    for shared in content.option_sets:
        yield Component(OPTION_SET, metadata_id("optionset", shared), shared, 0)
    for row in content.rows:
        assert row.type in ROW_COMPONENTS
        yield Component(row.type, row.id, row.name, behaviors.get((row.type, row.id), 0))
    for step in content.steps:
        yield Component(STEP, step.row.id, step.row.name, 0)
        for image in step.images:
            yield Component(IMAGE, image.id, image.name)
