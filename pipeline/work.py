"""Works one lane: claims what is due, reconciles it as a batch, goes on until nothing is due or its time is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from core import connections
from core.connections import Connection
from core.errors import ConnectorError, LeaseLost, Rejected
from pipeline.app import App
from pipeline.attention import resume, stop
from pipeline.deletion_guard import check_held
from pipeline.lanes import Claimed, Entity, Lease
from pipeline.marking import mark
from pipeline.outcomes import Report
from pipeline.parking import park, trace_of
from pipeline.reconcile import reconcile
from pipeline.tools import Tools
from pipeline.tries import Tries
from pipeline.troubles import Troubles, let_rest
from pipeline.verdict import FRUITLESS_TOGETHER, PARK_AFTER, SINGLY_AFTER, decide, is_hopeless, keeps_count

log = structlog.get_logger()


def work(app: App, connection_id: str) -> None:
    """Work the lane of a connection for a time slice; do nothing while another worker holds it or it rests.

    Raises Transient when Redis does not answer: the lane is woken again by the sweeper.
    """
    lease = app.lanes.acquire(connection_id, app.new_token())
    if lease is None:
        return
    connection = app.connections.find(connection_id)
    if connection is None:
        app.lanes.forget(connection_id)
        return
    try:
        with app.keep(lease):
            _work(app, connection, lease)
    except LeaseLost:
        log.warning("lane.lost", connection=connection_id)


def _work(app: App, connection: Connection, lease: Lease) -> None:
    ends_at = app.clock.now() + timedelta(seconds=app.slice_s)
    # Work on a connection that had stopped is the test whether it was repaired: its gate is not what stops it.
    tried = (
        connection if connection.state == connections.PAUSED else replace(connection, state=connections.IN_SERVICE)
    )
    tools, troubles = app.connect(tried, lease.hold), Troubles(app.redis, connection.id)
    while True:
        claimed = lease.claim(troubles.load().claim_max, singly_after=SINGLY_AFTER)
        if not claimed:
            if lease.release():
                return
            continue
        if not _batch(app, connection, tools, lease, claimed):
            lease.release(with_work_left=True)
            return
        if app.clock.now() >= ends_at:
            lease.release(with_work_left=True)
            app.wake(connection.id)
            return


def _batch(app: App, connection: Connection, tools: Tools, lease: Lease, claimed: Sequence[Claimed]) -> bool:
    """Reconcile what was claimed; return False when the lane rests now."""
    entities = [claim.entity for claim in claimed]
    if len(claimed) == 1 and claimed[0].starts > PARK_AFTER:
        # It ended nothing that began with it, not even by an exception: whoever works on it is killed.
        park(app, tools, lease, entities[0], error="Killed", trace="the process ended each time")
        return True
    try:
        if connection.state == connections.NEEDS_ATTENTION:
            check_held(tools)
        report = reconcile(tools, entities)
    except LeaseLost:
        raise
    except Exception as error:  # whatever it is, `decide` tells our defects from the world's
        return _failed(app, tools, lease, claimed, error)
    rests = app.lanes.rests_until(connection.id) is not None  # a poll has run into a limit meanwhile
    _forgive(app, connection, tools, report, rests=rests)
    _finish(app, tools, lease, entities, report)
    return not rests


def _finish(app: App, tools: Tools, lease: Lease, entities: Sequence[Entity], report: Report) -> None:
    """End the work on the entities, and note what is left to do, on others that shared an attempt as well."""
    tries, now = Tries(app.redis, tools.connection.id), lease.hold()
    if report.made:
        tries.note_made(now)
    counts = {invoice_id: tries.add(invoice_id, started) for invoice_id, started in report.fruitless.items()}
    # An attempt that is still open has not ended: what is counted of it stays.
    tries.forget({entity.id for entity in entities} - counts.keys() - report.again.keys())
    if len(entities) == 1 and (count := counts.get(entities[0].id)) and is_hopeless(count):
        tries.forget(counts)
        trace = f"{count.attempts} attempts made nothing and were not refused"
        park(app, tools, lease, entities[0], error="Fruitless", trace=trace)
        return
    alone = report.singly | {key for key, count in counts.items() if count.attempts >= FRUITLESS_TOGETHER}
    singly = {_invoice(invoice_id) for invoice_id in alone}
    for invoice_id in sorted(alone):
        lease.give_back([_invoice(invoice_id)], due_at=report.again.get(invoice_id, now), starts=SINGLY_AFTER)
    again = {_invoice(invoice_id): at for invoice_id, at in report.again.items()} | report.again_in_xero
    lease.finish({*entities, *again} - singly, again=again)
    for invoice_id, owner in report.elsewhere.items():
        if app.connections.find(owner) is not None:
            mark(app, owner, [_invoice(invoice_id)])


def _invoice(invoice_id: str) -> Entity:
    return Entity("dynamics", "invoice", invoice_id)


def _failed(app: App, tools: Tools, lease: Lease, claimed: Sequence[Claimed], error: Exception) -> bool:
    """Do what the verdict says; return False when the lane rests now."""
    entities, now = [claim.entity for claim in claimed], lease.hold()
    failures = Troubles(app.redis, tools.connection.id).count()
    verdict = decide(
        error,
        size=len(entities),
        starts=max(claim.starts for claim in claimed),
        failures=failures,
        jitter=app.jitter,
    )
    expected = isinstance(error, ConnectorError)
    quotes = isinstance(error, Rejected)  # the vendor's own words, which may name a customer
    log.warning(
        "batch.failed",
        connection=tools.connection.id,
        entities=len(entities),
        error=type(error).__name__,
        reason=str(error) if expected and not quotes else None,
        reference=error.reference if isinstance(error, ConnectorError) else None,
        failures=failures,
        rest_s=round(verdict.rest_s, 1),
        later_s=round(verdict.later_s, 1),
        trace=None if expected else trace_of(error),
    )
    if verdict.park:
        park(app, tools, lease, entities[0], error=type(error).__name__, trace=trace_of(error))
        Troubles(app.redis, tools.connection.id).forget()  # what failed is out of the way of the others
        return True
    lease.give_back(
        entities,
        due_at=now + timedelta(seconds=verdict.later_s),
        starts=SINGLY_AFTER if verdict.singly else None if keeps_count(error) else 0,
    )
    if verdict.stop:
        stop(app.connections, tools, str(error))
    if verdict.rest_s:
        let_rest(app, tools.connection.id, error, rest_s=verdict.rest_s, now=now)
        return False
    return True


def _forgive(app: App, connection: Connection, tools: Tools, report: Report, *, rests: bool) -> None:
    """A batch went through: earlier failures no longer count, and a connection that had stopped is in service.

    `rests`: the lane waits for something else by now, and the reason stays.
    """
    if not rests:
        Troubles(app.redis, connection.id).forget()
    if connection.state == connections.NEEDS_ATTENTION:
        resume(app.connections, tools, proved=report.made)
