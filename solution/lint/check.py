"""All rules over one package: what `connector solution lint` says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from solution.lint import (
    apps,
    choices,
    columns,
    forms,
    ids,
    manifest,
    messages,
    reading,
    relationships,
    roles,
    tables,
    twins,
    views,
    vocabulary,
    xsd,
)
from solution.lint.findings import Finding, Rule
from solution.lint.model import package_of
from solution.lint.reading import CONTENT_TYPES, CUSTOMIZATIONS, MANIFEST

_SUBJECTS = (
    manifest,
    vocabulary,
    ids,
    tables,
    columns,
    choices,
    relationships,
    forms,
    views,
    roles,
    messages,
    apps,
)
_RULES: tuple[Rule, ...] = tuple(rule for subject in _SUBJECTS for rule in subject.RULES)
# Every rule by its name, with what holds in a good package.
RULES: Mapping[str, str] = {
    **reading.RULES,
    **{rule.name: rule.says for rule in _RULES},
    **xsd.RULES,
    **twins.RULES,
}


def check(package: bytes, *, schemas: Path | None = None) -> list[Finding]:
    """Return what is wrong in a package, whatever its bytes are; nothing if all is well. Raises nothing.

    `schemas` is the folder of Microsoft's schemas; without it customizations.xml is not validated by them.
    """
    contents = reading.read(package)
    documents, found = contents.documents, list(contents.findings)
    if contents.is_complete:
        whole = package_of(
            frozenset(contents.parts), documents[CONTENT_TYPES], documents[MANIFEST], documents[CUSTOMIZATIONS]
        )
        found += [finding for rule in _RULES for finding in rule.findings(whole)]
    if schemas is not None and CUSTOMIZATIONS in documents:
        found += xsd.validate(documents[CUSTOMIZATIONS], schemas)
    return found
