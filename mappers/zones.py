"""Xero's name of an organisation's time zone → the IANA name."""

from __future__ import annotations

import re

from tzlocal.windows_tz import win_tz

from core.zones import find_zone


def find_iana_name(xero_name: str) -> str | None:
    """Return the IANA name of what Xero calls `Timezone`; None for one that nobody knows.

    Xero writes the names of Windows in capitals and without blanks and most signs: GMTSTANDARDTIME is "GMT Standard
    Time", UTC02 is "UTC-02". Source: Xero OpenAPI, TimeZone; CLDR's table of Windows zones.
    """
    found = _BY_XERO_NAME.get(_squeezed(xero_name))
    return found if found and find_zone(found) else None


def _squeezed(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


_BY_XERO_NAME = {_squeezed(windows): iana for windows, iana in win_tz.items()}
assert len(_BY_XERO_NAME) == len(win_tz), "two zones of Windows have one name in Xero"
