"""The environment on the wire: Web API, log-in and control API as one Flask app."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.dataverse.control import dataverse_control
from simulators.microsoft_web import login_blueprint
from simulators.serving import Simulated

if TYPE_CHECKING:
    from simulators.dataverse.simulator import DataverseSimulator

_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


def create_app(simulator: DataverseSimulator) -> Flask:
    """Return the app; the control API's common part is registered by the simulator."""
    app = Simulated(__name__)
    app.register_blueprint(login_blueprint(simulator.login))
    app.register_blueprint(dataverse_control(simulator))

    @app.route("/api/data/v9.<minor>/<path:path>", methods=_METHODS)
    def web_api(minor: str, path: str) -> ResponseReturnValue:
        parts = urlsplit(request.host_url)
        root = f"{parts.scheme}://{parts.netloc}/api/data/v9.{minor}/"
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = request.query_string.decode()
        answer = simulator.api.handle(request.method, path, query, headers, request.get_data(), root)
        response = Response(answer.body, answer.status, answer.headers)
        response.date = simulator.clock.now()  # the environment's own time, which its clients may rely on
        return response

    @app.get("/api/discovery/v2.0/Instances")
    def discovery() -> ResponseReturnValue:
        found = simulator.instances(request.headers.get("Authorization", ""))
        if found is None:
            return jsonify(error={"code": "", "message": "The token is not valid for this service."}), 401
        return jsonify(value=found)

    return app
