"""The adapter to Microsoft's SDK, as far as no bus is needed; `tests/processes/test_bridge.py` has one."""

from __future__ import annotations

from typing import Any

import pytest
from azure.servicebus.amqp import AmqpMessageBodyType

from core.errors import Misconfigured
from webhooks import servicebus
from webhooks.bus import Bus, _message_of
from webhooks.servicebus import read_message

CONNECTION = "Endpoint=sb://bus.example;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0LWtleQ=="


class Unreadable:
    """A message at whose content type the SDK stumbles."""

    body_type = AmqpMessageBodyType.DATA
    body = (b"{}",)
    application_properties = None
    sequence_number = 1

    @property
    def content_type(self) -> str:
        return b"\xff".decode()


@pytest.mark.parametrize(
    ("connection", "queue", "wrong"),
    [
        ("nonsense", "dynamics", "malformed"),
        ("Endpoint=sb://bus.example;SharedAccessKey=c2VjcmV0LWtleQ==", "dynamics", "SharedAccessKeyName"),
        (f"{CONNECTION};EntityPath=other", "dynamics", "EntityPath"),
    ],
)
def test_a_connection_string_that_is_none_is_told_without_its_key(connection: str, queue: str, wrong: str) -> None:
    with pytest.raises(Misconfigured, match=wrong) as caught:
        Bus(connection, queue)

    assert "SERVICEBUS_CONNECTION" in str(caught.value)
    assert "c2VjcmV0LWtleQ" not in str(caught.value)


def test_f16_a_message_that_not_even_the_sdk_can_read_is_dead_lettered() -> None:
    """F16: were it raised, the whole batch would come again until the bus has counted ten deliveries of each."""
    handle: Any = Unreadable()

    message = _message_of(handle)

    verdict = read_message(message.body, message.content_type, message.properties, lambda _: frozenset())
    assert (verdict.refusal, message.handle) == (servicebus.NO_DATA, handle)
