"""Runs a `$batch`: changesets are all or nothing; a failure stops the rest unless the caller wants to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from simulators.dataverse.batch import (
    Changeset,
    Operation,
    no_batch_inside,
    parse_batch,
    write_batch,
    write_changeset,
    write_operation,
)  # fmt: skip
from simulators.dataverse.environment import Environment
from simulators.dataverse.errors import Refused, bad_request
from simulators.dataverse.http import Answer, Request, error_answer
from simulators.dataverse.keys import ROOT
from simulators.dataverse.payload_in import References
from simulators.dataverse.query import read_parameters

Serve = Callable[[Request], Answer]
"""Answers one request or raises Refused."""


class _Failed(Exception):
    """A changeset failed; carries the one answer that stands for all of it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def serve_batch(env: Environment, request: Request, serve: Serve) -> Answer:
    """Answer a batch. Without continue-on-error the first failure ends it and is also the status of the whole."""
    parts = parse_batch(request.headers.get("content-type", ""), request.body)
    goes_on = request.prefers("odata.continue-on-error") and request.preference("odata.continue-on-error") != "false"
    written: list[bytes] = []
    references: References = {}
    status = 200
    for part in parts:
        if isinstance(part, Changeset):
            failure = _run_changeset(env, request, part, serve, written)
        else:
            failure = _run_single(env, request, part, references, serve, written)
        if failure is not None and not goes_on:
            status = failure
            break
    boundary = f"batchresponse_{env.new_id()}"
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return Answer(status, headers, write_batch(boundary, written))


def _run_single(
    env: Environment,
    request: Request,
    operation: Operation,
    references: References,
    serve: Serve,
    written: list[bytes],
) -> int | None:
    answer = _run(env, request, operation, references, serve)
    written.append(write_operation(answer, operation.content_id))
    return answer.status if answer.status >= 400 else None


def _run_changeset(
    env: Environment, request: Request, changeset: Changeset, serve: Serve, written: list[bytes]
) -> int | None:
    references: References = {}
    parts: list[bytes] = []
    boundary = f"changesetresponse_{env.new_id()}"
    try:
        with env.transaction():
            for operation in changeset.operations:
                answer = _run(env, request, operation, references, serve)
                if answer.status >= 400:
                    raise _Failed(answer)
                parts.append(write_operation(answer, operation.content_id))
    except _Failed as failed:
        written.append(write_changeset(boundary, [write_operation(failed.answer)]))
        return failed.answer.status
    written.append(write_changeset(boundary, parts))
    return None


def _run(env: Environment, request: Request, operation: Operation, references: References, serve: Serve) -> Answer:
    try:
        no_batch_inside(operation)
        accident = env.refuse_part(operation.method, operation.url)
        if accident is not None:
            raise accident
        answer = serve(_inner_request(request, operation, references))
    except Refused as refused:
        answer = error_answer(refused)
        answer.headers["REQ_ID"] = request.caller.request_id
    answer.headers["OData-Version"] = "4.0"
    made = answer.headers.get("OData-EntityId")
    if operation.content_id and made and answer.status < 400:
        references[f"${operation.content_id}"] = made.removeprefix(request.root)
    return answer


def _inner_request(request: Request, operation: Operation, references: References) -> Request:
    url = urlsplit(_resolve(operation.url, references))
    path = unquote(url.path)
    tag = read_parameters(url.query).get("tag", request.caller.tag)
    return replace(
        request,
        caller=replace(request.caller, tag=tag),
        method=operation.method,
        path=ROOT.sub("", path) if ROOT.match(path) else path.lstrip("/"),
        query=url.query,
        headers=_inherited(request) | operation.headers,
        body=operation.body,
        references=references,
    )


def _resolve(url: str, references: References) -> str:
    """`$1` or `/$1/invoice_details` begins at what Content-ID 1 made."""
    name, slash, rest = url.lstrip("/").partition("/")
    if not name.startswith("$") or not name[1:].isdigit():
        return url
    if name not in references:
        raise bad_request(f"Content-ID Reference: '{name}' does not exist in the batch context.")
    return references[name] + slash + rest


def _inherited(request: Request) -> dict[str, str]:
    """What the outer call says about itself holds for the inner ones; its conditions and preferences do not."""
    return {name: value for name, value in request.headers.items() if name.startswith("mscrm.")}
