"""The package as a zip: what is in it, read within limits, whatever the bytes are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from solution.lint.findings import Finding
from solution.lint.trees import Element, Unreadable, parse, repeated

MANIFEST, CUSTOMIZATIONS, CONTENT_TYPES = "solution.xml", "customizations.xml", "[Content_Types].xml"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_ROOTS = {MANIFEST: "ImportExportXml", CUSTOMIZATIONS: "ImportExportXml", CONTENT_TYPES: f"{TYPES}Types"}
ENTRIES_MAX = 20_000
DOCUMENT_BYTES_MAX = 64 * 2**20
PACKAGE_BYTES_MAX = 512 * 2**20
# All that zipfile and zlib raise about bytes that are no good zip, passwords and unknown versions included.
_BROKEN = (BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError, OverflowError)

RULES = {
    "zip": "The package is a zip that can be read to the end: not cut off, not encrypted, stored or deflated.",
    "zip-size": "The package holds no more than 20,000 files, 512 MiB in all and 64 MiB in each of its documents.",
    "zip-names": "Files have relative names without `..`, with forward slashes, and no two have the same.",
    "file-missing": "solution.xml, customizations.xml and [Content_Types].xml stand in the root of the package.",
    "xml-encoding": "Documents are UTF-8.",
    "xml-well-formed": "Documents are well-formed XML.",
    "xml-doctype": "Documents have no DOCTYPE.",
    "xml-root": "The root elements are ImportExportXml and, of the content types, Types in its namespace.",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What could be read: every file with its checksum, the documents by name, and what was wrong."""

    parts: Mapping[str, int]
    documents: Mapping[str, Element]
    findings: tuple[Finding, ...]

    @property
    def is_complete(self) -> bool:
        return self.documents.keys() == _ROOTS.keys()


def read(package: bytes) -> Contents:
    """Return what the package holds. Raises nothing: what cannot be read is among the findings."""
    try:
        with ZipFile(BytesIO(package)) as archive:
            return _contents(archive)
    except _BROKEN as error:
        return Contents({}, {}, (Finding("zip", "", "", f"This is no zip that can be read: {error}."),))


def _contents(archive: ZipFile) -> Contents:
    entries = archive.infolist()
    findings = [*_on_sizes(entries), *_on_names(entries)]
    parts = {entry.filename: entry.CRC for entry in entries if not entry.is_dir()}
    documents: dict[str, Element] = {}
    for name in _ROOTS:
        try:
            documents[name] = _document(archive, name)
        except Unreadable as error:
            findings.append(Finding(error.rule, name, "", str(error)))
    return Contents(parts, documents, tuple(findings))


def _document(archive: ZipFile, name: str) -> Element:
    if name not in archive.namelist():
        raise Unreadable("file-missing", f"The package has no {name} in its root; an import refuses it.")
    root = parse(_bytes(archive, archive.getinfo(name)), name)
    if root.tag != _ROOTS[name]:
        raise Unreadable("xml-root", f"The root element is {root.tag}; it should be {_ROOTS[name]}.")
    return root


def _bytes(archive: ZipFile, entry: ZipInfo) -> bytes:
    # Checked before anything is unpacked: other methods can ask for memory without end.
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Unreadable("zip", f"The file is compressed by method {entry.compress_type}; solutions are deflated.")
    try:
        with archive.open(entry) as stream:
            # One more than allowed, since the size that the entry declares may be a lie.
            content = b"" if entry.file_size > DOCUMENT_BYTES_MAX else stream.read(DOCUMENT_BYTES_MAX + 1)
    except _BROKEN as error:
        raise Unreadable("zip", f"The file cannot be unpacked: {error}.") from error
    if max(entry.file_size, len(content)) > DOCUMENT_BYTES_MAX:
        raise Unreadable("zip-size", f"The file is larger than {DOCUMENT_BYTES_MAX // 2**20} MiB.")
    return content


def _on_sizes(entries: list[ZipInfo]) -> Iterator[Finding]:
    if len(entries) > ENTRIES_MAX:
        message = f"The package holds {len(entries):,} files; more than {ENTRIES_MAX:,} are not a solution."
        yield Finding("zip-size", "", "", message)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > PACKAGE_BYTES_MAX:
        message = f"Unpacked, the package has {unpacked:,} bytes; the limit is {PACKAGE_BYTES_MAX // 2**20} MiB."
        yield Finding("zip-size", "", "", message)


def _on_names(entries: list[ZipInfo]) -> Iterator[Finding]:
    for entry in entries:
        name = entry.orig_filename
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/") or "\0" in name:
            message = "The name is not a relative path inside of the package, with forward slashes."
            yield Finding("zip-names", name, "", message)
    for entry, _ in repeated((entry, entry.filename) for entry in entries):
        yield Finding("zip-names", entry.filename, "", "Another file of the package has the same name.")
