"""Which state an invoice, or any row, may go to."""

from __future__ import annotations

from typing import NamedTuple

from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.schema import Column, Table

ACTIVE, CLOSED, PAID, CANCELED = 0, 1, 2, 3


class State(NamedTuple):
    """A state with the status reason inside it."""

    state: int
    status: int


def default_status(table: Table, state: int) -> int:
    statuses: Column = table.columns["statuscode"]
    for status, of_state in statuses.state_of_status.items():
        if of_state == state:
            return status
    raise _invalid(table.logical_name, state, None)


def initial_state(table: Table, state: int | None, status: int | None) -> State:
    """The state of a new row; a status alone implies nothing and must fit the default state."""
    first = table.columns["statecode"].default if state is None else state
    return checked(table, first, status)


def checked(table: Table, state: int, status: int | None) -> State:
    """Complete a state with its default status; raises Refused when the two do not belong together."""
    if state not in table.columns["statecode"].options:
        raise _invalid(table.logical_name, state, status)
    if status is None:
        return State(state, default_status(table, state))
    if table.columns["statuscode"].state_of_status.get(status) != state:
        raise _invalid(table.logical_name, state, status)
    return State(state, status)


def next_state(table: Table, now: State, state: int | None, status: int | None) -> State:
    """Return where a change leads; raises Refused in Dataverse's words when it may not go there."""
    wanted = checked(table, now.state if state is None else state, status)
    if table.logical_name == "invoice":
        _check_invoice(now.state, wanted.state)
    return wanted


def _check_invoice(now: int, wanted: int) -> None:
    if wanted in (PAID, CLOSED) and now != ACTIVE:
        raise bad_request("The invoice cannot be paid because it is not in an active state.", "0x80100000")
    if wanted == CANCELED and now not in (ACTIVE, PAID):
        raise bad_request(
            "The invoice cannot be canceled because it is not in an active or paid state.", "0x80100001"
        )


def _invalid(table: str, state: int, status: int | None) -> Refused:
    return bad_request(f"{status} is not a valid status code for state code {state} on {table}.", "0x80048408")
