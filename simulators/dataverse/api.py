"""The Web API: from a request to the part that answers it."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.dataverse import actions
from simulators.dataverse.access import identify, origin_of
from simulators.dataverse.batching import serve_batch
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, unknown_resource
from simulators.dataverse.http import Answer, Request, error_answer
from simulators.dataverse.keys import split_path, split_segment
from simulators.dataverse.metadata import serve_metadata
from simulators.dataverse.query import read_parameters
from simulators.dataverse.rows_api import serve_rows
from simulators.dataverse.solutions.jobs import catch_up
from simulators.microsoft import MicrosoftLogin

_URL_MAX = 32_768


class Api:
    """Answers every call below /api/data; never raises."""

    def __init__(self, env: Environment, login: MicrosoftLogin) -> None:
        self._env = env
        self._login = login

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, root: str
    ) -> Answer:
        env = self._env
        request_id = ""
        try:
            if len(path) + len(query) > _URL_MAX:
                raise Refused(414, "0x0", "The request URI is too long.")
            tag = read_parameters(query).get("tag")
            with env.lock:
                catch_up(env)
                caller = identify(env, self._login, headers, origin_of(root), tag)
                request_id = caller.request_id
            with env.protection.enter(caller.user_id), env.lock:
                answer = self._guarded(Request(method, path, query, headers, body, root, caller))
            answer.headers |= env.protection.headers(caller.user_id)
        except Refused as refused:
            answer = error_answer(refused)
        answer.headers |= {"OData-Version": "4.0", "REQ_ID": request_id, "x-ms-service-request-id": request_id}
        return answer

    def _guarded(self, request: Request) -> Answer:
        try:
            return self.serve(request)
        except Refused as refused:
            return error_answer(refused)

    def serve(self, request: Request) -> Answer:
        """Answer one request; raises Refused."""
        env, segments = self._env, split_path(request.path)
        if not segments:
            raise unknown_resource("")
        if segments == ["$batch"]:
            if request.method != "POST":
                raise Refused(405, "0x80060888", "The $batch endpoint takes POST.")
            return serve_batch(env, request, self.serve)
        name, key = split_segment(segments[0])
        answer = actions.unbound(env, request, name.removeprefix(actions.NAMESPACE))
        if answer is not None:
            return answer
        table = env.schema.by_set.get(name)
        if table is None:
            return serve_metadata(env, request, segments)
        if len(segments) == 2 and segments[1].startswith(actions.NAMESPACE):
            action = segments[1].removeprefix(actions.NAMESPACE)
            if key is not None:
                return actions.bound_to_row(env, request, table, key, action)
            return actions.bound_to_set(env, request, table, action)
        return serve_rows(env, request, table, segments)
