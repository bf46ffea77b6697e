"""The linter on anything that calls itself a package: findings, never an exception, never the whole memory."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from lxml import etree

from solution.lint import check
from solution.lint.findings import FINDINGS_MAX
from solution.lint.reading import CONTENT_TYPES, CUSTOMIZATIONS, ENTRIES_MAX, MANIFEST, RULES
from solution.lint.trees import Element
from tests.unit.solution_packages import SCHEMAS, ours, unzipped, zipped

_BOMB = "<!DOCTYPE a [<!ENTITY a0 'aaaaaaaaaa'>{}]>".format(
    "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
)


def _rules(package: bytes) -> set[str]:
    found = check(package, schemas=SCHEMAS if SCHEMAS.exists() else None)
    assert all(finding.message and finding.rule for finding in found)
    return {finding.rule for finding in found}


def _with(name: str, content: bytes) -> bytes:
    return zipped(unzipped(ours(managed=True)) | {name: content})


def _customizations(change: Callable[[str], str], encoding: str = "utf-8") -> bytes:
    words = unzipped(ours(managed=True))[CUSTOMIZATIONS].decode()
    return _with(CUSTOMIZATIONS, change(words).encode(encoding))


@pytest.mark.parametrize(
    "package",
    [b"", b"PK", b"PK\x03\x04" + bytes(200), random.Random(1).randbytes(5000), b"<ImportExportXml/>"],
    ids=["empty", "two-letters", "zeros", "random", "xml"],
)
def test_what_is_no_zip(package: bytes) -> None:
    assert _rules(package) == {"zip"}


def test_a_zip_without_files() -> None:
    assert [(one.rule, one.file) for one in check(zipped({}))] == [
        ("file-missing", MANIFEST),
        ("file-missing", CUSTOMIZATIONS),
        ("file-missing", CONTENT_TYPES),
    ]


def test_documents_in_a_folder_are_missing_in_the_root() -> None:
    package = zipped({f"solution/{name}": content for name, content in unzipped(ours(managed=True)).items()})

    assert _rules(package) == {"file-missing"}


@pytest.mark.parametrize("size", range(0, 100, 7))
def test_a_zip_that_is_cut_off(size: int) -> None:
    whole = ours(managed=True)

    assert _rules(whole[: len(whole) * size // 100]) == {"zip"}


def test_a_zip_whose_content_is_damaged() -> None:
    whole = bytearray(ours(managed=True))
    place = whole.index(b"<Entities>")
    whole[place : place + 10] = b"<entities>"

    assert _rules(bytes(whole)) == {"zip"}


def test_a_package_that_unpacks_to_a_gigabyte() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in unzipped(ours(managed=True)).items():
            if name != CUSTOMIZATIONS:
                archive.writestr(name, content)
        with archive.open(CUSTOMIZATIONS, "w") as stream:
            for _ in range(1024):
                stream.write(bytes(2**20))

    assert _rules(packed.getvalue()) == {"zip-size"}


def test_a_package_that_hides_its_size() -> None:
    """The sizes in the list of files are whatever somebody wrote there."""
    package = bytearray(_with(CUSTOMIZATIONS, bytes(80 * 2**20)))
    size = (80 * 2**20).to_bytes(4, "little")
    hidden = package.replace(size, (100).to_bytes(4, "little"))

    assert _rules(bytes(hidden)) & {"zip", "zip-size", "xml-well-formed"}


def test_more_files_than_a_solution_has() -> None:
    files = unzipped(ours(managed=True)) | {f"{number}.xml": b"" for number in range(ENTRIES_MAX)}

    assert _rules(zipped(files)) == {"zip-size"}


@pytest.mark.parametrize(
    "name", ["/etc/passwd.xml", "../one.xml", "a/../../one.xml", "C:\\one.xml", "a\\..\\one.xml"]
)
def test_files_that_want_to_stand_elsewhere(name: str) -> None:
    assert _rules(_with(name, b"<x/>")) == {"zip-names"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name() -> None:
    packed = BytesIO(ours(managed=True))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(MANIFEST, "<ImportExportXml/>")

    assert "zip-names" in _rules(packed.getvalue())


def test_an_encrypted_file() -> None:
    package = bytearray(ours(managed=True))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = package.index(signature)
        package[place + offset] |= 1

    assert _rules(bytes(package)) == {"zip"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_compressed_in_another_way(method: int) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in unzipped(ours(managed=True)).items():
            archive.writestr(name, content)

    assert _rules(packed.getvalue()) == {"zip"}


@pytest.mark.parametrize(
    "change",
    [
        lambda words: _BOMB + words.replace("<Entities>", "<Entities>&a11;", 1),
        lambda words: _BOMB + words.replace("<Entity>", "<Entity a='&a11;'>", 1),
        lambda words: (
            "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + words.replace("Entities>", "Entities>&e;", 1)
        ),
        lambda words: "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/x.dtd'>" + words,
    ],
    ids=["bomb", "bomb-in-an-attribute", "external-entity", "external-dtd"],
)
def test_documents_that_expand_or_reach_out(change: Callable[[str], str]) -> None:
    assert _rules(_customizations(change)) & {"xml-doctype", "xml-well-formed"}


@pytest.mark.parametrize(
    "change",
    [
        lambda words: words[:-20],
        lambda words: words.replace("</Entity>", "", 1),
        lambda words: words.replace("<Entities>", "<Entities>&nothing;", 1),
        lambda words: words.replace("<Entities>", "<Entities>\0", 1),
        lambda _: "",
        lambda _: "<a>" * 100_000,
        lambda _: "<a " + " ".join(f"b{n}=''" for n in range(100_000)) + "<",
    ],
    ids=["cut-off", "unclosed", "unknown-entity", "nul", "empty", "deep", "wide"],
)
def test_documents_that_are_not_well_formed(change: Callable[[str], str]) -> None:
    assert _rules(_customizations(change)) == {"xml-well-formed"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_documents_in_another_encoding(encoding: str) -> None:
    assert _rules(_customizations(str, encoding)) & {"xml-encoding", "xml-well-formed"}


def test_a_declared_encoding_that_is_not_utf_8() -> None:
    assert _rules(_customizations(lambda words: f"<?xml version='1.0' encoding='utf-7'?>{words}")) == {"xml-encoding"}


def test_a_byte_order_mark_and_a_declaration_do_no_harm() -> None:
    declared = "\ufeff<?xml version='1.0' encoding='UTF-8'?><!-- made by hand --><?pi x?>"

    assert _rules(_customizations(lambda words: declared + words)) == set()


def test_another_root_element() -> None:
    assert _rules(_with(MANIFEST, b"<solution/>")) == {"xml-root"}
    assert _rules(_with(CONTENT_TYPES, b"<Types/>")) == {"xml-root"}


def test_documents_that_are_empty_but_for_their_roots() -> None:
    assert "solution-name" in _rules(_with(MANIFEST, b"<ImportExportXml/>"))
    assert "root-undefined" in _rules(_with(CUSTOMIZATIONS, b"<ImportExportXml xmlns:a='b'><a:x/></ImportExportXml>"))


def test_a_document_that_is_wrong_twenty_thousand_times() -> None:
    """What is said of it has an end, and is said in time."""
    wrong = "<IntroducedVersion>no</IntroducedVersion>" * 20_000

    found = check(_customizations(lambda words: words.replace("<Entities>", f"<Entities>{wrong}", 1)))

    assert len(found) == FINDINGS_MAX + 1
    assert found[-1].message == f"There are more than {FINDINGS_MAX} such findings."


def test_rules_of_reading_are_all_tried_here() -> None:
    assert RULES.keys() == {
        "zip",
        "zip-size",
        "zip-names",
        "file-missing",
        "xml-encoding",
        "xml-well-formed",
        "xml-doctype",
        "xml-root",
    }


@pytest.mark.parametrize("seed", range(40))
def test_documents_spoilt_at_random(seed: int) -> None:
    """Whatever is missing, doubled or nonsense in them: findings, and no exception."""
    chance = random.Random(seed)
    documents = {name: etree.fromstring(content) for name, content in unzipped(ours(managed=False)).items()}
    for root in documents.values():
        _spoil_at_random(root, chance)

    assert _rules(zipped({name: etree.tostring(root) for name, root in documents.items()}))


_NONSENSE = (
    "",
    " ",
    "-1",
    "0",
    "2",
    "NaN",
    "1E999999",
    "9" * 30,
    "{}",
    "{-}",
    "stl3_",
    "__",
    "é😀",
    "a.b.c",
    "%s",
    "https://[x",
)


def _spoil_at_random(root: Element, chance: random.Random) -> None:
    inner = list(root.iter())[1:]
    for element in chance.sample(inner, len(inner) // 10):
        parent = element.getparent()
        if parent is None:
            continue
        match chance.randrange(6):
            case 0:
                parent.remove(element)
            case 1:
                element.text = chance.choice(_NONSENSE)
            case 2:
                element.tag = chance.choice(inner).tag
            case 3:
                for name in list(element.attrib):
                    element.set(name, chance.choice(_NONSENSE))
            case 4:
                element.attrib.clear()
            case _:
                parent.insert(0, etree.fromstring(etree.tostring(element, with_tail=False)))
