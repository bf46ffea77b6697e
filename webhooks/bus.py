"""A Service Bus queue through Microsoft's SDK; the only module that imports it, and imported only where it is needed.

Left alone the SDK repeats and waits. Here it makes one attempt: the bridge decides when to try again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver
from azure.servicebus.amqp import AmqpMessageBodyType
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageNotFoundError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
)

from core.errors import ConnectorError, Misconfigured, Transient
from webhooks.bridge import LockLost, Message

TRY_S: Final = 10.0  # to connect, to look, and to settle by the second way that the SDK knows
SETTLE_S: Final = 5.0  # by the first one
REASON_LENGTH_MAX: Final = 200


class Bus:
    """One queue over one connection, made on first use. Not safe for threads; after any failure make another one."""

    def __init__(self, connection: str, queue: str, *, ca_bundle: str | None = None) -> None:
        """`connection` is a connection string with a key that may listen. Raises Misconfigured if it is none."""
        self._queue = queue
        self._is_open = False
        try:
            self._client = ServiceBusClient.from_connection_string(
                connection, retry_total=0, try_timeout=TRY_S, connection_verify=ca_bundle
            )
            self._receiver: ServiceBusReceiver = self._client.get_queue_receiver(
                queue,
                # How long the answer to a settlement is awaited. The SDK takes it and documents it nowhere; without
                # it, one answer that is lost holds up the queue for a minute.
                timeout=SETTLE_S,
            )
        except ValueError as error:
            raise Misconfigured(f"SERVICEBUS_CONNECTION or SERVICEBUS_QUEUE cannot be used: {error}") from error

    def receive(self, count: int, wait_s: float) -> list[Message]:
        with self._translated():
            if not self._is_open:
                # Otherwise connecting would have to be done within `wait_s`, too.
                self._receiver.__enter__()
                self._is_open = True
            started = time.monotonic()
            taken = self._receiver.receive_messages(max_message_count=count, max_wait_time=wait_s)
        if not taken and time.monotonic() - started < wait_s / 2:
            # A receiver that was shut down from within returns nothing, at once, for ever.
            raise Transient("the connection to Service Bus has ended")
        return [_message_of(handle) for handle in taken]

    def complete(self, message: Message) -> None:
        with self._translated():
            self._receiver.complete_message(message.handle)

    def dead_letter(self, message: Message, reason: str, description: str) -> None:
        with self._translated():
            self._receiver.dead_letter_message(message.handle, reason=reason, error_description=description)

    def abandon(self, message: Message) -> None:
        with self._translated():
            self._receiver.abandon_message(message.handle)

    def look(self) -> bool:
        """Return whether messages wait; locks none. Raises like `receive`."""
        with self._translated():
            return bool(self._receiver.peek_messages(max_message_count=1, timeout=TRY_S))

    def close(self) -> None:
        # What is closed is thrown away, whatever becomes of it; on a broken connection the SDK raises anything.
        with suppress(Exception):
            self._receiver.close()
        with suppress(Exception):
            self._client.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The SDK's errors in our words, without a secret: it has those in no text."""
        try:
            yield
        except (MessageLockLostError, MessageNotFoundError, MessageAlreadySettled) as error:
            raise LockLost from error
        except ServiceBusAuthenticationError as error:
            raise Misconfigured(
                f"Service Bus does not accept the key in SERVICEBUS_CONNECTION ({_reason(error)})"
            ) from error
        except ServiceBusAuthorizationError as error:
            raise Misconfigured(
                f"the key in SERVICEBUS_CONNECTION may not listen on the queue {self._queue} ({_reason(error)})"
            ) from error
        except (MessagingEntityNotFoundError, MessagingEntityDisabledError) as error:
            raise Misconfigured(
                f"Service Bus has no queue {self._queue} that can be read; see SERVICEBUS_QUEUE ({_reason(error)})"
            ) from error
        except ConnectorError:
            raise
        except Exception as error:  # all in here is the SDK's, and as a connection breaks it raises anything
            raise Transient(f"Service Bus does not answer: {_reason(error)}") from error


def _message_of(handle: ServiceBusReceivedMessage) -> Message:
    try:
        return Message(
            body=_body_of(handle),
            content_type=handle.content_type,
            properties=handle.application_properties or {},
            sequence=handle.sequence_number,
            handle=handle,
        )
    except Exception:  # all in here is the SDK's; a message that it cannot read must not hold up the others
        return Message(body=None, content_type=None, properties={}, handle=handle)


def _body_of(handle: ServiceBusReceivedMessage) -> bytes | None:
    """Dataverse sends data sections. What another program puts on the queue may have any AMQP value for its body."""
    if handle.body_type is not AmqpMessageBodyType.DATA:
        return None
    sections: Any = handle.body
    return b"".join(bytes(section) for section in sections)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:REASON_LENGTH_MAX]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
