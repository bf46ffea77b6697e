"""The control API's part about solutions: importing one at once, and how imports go."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.dataverse.import_state import Failure

if TYPE_CHECKING:
    from simulators.dataverse.simulator import DataverseSimulator


def add_solution_routes(control: Blueprint, simulator: DataverseSimulator) -> None:
    @control.post("/import-solution")
    def import_solution() -> ResponseReturnValue:
        """{"package": base64, "enable_steps"?: true, "upgrade"?: false}"""
        given = request.get_json()
        simulator.import_solution(
            base64.b64decode(given["package"]),
            enable_steps=given.get("enable_steps", True),
            upgrade=given.get("upgrade", False),
        )
        return jsonify(imported=True)

    @control.post("/import-switches")
    def import_switches() -> ResponseReturnValue:
        """{"duration_s"?, "next_stage"?: [failure], "next_failures"?: [failure], "next_cancelled"?: true}

        A failure is {"code": -2147188706, "message", "kind"?: "entity", "name"?: "invoice"}.
        """
        given, switches = request.get_json(), simulator.imports
        switches.duration_s = given.get("duration_s", switches.duration_s)
        switches.next_cancelled = given.get("next_cancelled", switches.next_cancelled)
        switches.next_stage = _failures(given.get("next_stage", switches.next_stage))
        switches.next_failures = _failures(given.get("next_failures", switches.next_failures))
        return jsonify(duration_s=switches.duration_s, next_cancelled=switches.next_cancelled)


def _failures(given: Any) -> tuple[Failure, ...]:
    return tuple(one if isinstance(one, Failure) else Failure(**one) for one in given)
