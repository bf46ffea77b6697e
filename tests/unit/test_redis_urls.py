"""One Redis URL, spelled for its three users."""

from __future__ import annotations

import fakeredis
import pytest
from kombu.connection import Connection
from redis.exceptions import ResponseError

from core.errors import Misconfigured
from core.redis import check_fit, dramatiq_url, inbox_url, open_redis


@pytest.mark.parametrize(
    ("url", "dramatiq", "inbox"),
    [
        ("redis://h", "redis://h/1", "redis://h/0"),
        ("redis://h:6380/3", "redis://h:6380/4", "redis://h:6380/3"),
        ("redis://u:p%40@h/0", "redis://u:p%40@h/1", "redis://u:p%40@h/0"),
        ("redis://h?db=2", "redis://h/3", "redis://h/2"),
        ("rediss://h/1", "rediss://h/2", "rediss://h/1?ssl_cert_reqs=required"),
        (
            "rediss://h/1?ssl_ca_certs=%2Fca.pem",
            "rediss://h/2?ssl_ca_certs=%2Fca.pem",
            "rediss://h/1?ssl_ca_certs=%2Fca.pem&ssl_cert_reqs=required",
        ),
        ("unix:///run/r.sock", "unix:///run/r.sock?db=1", "redis+socket:///run/r.sock?virtual_host=0"),
        ("unix:///a%20b/r.sock?db=4", "unix:///a%20b/r.sock?db=5", "redis+socket:///a b/r.sock?virtual_host=4"),
        ("unix:///a b/r.sock?db=4", "unix:///a%20b/r.sock?db=5", "redis+socket:///a b/r.sock?virtual_host=4"),
    ],
)
def test_each_user_gets_its_own_spelling(url: str, dramatiq: str, inbox: str) -> None:
    assert dramatiq_url(url) == dramatiq
    assert inbox_url(url) == inbox


def test_the_inbox_checks_certificates() -> None:
    """kombu's own default for rediss:// checks nothing."""
    ssl = Connection(inbox_url("rediss://h/0")).ssl

    assert ssl["ssl_cert_reqs"].name == "CERT_REQUIRED"


@pytest.mark.parametrize("url", ["", "h:6379", "http://h", "redis://h/x", "unix:///s?db=-1"])
def test_what_is_no_redis_url_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        inbox_url(url)
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        dramatiq_url(url)


def test_a_url_that_the_client_cannot_read_is_refused() -> None:
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        open_redis("http://h")


class Managed(fakeredis.FakeRedis):
    """A managed server: CONFIG is forbidden, INFO tells."""

    facts: dict[str, object]

    def config_get(self, *_names: str) -> dict[str, str]:
        raise ResponseError("unknown command 'CONFIG'")

    def info(self, *_sections: str) -> dict[str, object]:
        return self.facts


def test_a_managed_server_is_judged_by_info() -> None:
    managed = Managed()
    managed.facts = {"aof_enabled": 1, "maxmemory_policy": "noeviction"}
    check_fit(managed)
    managed.facts = {"aof_enabled": 0, "maxmemory_policy": "volatile-lru"}

    with pytest.raises(Misconfigured) as told:
        check_fit(managed)

    assert "appendonly yes" in str(told.value)
    assert "maxmemory-policy noeviction" in str(told.value)
