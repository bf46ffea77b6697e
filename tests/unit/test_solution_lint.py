"""The linter: our packages are clean, every deliberate defect is found, real exports raise no alarm."""

from __future__ import annotations

import pytest
from lxml import etree

from solution.lint import RULES, Finding, check, differences, reading, twins, xsd
from solution.lint.reading import CUSTOMIZATIONS, MANIFEST
from tests.unit.solution_defects import CAUGHT_BY_SCHEMAS, FORM, GUID, MISSED_BY_SCHEMAS, TAX, Defect, column
from tests.unit.solution_defects_more import MORE
from tests.unit.solution_exports import Export, exports
from tests.unit.solution_packages import SAMPLES, SCHEMAS, add, both, drop, mark, ours, say, spoilt, unzipped, zipped

DEFECTS = (*CAUGHT_BY_SCHEMAS, *MISSED_BY_SCHEMAS, *MORE)
with_schemas = pytest.mark.skipif(not SCHEMAS.exists(), reason=f"Microsoft's schemas are not here ({SCHEMAS.name})")
with_samples = pytest.mark.skipif(not SAMPLES.exists(), reason=f"the excerpts are not here ({SAMPLES.name})")


@pytest.mark.parametrize("managed", [True, False])
def test_our_packages_are_clean(managed: bool) -> None:
    assert check(ours(managed=managed)) == []


@with_schemas
@pytest.mark.parametrize("managed", [True, False])
def test_our_packages_are_valid_by_microsofts_schemas(managed: bool) -> None:
    assert check(ours(managed=managed), schemas=SCHEMAS) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_every_defect_is_found(defect: Defect) -> None:
    """By the rule named with it, without Microsoft's schemas; where these are, they find what is said of them."""
    found = check(spoilt(defect.spoil), schemas=SCHEMAS if SCHEMAS.exists() else None)

    rules = {finding.rule for finding in found}
    assert defect.rule in rules
    assert "xsd" not in rules if not defect.by_schemas else "xsd" in rules or not SCHEMAS.exists()


def test_the_defects_are_those_that_the_schemas_were_tried_with_and_more() -> None:
    """The schemas miss most, which is why there are rules."""
    assert [len(CAUGHT_BY_SCHEMAS), len(MISSED_BY_SCHEMAS)] == [11, 23]
    assert all(defect.by_schemas for defect in CAUGHT_BY_SCHEMAS)
    assert not any(defect.by_schemas for defect in MISSED_BY_SCHEMAS)


def test_every_rule_is_broken_by_a_defect_and_has_a_description() -> None:
    elsewhere = {*reading.RULES, *xsd.RULES, *twins.RULES}  # by tests of their own

    assert {defect.rule for defect in DEFECTS} == RULES.keys() - elsewhere
    assert all(says.endswith(".") and len(says) < 120 for says in RULES.values())


def test_a_finding_says_where_and_what() -> None:
    package = spoilt(say(f"{column(TAX, 'stl3_code')}/Type", "string"))

    (finding,) = check(package)

    place = "Entities/Entity[stl3_taxtype]/EntityInfo/entity[stl3_taxtype]/attributes/attribute[stl3_code]"
    assert finding.file == CUSTOMIZATIONS
    assert finding.path.startswith(f"{place} (line ")
    assert finding.message == "'string' is no type of a column, such as nvarchar, ntext, int or picklist."
    assert str(finding).endswith("[column-type]")


@with_schemas
def test_what_the_schemas_find_has_the_same_places() -> None:
    package = spoilt(drop(f"{FORM}/formid"))

    (finding,) = [one for one in check(package, schemas=SCHEMAS) if one.rule == "xsd"]

    assert finding.path.startswith("Entities/Entity[Invoice]/FormXml/forms/systemform (line ")


def test_a_managed_package_may_edit_the_forms_of_others() -> None:
    edited = mark(f"{FORM}//tab", "ordinalvalue", "3")

    assert check(spoilt(edited, managed=True)) == []
    assert {finding.rule for finding in check(spoilt(edited))} == {"managed-edit"}


def test_a_package_that_builds_on_another_may_name_what_that_one_holds() -> None:
    """Solutions of one publisher build on each other, and exports say so."""
    required = "<Required type='1' schemaName='stl3_base' solution='Base (1.0)'/><Dependent/>"
    awaited = add("solution//MissingDependencies", f"<MissingDependency>{required}</MissingDependency>")
    elsewhere = mark("//SubArea", "Entity", "stl3_base")

    alone, with_base = check(spoilt(elsewhere)), check(spoilt(both(elsewhere, awaited)))

    assert {finding.rule for finding in alone} == {"site-map-table", "app-table"}
    assert {finding.rule for finding in with_base} == {"app-table"}


def test_options_that_are_all_outside_of_the_publishers_range_were_meant_so() -> None:
    options = f"{column('Invoice', 'stl3_invoicetype')}//option"
    package = spoilt(both(mark(f"{options}[1]", "value", "1"), mark(f"{options}[2]", "value", "2")))

    assert check(package) == []


@with_samples
@pytest.mark.parametrize("export", exports(), ids=lambda export: export.name)
def test_excerpts_of_real_exports_raise_no_alarm(export: Export) -> None:
    """But for the rules that need more of the export than the excerpt, each of which does complain."""
    found = check(export.packed())

    assert [str(one) for one in found if one.rule not in export.unjudged] == []
    assert export.unjudged.keys() == {one.rule for one in found}


@with_samples
def test_a_real_table_is_judged_as_a_whole() -> None:
    """Nothing found in it says something only because a column less is found."""
    (export,) = [one for one in exports() if one.name.startswith("whole table")]
    files = unzipped(export.packed())
    customizations = etree.fromstring(files[CUSTOMIZATIONS])
    (created,) = customizations.findall(".//attribute[@PhysicalName='CreatedOn']")
    customizations.find(".//attributes").remove(created)  # type: ignore[union-attr]

    found = check(zipped(files | {CUSTOMIZATIONS: etree.tostring(customizations)}))

    assert "standard-columns" in {one.rule for one in found}


def test_twins_differ_in_their_flag_only() -> None:
    assert differences(ours(managed=True), ours(managed=False)) == []


def test_twins_that_differ_in_more_are_told_apart() -> None:
    other = spoilt(say("solution//Version", "1.0.0.1"))
    changed = spoilt(say(f"{FORM}/formid", GUID))
    larger = zipped(unzipped(ours(managed=False)) | {"WebResources/one": b""})

    assert [one.file for one in differences(ours(managed=True), other)] == [MANIFEST]
    assert [one.file for one in differences(ours(managed=True), changed)] == [CUSTOMIZATIONS]
    assert [one.file for one in differences(ours(managed=True), larger)] == ["WebResources/one"]
    assert [one.path for one in differences(ours(managed=True), ours(managed=True))] == ["SolutionManifest/Managed"]
    assert differences(b"", ours(managed=False))


def test_a_folder_without_schemas_is_a_finding(tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = tmp_path_factory.mktemp("empty")

    found = check(ours(managed=True), schemas=empty) + check(ours(managed=True), schemas=empty / "nothing")

    assert [finding.rule for finding in found] == ["xsd", "xsd"]
    assert all(isinstance(finding, Finding) and "cannot be used" in finding.message for finding in found)
