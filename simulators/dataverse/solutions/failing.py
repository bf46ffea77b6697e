"""What can be wrong with an import, in the platform's codes and words."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.dataverse.errors import Refused
from simulators.dataverse.import_state import Failure

BAD_FILE = -2147188640
BAD_MANIFEST = -2147188736
NOT_WELL_FORMED = -2147188717
BAD_XML = -2147188710
BAD_NAME = -2147188638
BAD_ENDPOINT = -2147188621
BAD_STEP = -2147188714
FAILED = -2147188685
NOT_A_ROOT = -2147188678
ROOT_MISSING = -2147188705
DEPENDENCIES_MISSING = -2147188707
DEPENDENT_MISSING = -2147160010
WRONG_PUBLISHER = -2147188708
IS_UNMANAGED, IS_MANAGED = -2147188672, -2147188671
NOT_HIGHER = -2147187391
NO_PRIMARY_NAME = -2147204267
NO_OPTION_SET = -2147188679
NO_ATTRIBUTE = -2147217149
BAD_PRIVILEGE = -2147188648
BAD_ROLE = -2147188713
BAD_ARGUMENT = -2147220989
IN_USE = -2147160033


class ImportFailed(Refused):
    """The package cannot be imported; nothing of it was."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(400, hexadecimal(failures[0].code), failures[0].message)
        self.failures = tuple(failures)


def hexadecimal(code: int) -> str:
    """Return an error code as answers show it."""
    return f"0x{code & 0xFFFFFFFF:08x}"


def failed(code: int, message: str, kind: str = "", name: str = "") -> ImportFailed:
    return ImportFailed([Failure(code, message, kind, name)])


def invalid_xml(detail: str, near: str) -> ImportFailed:
    message = (
        f"The import file is invalid. XSD validation failed with the following error: '{detail}'. "
        f"The validation failed at: '...{near} <<<<<ERROR LOCATION>>>>>...'."
    )
    return failed(BAD_XML, message)
