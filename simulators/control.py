"""The part of the control API that every simulator has: time, faults, the log of calls."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.clock import Clock
from simulators.wire import CONTROL_PREFIX, Fault, Wire


def control_blueprint(clock: Clock, wire: Wire) -> Blueprint:
    """Routes below /_control for tests in other processes; in-process tests use `clock` and `wire` directly."""
    control = Blueprint("control", __name__, url_prefix=CONTROL_PREFIX)

    @control.post("/clock")
    def advance() -> ResponseReturnValue:
        """{"advance_s": 60} moves the simulator's time."""
        now = clock.advance(timedelta(seconds=float(request.get_json().get("advance_s", 0))))
        return jsonify(now=now.isoformat())

    @control.post("/faults")
    def inject() -> ResponseReturnValue:
        """The fields of `Fault` as JSON."""
        wire.inject(Fault(**request.get_json()))
        return jsonify(faults=len(wire.faults))

    @control.get("/faults")
    def planned() -> ResponseReturnValue:
        """How many faults are still planned, and how many calls a delay holds right now."""
        return jsonify(faults=len(wire.faults), held=wire.held)

    @control.delete("/faults")
    def release() -> ResponseReturnValue:
        wire.release()
        return jsonify(faults=0)

    @control.get("/calls")
    def calls() -> ResponseReturnValue:
        """The log of calls, oldest first; `?after=N` leaves out the first N."""
        after = int(request.args.get("after", 0))
        return jsonify(calls=[call.as_json() for call in list(wire.calls) if call.number > after])

    @control.delete("/calls")
    def forget() -> ResponseReturnValue:
        wire.forget_calls()
        return jsonify(calls=[])

    return control
