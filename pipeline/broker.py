"""The Dramatiq broker: wake-ups for workers. A message says only whose lane or whose poll; losing one is harmless."""

from __future__ import annotations

import dramatiq
import redis
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import TimeLimit

from core.redis import CONNECT_TIMEOUT_S, SOCKET_TIMEOUT_S, dramatiq_url

LANES, POLLS = "lanes", "polls"
WORK_ACTOR, POLL_ACTOR = "work", "poll"
TIME_LIMIT_MS = 600_000  # of one time slice: far above what a batch may take, so that only a stuck one is cut off

log = structlog.get_logger()


def open_broker(redis_url: str) -> dramatiq.Broker:
    """Return the broker, in a database number of its own.

    A dead worker's messages come back after 15 s; Dramatiq's own defaults took between 19 minutes and for ever.
    Actors are not retried: what was not done is still due in its lane, and the sweeper wakes it.
    """
    broker: dramatiq.Broker = RedisBroker(  # type: ignore[no-untyped-call]
        url=dramatiq_url(redis_url),
        middleware=[TimeLimit(time_limit=TIME_LIMIT_MS)],
        heartbeat_timeout=15_000,
        maintenance_chance=100_000,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
    )
    for queue in (LANES, POLLS):
        broker.declare_queue(queue)
    return broker


def wake_lane(broker: dramatiq.Broker, connection_id: str) -> None:
    """Tell a worker that a lane has work. A wake-up that Redis does not take is repeated by the sweeper."""
    _send(broker, LANES, WORK_ACTOR, connection_id)


def wake_poll(broker: dramatiq.Broker, connection_id: str) -> None:
    """Tell a worker to poll a connection. One that Redis does not take is made good by the next poll."""
    _send(broker, POLLS, POLL_ACTOR, connection_id)


def _send(broker: dramatiq.Broker, queue: str, actor: str, connection_id: str) -> None:
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=queue, actor_name=actor, args=(connection_id,), kwargs={}, options={}
    )
    try:
        broker.enqueue(message)
    except (dramatiq.errors.ConnectionError, redis.RedisError) as error:
        log.warning("wake.lost", connection=connection_id, queue=queue, error=type(error).__name__)
