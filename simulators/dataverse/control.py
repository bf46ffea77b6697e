"""The control API of a simulated environment, for tests in other processes."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.dataverse.errors import Refused
from simulators.dataverse.http import error_answer
from simulators.dataverse.jsons import read_json, write_json
from simulators.dataverse.people import INVOICE_ACTS
from simulators.dataverse.solution_control import add_solution_routes
from simulators.wire import CONTROL_PREFIX

if TYPE_CHECKING:
    from simulators.dataverse.simulator import DataverseSimulator


def dataverse_control(simulator: DataverseSimulator) -> Blueprint:
    """Routes below /_control: customise, import-solution, tenants, apps, app-users, act, rows, moments, ..."""
    control = Blueprint("dataverse_control", __name__, url_prefix=CONTROL_PREFIX)

    @control.errorhandler(Refused)
    def refused(error: Refused) -> ResponseReturnValue:
        answer = error_answer(error)
        return Response(answer.body, answer.status, answer.headers)

    @control.post("/customise")
    def customise() -> ResponseReturnValue:
        simulator.customise(request.get_json())
        return jsonify(customised=True)

    @control.post("/act")
    def act() -> ResponseReturnValue:
        """{"user"?, "action": "create|update|delete|get", "set", "id"?, "row"?}; numbers may have decimals.

        Or an action of invoices: {"user"?, "action": "pay_invoice|cancel_invoice|activate_invoice", "id", "status"?}.
        """
        given = read_json(request.get_data())
        person = simulator.user(given.get("user", "Sales user"))
        if given["action"] in INVOICE_ACTS:
            status = {"status": given["status"]} if "status" in given else {}
            getattr(person, given["action"])(given["id"], **status)
            return _json({"result": None})
        result = person.act(given["action"], given["set"], given.get("id", ""), given.get("row", {}))
        return _json({"result": result})

    @control.get("/rows/<set_name>")
    def rows(set_name: str) -> ResponseReturnValue:
        return _json({"rows": simulator.rows(set_name)})

    @control.get("/moments/<set_name>")
    def moments(set_name: str) -> ResponseReturnValue:
        """When each row was last written, to the microsecond: a stopwatch needs more than modifiedon's seconds."""
        return jsonify(moments={row_id: at.isoformat() for row_id, at in simulator.moments(set_name).items()})

    @control.post("/webhook-switches")
    def webhook_switches() -> ResponseReturnValue:
        """Any of the fields of WebhookSwitches."""
        known = {field.name for field in fields(simulator.switches)}
        for name, value in request.get_json().items():
            if name not in known:
                return jsonify(error=f"there is no switch {name}"), 400
            setattr(simulator.switches, name, value)
        return jsonify(asdict(simulator.switches))

    _add_access_routes(control, simulator)
    add_solution_routes(control, simulator)
    _add_accident_routes(control, simulator)
    return control


def _add_accident_routes(control: Blueprint, simulator: DataverseSimulator) -> None:
    @control.post("/currencies")
    def add_currency() -> ResponseReturnValue:
        """{"code", "rate", "precision"?, "symbol"?}"""
        given = read_json(request.get_data())
        made = simulator.add_currency(
            given["code"],
            rate=Decimal(str(given["rate"])),
            precision=given.get("precision", 2),
            symbol=given.get("symbol"),
        )
        return _json({"transactioncurrencyid": made})

    @control.post("/organization")
    def set_organization() -> ResponseReturnValue:
        """The organisation's settings by column name."""
        simulator.set_organization(**read_json(request.get_data()))
        return _json({"changed": True})

    @control.post("/missing-currency")
    def set_missing_currency() -> ResponseReturnValue:
        """{"does": "filled|refused"}"""
        simulator.set_missing_currency(request.get_json()["does"])
        return jsonify(request.get_json())

    @control.post("/lose-row")
    def lose_row() -> ResponseReturnValue:
        """{"set", "id", "links"?: "kept|cleared"}"""
        given = request.get_json()
        simulator.lose_row(given["set"], given["id"], links=given.get("links", "kept"))
        return _json({"lost": given["id"]})

    @control.post("/overwrite")
    def overwrite() -> ResponseReturnValue:
        """{"set", "id", "row"}"""
        given = read_json(request.get_data())
        simulator.overwrite(given["set"], given["id"], given["row"])
        return _json({"overwritten": given["id"]})


def _add_access_routes(control: Blueprint, simulator: DataverseSimulator) -> None:
    @control.post("/tenants")
    def add_tenant() -> ResponseReturnValue:
        """{"tenant_id": ..., "people": ["user@contoso.com"]}"""
        given = request.get_json()
        simulator.login.add_tenant(given["tenant_id"])
        people = {name: simulator.login.add_person(given["tenant_id"], name) for name in given.get("people", [])}
        return jsonify(people=people)

    @control.post("/apps")
    def add_app() -> ResponseReturnValue:
        """{"tenant_id", "client_id", "client_secret", "secret_expires_at"?}"""
        given = request.get_json()
        expires_at = given.get("secret_expires_at")
        object_id = simulator.login.add_app(
            given["tenant_id"],
            client_id=given["client_id"],
            client_secret=given["client_secret"],
            secret_expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        )
        return jsonify(object_id=object_id)

    @control.post("/privileges")
    def set_privilege() -> ResponseReturnValue:
        """{"user_id", "privilege": "prvWriteInvoice", "allowed": false}"""
        given = request.get_json()
        change = simulator.allow if given.get("allowed", False) else simulator.deny
        change(given["user_id"], given["privilege"])
        return jsonify(given)

    @control.post("/app-users")
    def add_app_user() -> ResponseReturnValue:
        """{"client_id", "roles"?}"""
        given = request.get_json()
        user_id = simulator.add_app_user(given["client_id"], tuple(given.get("roles", ("connector",))))
        return jsonify(systemuserid=user_id)


def _json(document: Any) -> Response:
    return Response(write_json(document), 200, {"Content-Type": "application/json"})
