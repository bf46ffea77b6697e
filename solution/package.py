"""The solution package: a zip that is the same to the byte whenever and wherever it is built."""

from __future__ import annotations

import hashlib
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from solution.files.documents import content_types, customizations, manifest
from solution.names import UNIQUE_NAME, VERSION

_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier one


def build(*, managed: bool, version: str = VERSION, webhook: bool = True) -> bytes:
    """Return the package. Managed ones are for use, unmanaged ones for development.

    Without `webhook` the endpoint and its steps are left out, for an organisation that does not take them this way.
    """
    files = {
        "[Content_Types].xml": content_types(),
        "customizations.xml": customizations(webhook=webhook),
        "solution.xml": manifest(managed=managed, version=version, webhook=webhook),
    }
    packed = BytesIO()
    # Stored, not deflated: what zlib makes of the same bytes differs between its builds.
    with ZipFile(packed, "w", ZIP_STORED) as archive:
        for name, content in files.items():
            entry = ZipInfo(name, _FIRST_MOMENT)
            entry.create_system = 0
            archive.writestr(entry, content)
    return packed.getvalue()


def file_name(*, managed: bool, version: str = VERSION) -> str:
    """Return what the file is called, as exports are."""
    return f"{UNIQUE_NAME}_{version.replace('.', '_')}{'_managed' if managed else ''}.zip"


def sha256(package: bytes) -> str:
    return hashlib.sha256(package).hexdigest()
