"""The Dramatiq broker: wake-ups for workers. A message says only whose lane or whose poll; losing one is harmless.

What Dramatiq loses or leaves lying, `tests/processes/test_queue_holes_dramatiq.py` shows. Two things of it are known
and left as they are. When the answer to a fetch, or to an acknowledgement, is lost, the wake-ups concerned stay with
the process that asked, at most two a thread each time, and none of them keeps others out; as soon as that process has
ended, another one gets them, and finds nothing to do.
"""

from __future__ import annotations

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import TimeLimit
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.redis import CONNECT_TIMEOUT_S, HEALTH_CHECK_INTERVAL_S, SOCKET_TIMEOUT_S, dramatiq_url

LANES, POLLS = "lanes", "polls"
WORK_ACTOR, POLL_ACTOR = "work", "poll"
TIME_LIMIT_MS = 600_000  # of one time slice: far above what a batch may take, so that only a stuck one is cut off
WAITING_MAX = 1_000  # wake-ups in a queue; more say nothing new, and workers that come back have to take them all

log = structlog.get_logger()


def open_broker(redis_url: str, *, time_limit_ms: int = TIME_LIMIT_MS) -> RedisBroker:
    """Return the broker, in a database number of its own.

    A dead worker's messages come back after 15 s; Dramatiq's own defaults took between 19 minutes and for ever.
    Actors are not retried: what was not done is still due in its lane, and the sweeper wakes it. The client is our
    own: Dramatiq's ignores time-outs if it is given a URL, and sends a message twice if it is given a host.
    """
    client = redis.Redis.from_url(
        dramatiq_url(redis_url),
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        health_check_interval=HEALTH_CHECK_INTERVAL_S,
        retry=Retry(NoBackoff(), 0),
    )
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        client=client,
        middleware=[TimeLimit(time_limit=time_limit_ms)],
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
    )
    for queue in (LANES, POLLS):
        broker.declare_queue(queue)
    return broker


def wake_lane(broker: RedisBroker, connection_id: str) -> None:
    """Tell a worker that a lane has work. A wake-up that is not sent or gets lost is repeated by the sweeper."""
    _send(broker, LANES, WORK_ACTOR, connection_id)


def wake_poll(broker: RedisBroker, connection_id: str) -> None:
    """Tell a worker to poll a connection. One that is not sent or gets lost is made good by the next poll."""
    _send(broker, POLLS, POLL_ACTOR, connection_id)


def _send(broker: RedisBroker, queue: str, actor: str, connection_id: str) -> None:
    """Send a wake-up, unless so many wait that nobody seems to take them: the sweeper goes on for days."""
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=queue, actor_name=actor, args=(connection_id,), kwargs={}, options={}
    )
    try:
        if broker.client.llen(f"{broker.namespace}:{queue}") >= WAITING_MAX:
            log.warning("wake.spared", connection=connection_id, queue=queue)
            return
        broker.enqueue(message)
    except (dramatiq.errors.BrokerConnectionError, redis.RedisError) as error:
        log.warning("wake.lost", connection=connection_id, queue=queue, error=type(error).__name__)
