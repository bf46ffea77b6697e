"""The inside of the small Azure Service Bus for tests (`tests/servicebus_peer.py`): queues, locks, links, requests.

Built on Apache's Qpid Proton, from the public documents alone: OASIS AMQP 1.0; Microsoft Learn, "AMQP 1.0 in Azure
Service Bus: protocol guide", "request-response-based operations", "Access control with Shared Access Signatures".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, quote_plus, urlsplit
from uuid import UUID

from proton import Condition, Delivery, Message, symbol, timestamp
from proton.handlers import MessagingHandler
from proton.reactor import Container, EventInjector

POLICY, KEY = "listen", "bGlzdGVuLW9ubHk="
QUEUE = "dynamics"
MAX_DELIVERIES = 10
MANAGEMENT = "/$management"
TICK_S = 0.02

Fault = Literal["withhold", "lose", "lose answer"]


@dataclass
class Parcel:
    """A message on a queue. `delivery_count` is how often it was given out and came back."""

    sequence: int
    body: Any
    content_type: str | None
    properties: dict[str, Any]
    delivery_count: int = 0
    locked_until: float = 0.0
    token: str = ""
    reason: str = ""
    description: str = ""


@dataclass
class PeerQueue:
    waiting: deque[Parcel] = field(default_factory=deque)
    locked: dict[str, Parcel] = field(default_factory=dict)
    completed: list[Parcel] = field(default_factory=list)
    dead: list[Parcel] = field(default_factory=list)


class Broker(MessagingHandler):
    """Queues and those who read them. Everything in here runs in the thread that called `serve`."""

    def __init__(self, port: int, *, lock_s: float, queues: tuple[str, ...]) -> None:
        super().__init__(prefetch=10, auto_accept=True, auto_settle=False)
        self.injector = EventInjector()
        self.port = port
        self.lock_s = lock_s
        self.queues = {name: PeerQueue() for name in queues}
        self.may_listen = True
        self.withheld = 0  # settlements that were asked for and neither done nor answered
        self.connections = 0  # ever made
        self._fault: Fault | None = None
        self._links: list[Any] = []  # those that receive from a queue
        self._replies: dict[tuple[int, str], Any] = {}  # links for answers, by connection and address
        self._allowed: set[int] = set()  # connections that have shown a good token
        self._open: list[Any] = []
        self._given: dict[str, tuple[PeerQueue, Parcel]] = {}  # by delivery tag
        self._acceptor: Any = None
        self._is_ending = False
        self._numbers = iter(range(1, 10**9))

    # -- from the test ---------------------------------------------------------------------------------------------

    def serve(self) -> None:
        self._container = Container(self)
        self._container.selectable(self.injector)
        self._container.schedule(TICK_S, self)
        self._container.run()

    def listen(self) -> None:
        self._acceptor = self._container.listen(f"127.0.0.1:{self.port}")

    def shut_down(self) -> None:
        self._is_ending = True
        self.go_away()
        self.injector.close()

    def go_away(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        self.cut()

    def cut(self) -> None:
        for connection in self._open:
            self._break(connection)

    def put(self, body: Any, properties: dict[str, Any], content_type: str | None) -> None:
        self.queues[QUEUE].waiting.append(Parcel(next(self._numbers), body, content_type, properties))
        self._give_out()

    def set_fault(self, fault: Fault | None) -> None:
        self._fault = fault

    def detach(self) -> None:
        for link in list(self._links):
            self.close_link(link, "amqp:link:detach-forced", "The link was idle for ten minutes.")

    def close_link(self, link: Any, condition: str, description: str) -> None:
        link.condition = Condition(condition, description)
        link.close()
        self._links = [other for other in self._links if other != link]

    def end_locks(self, now: float) -> None:
        for place in self.queues.values():
            for token, parcel in list(place.locked.items()):
                if parcel.locked_until <= now:
                    self._give_back(place, place.locked.pop(token), counts=True)
        self._give_out()

    # -- from the network ------------------------------------------------------------------------------------------

    def on_called(self, event: Any) -> None:
        event.subject()

    def on_timer_task(self, event: Any) -> None:
        if not self._is_ending:
            self.end_locks(time.time())  # noqa: TID251 - the peer's own clock
            event.container.schedule(TICK_S, self)

    def on_connection_opened(self, event: Any) -> None:
        self.connections += 1
        self._open.append(event.connection)

    def on_transport_closed(self, event: Any) -> None:
        """Locks outlive the connection under which they were taken."""
        gone = event.connection
        self._open = [connection for connection in self._open if connection != gone]
        self._links = [link for link in self._links if link.connection != gone]
        self._allowed.discard(_number_of(gone))
        self._replies = {key: link for key, link in self._replies.items() if key[0] != _number_of(gone)}

    def on_link_closing(self, event: Any) -> None:
        self._links = [link for link in self._links if link != event.link]

    def on_transport_error(self, event: Any) -> None:
        """A client that was killed says no goodbye."""

    def on_link_opening(self, event: Any) -> None:
        """A link that will be refused is opened without source, and closed next (AMQP 1.0, 2.6.3)."""
        link = event.link
        link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
        link.target.address = link.remote_target.address
        if not (link.is_sender and self._refusal_of(link)):
            link.source.address = link.remote_source.address

    def on_link_opened(self, event: Any) -> None:
        link = event.link
        if link.is_receiver:
            return
        address = _path_of(link.remote_source.address)
        refusal = self._refusal_of(link)
        if refusal:
            self.close_link(link, *refusal)
        elif address in self.queues:
            self._links.append(link)
        else:
            self._replies[_number_of(link.connection), address] = link

    def on_sendable(self, _event: Any) -> None:
        self._give_out()

    def on_message(self, event: Any) -> None:
        """A request: a token, or an operation of the management."""
        address = _path_of(event.link.target.address)
        if address == "$cbs":
            self._take_token(event)
        else:
            self._manage(event, address.removesuffix(MANAGEMENT))

    def on_accepted(self, event: Any) -> None:
        self._settle(event.delivery, lambda place, parcel: place.completed.append(parcel))

    def on_released(self, event: Any) -> None:
        counts = event.delivery.remote_state == Delivery.MODIFIED and event.delivery.remote.failed
        self._settle(event.delivery, lambda place, parcel: self._give_back(place, parcel, counts=counts))
        self._give_out()

    def on_rejected(self, event: Any) -> None:
        told = event.delivery.remote.condition
        named = {str(name): str(value) for name, value in ((told.info if told else None) or {}).items()}

        def bury(place: PeerQueue, parcel: Parcel) -> None:
            parcel.reason = named.get("DeadLetterReason", "")
            parcel.description = named.get("DeadLetterErrorDescription", "")
            place.dead.append(parcel)

        self._settle(event.delivery, bury)

    # -- what is behind --------------------------------------------------------------------------------------------

    def _give_out(self) -> None:
        for link in self._links:
            place = self.queues[_path_of(link.source.address)]
            while link.credit > 0 and place.waiting:
                self._send(link, place, place.waiting.popleft())

    def _send(self, link: Any, place: PeerQueue, parcel: Parcel) -> None:
        parcel.locked_until = time.time() + self.lock_s  # noqa: TID251
        tag = f"{next(self._numbers):016d}"  # the SDK makes the lock token of sixteen bytes; Proton wants ASCII
        parcel.token = str(UUID(bytes_le=tag.encode()))
        place.locked[parcel.token] = parcel
        self._given[tag] = (place, parcel)
        message = Message(
            body=parcel.body,
            inferred=isinstance(parcel.body, bytes),
            properties=parcel.properties,
            delivery_count=parcel.delivery_count,
        )
        if parcel.content_type is not None:
            message.content_type = symbol(parcel.content_type)
        message.annotations = {
            symbol("x-opt-sequence-number"): parcel.sequence,
            symbol("x-opt-locked-until"): timestamp(int(parcel.locked_until * 1000)),
        }
        link.send(message, tag)

    def _settle(self, delivery: Any, apply: Callable[[PeerQueue, Parcel], None]) -> None:
        place, parcel = self._given[delivery.tag]
        if self._fault == "withhold":
            self.withheld += 1
            return
        if self._fault == "lose":
            self._break(delivery.connection)
            return
        is_held = place.locked.get(parcel.token) is parcel and parcel.token == _token_of(delivery.tag)
        if is_held:
            apply(place, place.locked.pop(parcel.token))
        if self._fault == "lose answer":
            self._break(delivery.connection)
            return
        if is_held:
            delivery.update(delivery.remote_state)
        else:
            delivery.local.condition = Condition("com.microsoft:message-lock-lost", "The lock supplied is invalid.")
            delivery.update(Delivery.REJECTED)
        delivery.settle()

    def _give_back(self, place: PeerQueue, parcel: Parcel, *, counts: bool) -> None:
        parcel.delivery_count += counts
        if parcel.delivery_count >= MAX_DELIVERIES:
            parcel.reason = "MaxDeliveryCountExceeded"
            place.dead.append(parcel)
        else:
            place.waiting = deque(sorted([*place.waiting, parcel], key=lambda each: each.sequence))

    def _take_token(self, event: Any) -> None:
        is_good = _is_signed(str(event.message.body))
        if is_good:
            self._allowed.add(_number_of(event.connection))
        status = (202, "Accepted") if is_good else (401, "InvalidSignature: The token has an invalid signature.")
        self._reply(event, "$cbs", {"status-code": status[0], "status-description": status[1]}, None)

    def _manage(self, event: Any, name: str) -> None:
        place, asked = self.queues.get(name), event.message.body
        if place is None or not self.may_listen or _number_of(event.connection) not in self._allowed:
            told = {"errorCondition": symbol("amqp:unauthorized-access" if place else "amqp:not-found")}
            status, answer = (401, "'Listen' claim(s) are required.") if place else (404, "No such entity."), None
        elif event.message.properties["operation"] == "com.microsoft:peek-message":
            told, answer = {}, {"messages": [_peeked(parcel) for parcel in list(place.waiting)[:1]]}
            status = (200, "OK") if place.waiting else (204, "No content")
        elif self._fault is not None:
            return  # a settlement by this way is lost like any other
        else:
            told, status, answer = *self._settle_by_token(place, asked), None
        properties = {"statusCode": status[0], "statusDescription": status[1], **told}
        self._reply(event, name + MANAGEMENT, properties, answer)

    def _settle_by_token(self, place: PeerQueue, asked: dict[str, Any]) -> tuple[dict[str, Any], tuple[int, str]]:
        for token in map(str, asked["lock-tokens"]):
            if token not in place.locked:
                return {"errorCondition": symbol("com.microsoft:message-lock-lost")}, (410, "The lock is invalid.")
            assert asked["disposition-status"] == "completed", asked
            place.completed.append(place.locked.pop(token))
        return {}, (200, "OK")

    def _reply(self, event: Any, address: str, properties: dict[str, Any], body: Any) -> None:
        link = self._replies[_number_of(event.connection), address]
        answer = Message(body=body, properties=properties, correlation_id=event.message.id)
        link.send(answer).settle()

    def _refusal_of(self, link: Any) -> tuple[str, str] | None:
        address = _path_of(link.remote_source.address)
        if address == "$cbs" or address.endswith(MANAGEMENT):
            return None
        if _number_of(link.connection) not in self._allowed or not self.may_listen:
            return "amqp:unauthorized-access", "'Listen' claim(s) are required to perform this operation."
        if address not in self.queues:
            return "amqp:not-found", "The messaging entity could not be found."
        return None

    def _break(self, connection: Any) -> None:
        transport = connection.transport
        if transport is not None:
            transport.close_head()
            transport.close_tail()


def _is_signed(token: str) -> bool:
    """Whether a Shared Access Signature was made with the key: over the encoded address and the time of its end."""
    named = {name: values[0] for name, values in parse_qs(token.removeprefix("SharedAccessSignature ")).items()}
    signed = f"{quote_plus(named['sr'])}\n{named['se']}".encode()
    right = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    return named.get("skn") == POLICY and hmac.compare_digest(right, named["sig"])


def _path_of(address: str) -> str:
    return urlsplit(address).path.lstrip("/") if "://" in address else address


def _token_of(tag: str) -> str:
    return str(UUID(bytes_le=tag.encode()))


def _number_of(connection: Any) -> int:
    """Proton wraps the same connection anew each time; the transport behind it is one."""
    return hash(connection)


def _peeked(parcel: Parcel) -> dict[str, Any]:
    return {"message": Message(body=parcel.body, inferred=isinstance(parcel.body, bytes)).encode()}
