"""The package: the same bytes everywhere, all that rule A names, and nothing that people should not be able to do."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from core import columns
from core.tables import NAME, PREFIX
from solution.files.documents import content_types, customizations, manifest
from solution.forms import FORMS, INVOICE
from solution.names import VERSION, relationship_name
from solution.package import build, file_name, sha256
from solution.picture import draw_form
from solution.role import ROLE_ID, privileges
from solution.standard import STANDARD
from solution.views import VIEWS
from solution.vocabulary import SubGrid
from solution.webhook import ENDPOINT_ID, PLACEHOLDER_URL, STEPS

ROOT = Path(__file__).parents[2]
IDS = Path(__file__).parent / "solution_ids.json"
SUMS = Path(__file__).parent / "solution_sums.json"
OWN = [table.name for table in columns.TABLES]


@pytest.fixture(scope="module")
def root() -> ET.Element:
    return ET.fromstring(customizations())


def entity(root: ET.Element, name: str) -> ET.Element:
    (found,) = (one for one in root.iter("Entity") if one.findtext("Name", "").lower() == name)
    return found


def controls(form: str, table: str) -> dict[str, ET.Element]:
    root = ET.fromstring(customizations())
    for one in entity(root, table).iter("systemform"):
        shown = one.find("LocalizedNames/LocalizedName")
        if shown is not None and shown.get("description") == form:
            return {control.get("id", ""): control for control in one.iter("control")}
    raise AssertionError(f"{table} has no form {form}")


@pytest.mark.parametrize("managed", [True, False])
def test_the_package_is_the_same_to_the_byte_elsewhere_and_later(*, managed: bool) -> None:
    """Another process, another zone, another day, another order of hashes."""
    program = (
        "import time_machine, datetime; from solution.package import build, sha256\n"
        "with time_machine.travel(datetime.datetime(2031, 5, 6, tzinfo=datetime.UTC)):\n"
        f"    print(sha256(build(managed={managed})))"
    )
    environment = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )

    assert done.stdout.strip() == sha256(build(managed=managed))
    assert sha256(build(managed=managed)) == hashlib.sha256(build(managed=managed)).hexdigest()


def test_one_version_is_one_package() -> None:
    """Whoever builds it, wherever: an organisation that has a version is not given other content under its name."""
    sums = {name: sha256(build(managed=managed)) for name, managed in (("managed", True), ("unmanaged", False))}

    assert json.loads(SUMS.read_text("utf-8"))[VERSION] == sums, (
        "This version was another package: write the sums there, under a new version if it has been published"
    )


def test_the_two_packages_differ_in_one_word() -> None:
    managed, unmanaged = (manifest(managed=one, version=VERSION).decode() for one in (True, False))

    assert managed.replace("<Managed>1</Managed>", "<Managed>0</Managed>") == unmanaged
    assert file_name(managed=True) == "StellariseConnector_1_0_0_0_managed.zip"
    assert file_name(managed=False, version="1.2.0.4") == "StellariseConnector_1_2_0_4.zip"


def test_a_zip_of_three_files_without_compression(tmp_path: Path) -> None:
    (tmp_path / "made.zip").write_bytes(build(managed=True))

    with ZipFile(tmp_path / "made.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["[Content_Types].xml", "customizations.xml", "solution.xml"]
        assert archive.read("customizations.xml") == customizations()
        assert archive.read("[Content_Types].xml") == content_types()
        assert content_types().startswith(b"\xef\xbb\xbf<?xml")


def test_ids_never_change() -> None:
    """An upgrade finds forms, views, steps, role and endpoint by them; a new one is added to the file by hand."""
    ids = {f"form {form.table}: {form.name}": form.id for form in FORMS}
    ids |= {f"view {view.table}: {view.name}": view.id for view in VIEWS}
    ids |= {f"step {step.table}: {step.message}": step.id for step in STEPS}
    ids |= {f"image {step.table}: {step.message}": step.image_id for step in STEPS if step.before}
    ids |= {"role": ROLE_ID, "endpoint": ENDPOINT_ID}

    assert json.loads(IDS.read_text("utf-8")) == ids
    assert len(set(ids.values())) == len(ids)


def test_all_tables_and_columns_of_rule_a_are_there_with_their_descriptions(root: ET.Element) -> None:
    declared = {table.name: table.columns for table in columns.TABLES} | columns.ON_STANDARD_TABLES

    assert {one.findtext("Name", "").lower() for one in root.iter("Entity")} == set(declared)
    for name, own in declared.items():
        found = {one.findtext("LogicalName", ""): one for one in entity(root, name).iter("attribute")}
        assert {column.name for column in own} <= found.keys()
        for column in own:
            description = found[column.name].find("Descriptions/Description")
            assert description is not None
            assert description.get("description") == column.description
        custom = {column for column in found if column.startswith(PREFIX)}
        companions = {f"{column.name}_base" for column in own if column.kind == "money"}
        keys = {f"{name}id", NAME} if name in OWN else set()
        assert custom == {column.name for column in own} | companions | keys


def test_rows_survive_what_they_point_at(root: ET.Element) -> None:
    """Rule A: a deletion could not be carried to Xero otherwise."""
    found = {one.get("Name"): one.findtext("CascadeDelete") for one in root.iter("EntityRelationship")}
    lookups = [
        relationship_name(name, column.name)
        for name, own in (
            {table.name: table.columns for table in columns.TABLES} | columns.ON_STANDARD_TABLES
        ).items()
        for column in own
        if column.kind == "lookup"
    ]

    assert len(lookups) == len(set(lookups)) >= 12
    assert {found[name] for name in lookups} == {"RemoveLink"}


def test_every_table_of_ours_has_a_form_and_the_views_that_the_platform_expects(root: ET.Element) -> None:
    for name in OWN:
        forms = list(entity(root, name).iter("systemform"))
        kinds = sorted(one.findtext("querytype", "") for one in entity(root, name).iter("savedquery"))
        assert len(forms) == 1
        assert {"0", "1", "2", "4", "64"} <= set(kinds)
        assert kinds.count("0") >= 2


def test_on_xero_details_only_the_export_status_can_be_edited() -> None:
    details = controls("Xero Details", columns.DETAILS.name)
    history = controls("Sync History", columns.HISTORY.name)

    assert {name for name, control in details.items() if control.get("disabled") == "false"} == {"stl3_exportstatus"}
    assert {control.get("disabled") for control in history.values()} == {"true"}
    assert {column.name for column in columns.DETAILS.columns} <= details.keys()


def test_the_settings_can_be_edited_but_not_whose_they_are() -> None:
    settings = controls("Stellarise Connector Settings", columns.SETTINGS.name)

    locked = {name for name, control in settings.items() if control.get("disabled") == "true"}
    assert locked == {NAME, "stl3_connector", "stl3_connectionid"}


def test_the_invoice_form_shows_the_connection_the_details_and_the_history() -> None:
    invoice = controls("Stellarise Connector", "invoice")

    assert {column.name for column in columns.ON_STANDARD_TABLES["invoice"]} <= invoice.keys()
    grids = {name: control for name, control in invoice.items() if control.find("parameters") is not None}
    assert {name: grid.findtext("parameters/RelationshipName") for name, grid in grids.items()} == {
        "invoiceproducts": "invoice_details",
        "xerodetails": "stl3_xerodetails_invoice",
        "synchistory": "stl3_synchistory_invoice",
    }
    assert invoice["stl3_amountdue"].get("disabled") == "true"


def test_our_forms_on_standard_tables_show_our_columns() -> None:
    product, account, contact = (
        controls("Invoice Product", "invoicedetail"),
        controls("Stellarise Connector", "account"),
        controls("Stellarise Connector", "contact"),
    )

    assert {"stl3_accountcode", "stl3_taxtype"} <= product.keys()
    for form in (account, contact):
        assert {"stl3_amountowed", "stl3_amountoverdue", "stl3_balancecurrency"} <= form.keys()
        assert form["stl3_amountowed"].get("disabled") == "true"


def test_of_standard_tables_nothing_is_changed_but_what_we_add(root: ET.Element) -> None:
    for name in STANDARD:
        (info,) = entity(root, name).iterfind("EntityInfo/entity")
        assert [child.tag for child in info] == ["attributes"]
        assert all(one.get("PhysicalName", "").startswith(PREFIX) for one in info.iter("attribute"))


def test_the_role_has_the_least_rights() -> None:
    """Rule A: no deleting anywhere, no creating of invoices, accounts and contacts."""
    named = set(privileges())

    assert len(named) == len(list(privileges()))
    assert not any(name.startswith(("prvDelete", "prvAssign", "prvShare")) for name in named)
    created = {name for name in named if name.startswith("prvCreate")}
    assert created == {f"prvCreate{table}" for table in OWN}
    written = {name for name in named if name.startswith("prvWrite")}
    assert written == {f"prvWrite{table}" for table in (*OWN, "Invoice", "Account", "Contact")}
    assert {name for name in named if name.startswith("prvAppend") and "stl3" not in name} == {
        "prvAppendAccount",
        "prvAppendContact",
        *(f"prvAppendTo{name}" for name in ("Account", "Contact", "Invoice", "TransactionCurrency")),
    }
    assert {"prvReadProduct", "prvReadUser", "prvReadTransactionCurrency", "prvReadAsyncOperation"} <= named


def test_the_steps_are_those_that_somebody_reads(root: ET.Element) -> None:
    """All asynchronous, after the operation; a deletion brings what was."""
    found = {(one.findtext("PrimaryEntity"), one.get("Name")): one for one in root.iter("SdkMessageProcessingStep")}

    assert len(found) == len(STEPS) == 10
    for step in found.values():
        assert (step.findtext("Mode"), step.findtext("Stage")) == ("1", "40")
        assert step.findtext("EventHandler") == f"{{{ENDPOINT_ID}}}"
    images = {
        one.get("Name", "").removeprefix("Stellarise Connector: "): image.findtext("Attributes")
        for one in root.iter("SdkMessageProcessingStep")
        for image in one.iter("SdkMessageProcessingStepImage")
    }
    assert images == {
        "Delete of invoice": "invoicenumber,name,stl3_connector",
        "Update of invoicedetail": "invoiceid",
        "Delete of invoicedetail": "invoiceid",
        "Update of stl3_xerodetails": "stl3_dynamicsinvoiceid",
    }


def test_no_address_and_no_secret_of_anybody_is_in_the_package(root: ET.Element) -> None:
    (endpoint,) = root.iter("ServiceEndpoint")

    assert endpoint.findtext("Url") == PLACEHOLDER_URL
    assert ".invalid/" in PLACEHOLDER_URL
    assert endpoint.find("AuthValue") is None
    assert b"&lt;settings" not in customizations()
    assert b"<settings" not in customizations()


def test_a_sub_grid_follows_a_relationship_and_a_view_that_are_there(root: ET.Element) -> None:
    relationships = {one.get("Name") for one in root.iter("EntityRelationship")} | {"invoice_details"}
    views = {one.findtext("savedqueryid") for one in root.iter("savedquery")}
    grids = [
        cell
        for tab in INVOICE.tabs
        for _, sections in tab.columns
        for section in sections
        for cell in section.cells
        if isinstance(cell, SubGrid)
    ]

    assert len(grids) == 3
    assert {grid.relationship for grid in grids} <= relationships
    assert {control.findtext("parameters/ViewId") for control in root.iter("control") if len(control)} <= views


def test_the_picture_in_the_documents_is_drawn_from_this_form() -> None:
    """`make docs` renews it."""
    drawn = (ROOT / "docs" / "pictures" / "invoice-form.svg").read_text("utf-8")

    assert drawn == draw_form(customizations(), INVOICE.id)
    assert ET.fromstring(drawn).tag.endswith("svg")
    for words in ("Connector", "Branding theme", "Xero details", "Sync history", "read only"):
        assert f">{words}</text>" in drawn


def test_an_unknown_form_is_not_drawn() -> None:
    with pytest.raises(KeyError):
        draw_form(customizations(), "no such form")
