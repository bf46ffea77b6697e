"""Xero's names of time zones: those of Windows, squeezed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from core.zones import find_zone
from mappers.zones import find_iana_name

SPECIFICATION = Path(__file__).parents[3] / "shared" / "reference" / "xero-openapi" / "xero_accounting.yaml"
GIVEN_UP = {"KAMCHATKASTANDARDTIME", "MIDATLANTICSTANDARDTIME"}  # Windows has no such zones any more


@pytest.mark.parametrize(
    ("xero", "iana"),
    [
        ("GMTSTANDARDTIME", "Europe/London"),
        ("NEWZEALANDSTANDARDTIME", "Pacific/Auckland"),
        ("AUSEASTERNSTANDARDTIME", "Australia/Sydney"),
        ("EASTERNSTANDARDTIME", "America/New_York"),
        ("WEUROPESTANDARDTIME", "Europe/Berlin"),
        ("CENTRALSTANDARDTIME(MEXICO)", "America/Mexico_City"),
        ("LINEISLANDSSTANDARDTIME", "Pacific/Kiritimati"),
        ("UTC02", "Etc/GMT+2"),
        ("UTC+12", "Etc/GMT-12"),
    ],
)
def test_the_squeezed_name_of_windows_gives_the_iana_name(xero: str, iana: str) -> None:
    """Rule B9."""
    assert find_iana_name(xero) == iana


@pytest.mark.parametrize("name", ["", "MARSSTANDARDTIME", *sorted(GIVEN_UP)])
def test_a_name_that_nobody_knows_gives_none(name: str) -> None:
    """Rather than a zone that is nearly right."""
    assert find_iana_name(name) is None


def test_every_zone_of_the_published_description_is_known() -> None:
    """Except those that Windows has given up."""
    if not SPECIFICATION.is_file():
        pytest.skip(f"Xero's published description is not at hand ({SPECIFICATION})")
    names = _published_zones()

    found = {name: find_iana_name(name) for name in names}

    assert len(names) > 100
    assert {name for name, iana in found.items() if iana is None} == GIVEN_UP
    assert all(find_zone(iana) is not None for iana in found.values() if iana)


def _published_zones() -> list[str]:
    """The one list in question; reading the whole description would take seconds."""
    lines = SPECIFICATION.read_text("utf-8").splitlines()
    start = lines.index("    TimeZone:") + 1
    end = next(number for number, line in enumerate(lines[start:], start) if not line.startswith("      "))
    described = yaml.safe_load("\n".join(lines[start:end]))
    return list(described["enum"])
