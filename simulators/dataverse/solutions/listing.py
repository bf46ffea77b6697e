"""Which components a solution has, as rows."""

from __future__ import annotations

import uuid
from functools import cache

from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.schema import Ref
from simulators.dataverse.solutions.checking import find_solution
from simulators.dataverse.solutions.parts import ROW_COMPONENTS
from simulators.dataverse.store import Row

_IDS = uuid.UUID("6b1f0c5e-93b5-4a8b-8d5f-5d1f3c0a7e11")


@cache
def listing_id(solution: str, kind: int, object_id: str) -> str:
    """Return the id of the row that says that a component belongs to a solution."""
    return str(uuid.uuid5(_IDS, f"{solution}/{kind}/{object_id}"))


def listing(solution: str, kind: int, object_id: str, behavior: int | None) -> Row:
    """Return the columns of that row."""
    return {
        "componenttype": kind,
        "objectid": object_id,
        "rootcomponentbehavior": behavior,
        "ismetadata": kind not in ROW_COMPONENTS,
        "solutionid": Ref("solution", solution),
    }


def open_solution(env: Environment, unique_name: str) -> Row:
    """Return a solution to which components can be added; raises Refused when there is none by that name."""
    solution = find_solution(env, unique_name)
    if solution is None:
        raise Refused(404, "0x80040217", f"solution With Unique Name = {unique_name} Does Not Exist")
    if solution["ismanaged"]:
        raise bad_request("Components cannot be added to a managed solution.", "0x80040203")
    return solution


def list_component(env: Environment, unique_name: str, kind: int, object_id: str) -> None:
    """Put a component into an unmanaged solution."""
    solution = open_solution(env, unique_name)
    row_id = listing_id(solution["solutionid"], kind, object_id)
    row = listing(solution["solutionid"], kind, object_id, None)
    stamps = {"solutioncomponentid": row_id, "createdon": env.now(), "versionnumber": env.store.next_version()}
    with env.store.transaction():
        env.store.put("solutioncomponent", row_id, {n: v for n, v in (row | stamps).items() if v is not None})
