"""Events on their way out: which steps hear of them, system jobs, deliveries, and what follows from an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from simulators.dataverse.environment import Environment, Event
from simulators.dataverse.errors import bad_request
from simulators.dataverse.payload_out import Image, Step, event_body, event_document
from simulators.dataverse.registration import HTTP_HEADER, WEBHOOK, WEBHOOK_KEY, message_name, settings
from simulators.dataverse.schema import Ref
from simulators.dataverse.servicebus import CONTRACTS, BusMessage, bus_message
from simulators.dataverse.store import Row
from simulators.outbox import Delivery

TIMEOUT_S = 60.0
RETRIED = frozenset({502, 503, 504})
_OVERTAKES = timedelta(hours=1)
_FAILED, _TIMED_OUT = (-2147155455, "0x80050201"), (-2147155454, "0x80050202")


class Webhooks:
    """Turns committed events into deliveries; `settle` takes the answers."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self.bus: list[BusMessage] = []

    def before_commit(self, event: Event) -> None:
        """Synchronous steps are called inside the transaction: a failing endpoint aborts it."""
        for row in self._steps(event, mode=0):
            env = self._env
            step = self._step(row, event.caller.request_id, asynchronous=False)
            delivery = self._delivery(event, row, step, {})
            status = env.send(delivery)
            if status is None:
                raise bad_request("The webhook call failed because the http request timed out.", "0x80050202")
            if not 200 <= status < 300:
                raise bad_request(
                    f"The webhook call failed because of a non-success HTTP status {status}.", "0x80050201"
                )

    def on_commit(self, event: Event) -> None:
        """Asynchronous steps become system jobs, each with one delivery."""
        for row in self._steps(event, mode=1):
            job_id = self._env.new_id()
            step = self._step(row, job_id, asynchronous=True)
            endpoint = self._env.row("serviceendpoint", row["eventhandler"].id)
            if endpoint["contract"] in CONTRACTS:
                self.bus.append(bus_message(self._env, event, step, endpoint.get("path", "")))
                continue
            self._add_job(job_id, event, row)
            self._post(self._delivery(event, row, step, {"job": job_id, "attempt": 1}))

    def settle(self, delivery: Delivery, status: int | None) -> None:
        """End the job, or try once more when the endpoint was only unavailable."""
        with self._env.lock:
            job = delivery.context.get("job")
            if job is None or self._env.store.find("asyncoperation", job) is None:
                return
            if status in RETRIED and delivery.context["attempt"] == 1:
                self._retry(delivery)
            elif status is not None and 200 <= status < 300:
                self._succeed(job)
            else:
                self._fail(job, status)

    def _steps(self, event: Event, *, mode: int) -> list[Row]:
        rows = self._env.store.all("sdkmessageprocessingstep").values()
        return sorted(
            (row for row in rows if row["mode"] == mode and self._hears(row, event)),
            key=lambda row: (row.get("rank", 1), row["sdkmessageprocessingstepid"]),
        )

    def _hears(self, row: Row, event: Event) -> bool:
        env, caller = self._env, event.caller
        step_id = row["sdkmessageprocessingstepid"]
        if (
            row["statecode"] != 0
            or step_id in caller.bypassed_steps
            or row["eventhandler"].table != "serviceendpoint"
        ):
            return False
        if ("customasync" if row["mode"] == 1 else "customsync") in caller.bypass_all:
            return False
        if message_name(env, row) != event.message:
            return False
        step_filter = row.get("sdkmessagefilterid")
        if step_filter and env.row("sdkmessagefilter", step_filter.id)["primaryobjecttypecode"] != event.table:
            return False
        watched = {name.strip() for name in (row.get("filteringattributes") or "").split(",") if name.strip()}
        return event.message != "Update" or not watched or not watched.isdisjoint(event.supplied)

    def _step(self, row: Row, operation_id: str, *, asynchronous: bool) -> Step:
        step_id = row["sdkmessageprocessingstepid"]
        user = row.get("impersonatinguserid")
        return Step(
            id=step_id,
            name=row.get("name", ""),
            asynchronous=asynchronous,
            operation_id=operation_id,
            images=tuple(self._images(step_id)),
            impersonated_user_id=user.id if user else None,
        )

    def _images(self, step_id: str) -> list[Image]:
        table = "sdkmessageprocessingstepimage"
        rows = [
            self._env.row(table, i) for i in self._env.store.children(table, "sdkmessageprocessingstepid", step_id)
        ]
        return [
            Image(
                alias=row["entityalias"],
                before=row["imagetype"] in (0, 2),
                after=row["imagetype"] in (1, 2),
                columns=tuple(name.strip() for name in (row.get("attributes") or "").split(",") if name.strip()),
            )
            for row in rows
        ]

    def _delivery(self, event: Event, row: Row, step: Step, context: dict[str, Any]) -> Delivery:
        env = self._env
        endpoint = env.row("serviceendpoint", row["eventhandler"].id)
        body, oversize = event_body(env, event_document(env, event, step))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-ms-dynamics-organization": env.host,
            "x-ms-dynamics-entity-name": event.table,
            "x-ms-dynamics-request-name": event.message,
            "x-ms-correlation-request-id": event.caller.correlation_id,
        }
        if oversize:
            headers["x-ms-dynamics-msg-size-exceeded"] = "true"
        url, secrets = _authenticated(endpoint)
        context = context | {"table": event.table, "row_id": event.row_id, "message": event.message, "step": step.id}
        return Delivery(url, headers | secrets, body, env.clock.now(), TIMEOUT_S, context)

    def _post(self, delivery: Delivery) -> None:
        env, switches = self._env, self._env.switches
        if env.chance.random() < switches.drop:
            return
        delivery.due_at += timedelta(seconds=switches.delay_s + switches.jitter_s * env.chance.random())
        if env.chance.random() < switches.reorder:
            # It overtakes what waits already.
            delivery.due_at = env.clock.now() - _OVERTAKES * env.chance.random()
        env.outbox.add(delivery)
        if env.chance.random() < switches.duplicate:
            twin = Delivery(
                delivery.url, delivery.headers, delivery.body, delivery.due_at, TIMEOUT_S, dict(delivery.context)
            )
            env.outbox.add(twin)

    def _retry(self, delivery: Delivery) -> None:
        env = self._env
        job = delivery.context["job"]
        self._write_job(job, {"retrycount": 1, "statecode": 1, "statuscode": 10})
        due_at = env.clock.now() + timedelta(seconds=env.switches.retry_delay_s)
        context = delivery.context | {"attempt": 2}
        env.outbox.add(Delivery(delivery.url, delivery.headers, delivery.body, due_at, TIMEOUT_S, context))

    def _succeed(self, job: str) -> None:
        env = self._env
        extension = env.row("asyncoperation", job).get("owningextensionid")  # None: the step is gone meanwhile
        step = env.store.find("sdkmessageprocessingstep", extension.id) if extension else None
        if step is not None and step.get("asyncautodelete"):
            with env.store.transaction():
                env.store.remove("asyncoperation", job)
        else:
            self._write_job(job, {"statecode": 3, "statuscode": 30, "completedon": env.now()})

    def _fail(self, job: str, status: int | None) -> None:
        number, code = _TIMED_OUT if status is None else _FAILED
        reason = "because the http request timed out" if status is None else f"with status {status}"
        message = f"The webhook call failed {reason}. ErrorCode: {code}"
        changes = {"errorcode": number, "message": message, "friendlymessage": message}
        self._write_job(job, changes | {"statecode": 3, "statuscode": 31, "completedon": self._env.now()})

    def _write_job(self, job: str, changes: Row) -> None:
        env = self._env
        row = env.row("asyncoperation", job) | changes
        row |= {"modifiedon": env.now(), "versionnumber": env.store.next_version()}
        with env.store.transaction():
            env.store.put("asyncoperation", job, row)

    def _add_job(self, job_id: str, event: Event, step: Row) -> None:
        env, user = self._env, Ref("systemuser", event.caller.user_id)
        row = {
            "asyncoperationid": job_id,
            "name": step.get("name", ""),
            "operationtype": 1,
            "messagename": event.message,
            "primaryentitytype": event.table,
            "correlationid": event.caller.correlation_id,
            "requestid": event.caller.request_id,
            "depth": event.caller.depth,
            "retrycount": 0,
            "owningextensionid": Ref("sdkmessageprocessingstep", step["sdkmessageprocessingstepid"]),
            "regardingobjectid": Ref(event.table, event.row_id),
            "statecode": 0,
            "statuscode": 0,
            "createdon": env.now(),
            "modifiedon": env.now(),
            "createdby": user,
            "modifiedby": user,
            "ownerid": user,
            "versionnumber": env.store.next_version(),
        }
        with env.store.transaction():
            env.store.put("asyncoperation", job_id, row)


def _authenticated(endpoint: Row) -> tuple[str, dict[str, str]]:
    """Return the URL to call and the headers that carry the secret."""
    url, value = endpoint.get("url") or "", endpoint.get("authvalue") or ""
    assert endpoint["contract"] == WEBHOOK, "only webhooks are simulated"
    if not value:
        return url, {}  # as a solution brings it: what proves who is calling is set afterwards
    if endpoint["authtype"] == HTTP_HEADER:
        return url, settings(value)
    query = {"code": value} if endpoint["authtype"] == WEBHOOK_KEY else settings(value)
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return urlunsplit(parts._replace(query=joined)), {}
