"""Refusals in Dataverse's own words: HTTP status, error code, message."""

from __future__ import annotations


class Refused(Exception):
    """The environment said no; `status`, `code` and `message` are what a client sees."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def not_found(table: str, row_id: str) -> Refused:
    return Refused(404, "0x80040217", f"Entity '{table}' With Id = {row_id} Does Not Exist")


def key_not_found(table: str) -> Refused:
    message = f"A record with the specified key values does not exist in {table} entity"
    return Refused(404, "0x80060891", message)


def bad_request(message: str, code: str = "0x80060888") -> Refused:
    return Refused(400, code, message)


def unknown_property(name: str, type_name: str) -> Refused:
    return bad_request(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{type_name}'.")


def unknown_resource(name: str) -> Refused:
    return Refused(404, "0x8006088a", f"Resource not found for the segment '{name}'.")


def duplicate_key(columns: str) -> Refused:
    message = (
        f"A record that has the attribute values {columns} already exists. "
        "The entity key requires that this set of attributes contains unique values. "
        "Select unique values and try again."
    )
    return Refused(412, "0x80060892", message)


def version_mismatch() -> Refused:
    message = "The version of the existing record doesn't match the RowVersion property provided."
    return Refused(412, "0x80060882", message)


def managed_stays(name: str, component_id: str) -> Refused:
    """What a managed solution brought goes with the solution only."""
    message = (
        f"The 'Delete' operation on the current component(name='{name}', id='{component_id}') failed during managed "
        "property evaluation of condition: 'Managed Property Name: iscustomizableanddeletable; Component Is Managed'"
    )
    return Refused(400, "0x8004f032", message)


def privilege_denied(user_id: str, privilege: str) -> Refused:
    message = f"Principal user (Id={user_id}, type=8, roleCount=1, privilegeCount=1) is missing {privilege} privilege"
    return Refused(403, "0x80040220", message)
