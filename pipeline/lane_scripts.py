"""The atomic steps of a lane, as Lua scripts that Redis runs; each takes its time from Redis.

Keys of a lane, `{id}` being the connection's:

    lane:{id}:due      sorted set  entity → due time (ms); marking again keeps the earlier time
    lane:{id}:working  sorted set  entities that the holder has claimed; a new holder gets them back as due
    lane:{id}:starts   hash        entity → how often work on it began without an end
    lane:{id}:lease    string      the holder's token, with an expiry
    lane:{id}:rests    string      until when the lane rests (ms): a limit, a back-off, a stop
    lane:{id}:trouble  hash        why it rests, and how many batches failed in a row (`pipeline.troubles`)
    lane:{id}:rung     string      a wake-up is on its way; expires, so that a lost one is repeated
    lanes              sorted set  connection → when its lane needs somebody
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis

from core.errors import Transient

T = TypeVar("T")

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# KEYS: due, lease, rests, rung, index.  ARGV: connection, due time, ring ms, entities…  → 1: wake somebody
MARK = (
    _NOW
    + """
local at = tonumber(ARGV[2])
for i = 4, #ARGV do redis.call('ZADD', KEYS[1], 'LT', at, ARGV[i]) end
redis.call('ZADD', KEYS[5], 'LT', at, ARGV[1])
if at > now then return 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local rests = tonumber(redis.call('GET', KEYS[3]) or '0')
if rests > now then return 0 end
if redis.call('SET', KEYS[4], '1', 'NX', 'PX', ARGV[3]) then return 1 end
return 0
"""
)

# KEYS: due, working, lease, rests, rung, index.  ARGV: connection, ring ms  → 1: wake somebody
RING = (
    _NOW
    + """
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local rests = tonumber(redis.call('GET', KEYS[4]) or '0')
if rests > now then
    redis.call('ZADD', KEYS[6], rests, ARGV[1])
    return 0
end
if redis.call('ZCARD', KEYS[2]) == 0 then
    local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    if #first == 0 then
        redis.call('ZREM', KEYS[6], ARGV[1])
        return 0
    end
    if tonumber(first[2]) > now then
        redis.call('ZADD', KEYS[6], first[2], ARGV[1])
        return 0
    end
end
if redis.call('SET', KEYS[5], '1', 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
)

# KEYS: due, working, lease, rests, rung.  ARGV: token, lease ms  → 1: held
ACQUIRE = (
    _NOW
    + """
redis.call('DEL', KEYS[5])
local rests = tonumber(redis.call('GET', KEYS[4]) or '0')
if rests > now then return 0 end
if not redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
local left = redis.call('ZRANGE', KEYS[2], 0, -1)
for _, entity in ipairs(left) do redis.call('ZADD', KEYS[1], 'LT', now, entity) end
redis.call('DEL', KEYS[2])
return 1
"""
)

# KEYS: lease.  ARGV: token, lease ms  → now in ms, or -1
HOLD = (
    _NOW
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return now
"""
)

# KEYS: due, working, starts, lease.  ARGV: token, limit, starts before an entity goes singly
# → -1, or entity and starts in turn
CLAIM = (
    _NOW
    + """
if redis.call('GET', KEYS[4]) ~= ARGV[1] then return -1 end
local ready = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
local claimed = {}
for _, entity in ipairs(ready) do
    local starts = tonumber(redis.call('HGET', KEYS[3], entity) or '0')
    local singly = starts >= tonumber(ARGV[3])
    if singly and #claimed > 0 then break end
    redis.call('ZREM', KEYS[1], entity)
    redis.call('ZADD', KEYS[2], now, entity)
    claimed[#claimed + 1] = entity
    claimed[#claimed + 1] = tostring(redis.call('HINCRBY', KEYS[3], entity, 1))
    if singly then break end
end
return claimed
"""
)

# KEYS: due, working, starts, lease.  ARGV: token, starts ('' = keep), then entity and due time ('' = done) in turn
SETTLE = """
if redis.call('GET', KEYS[4]) ~= ARGV[1] then return -1 end
for i = 3, #ARGV, 2 do
    redis.call('ZREM', KEYS[2], ARGV[i])
    if ARGV[2] == '0' then redis.call('HDEL', KEYS[3], ARGV[i])
    elseif ARGV[2] ~= '' then redis.call('HSET', KEYS[3], ARGV[i], ARGV[2]) end
    if ARGV[i + 1] ~= '' then redis.call('ZADD', KEYS[1], 'LT', ARGV[i + 1], ARGV[i]) end
end
return 1
"""

# KEYS: due, working, lease, rests, index.  ARGV: token, connection, even with work left (1/0)
# → -1: not held; 0: released; 1: there is work, still held
RELEASE = (
    _NOW
    + """
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return -1 end
local rests = tonumber(redis.call('GET', KEYS[4]) or '0')
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local ready = #first > 0 and tonumber(first[2]) <= now and rests <= now
if ready and ARGV[3] == '0' then return 1 end
redis.call('DEL', KEYS[3])
if redis.call('ZCARD', KEYS[2]) > 0 then
    redis.call('ZADD', KEYS[5], math.max(now, rests), ARGV[2])
elseif #first > 0 then
    redis.call('ZADD', KEYS[5], math.max(tonumber(first[2]), rests), ARGV[2])
else
    redis.call('ZREM', KEYS[5], ARGV[2])
end
return 0
"""
)


class Scripts:
    """The scripts, registered with one Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self._registered = {
            text: client.register_script(text) for text in (MARK, RING, ACQUIRE, HOLD, CLAIM, SETTLE, RELEASE)
        }

    def run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        """Run one of this module's scripts. Raises Transient when Redis does not answer."""
        return ask(lambda: self._registered[script](keys=keys, args=arguments))


def ask(question: Callable[[], T]) -> T:
    """Return the answer of Redis. Raises Transient when it gives none."""
    try:
        return question()
    except redis.RedisError as error:
        raise Transient(f"Redis does not answer ({type(error).__name__})") from error


def keys_of(connection_id: str, *parts: str) -> list[str]:
    """Return the keys of a lane's `parts`."""
    return [f"lane:{connection_id}:{part}" for part in parts]
