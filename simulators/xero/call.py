"""One accounting call as the handlers see it, and the answers they give: nothing of the web framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulators.xero.codec import Raw, Record, dumps, loads, zoneless
from simulators.xero.state import Organisation

JSON = "application/json; charset=utf-8"
PROVIDER = "Connector"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; `headers` beside Content-Type."""

    status: int
    body: str = ""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The call ends here with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Call:
    """`params` by lower-cased name; `key` is the id, number or code in the path, `part` the id of a part after it."""

    organisation: Organisation
    client_id: str
    method: str
    params: Mapping[str, str]
    body: bytes
    now: datetime
    key: str | None = None
    modified_since: str | None = None
    part: str | None = None

    def flag(self, name: str, *, default: bool = False) -> bool:
        text = self.params.get(name.lower())
        return default if text is None else text.strip().lower() == "true"

    def listed(self, name: str) -> list[str]:
        """Return the parts of a comma list, lower-cased."""
        return [part.strip().lower() for part in self.params.get(name.lower(), "").split(",") if part.strip()]

    @property
    def unit_places(self) -> int:
        """Decimal places of unit prices on this call."""
        return 4 if self.params.get("unitdp") == "4" else 2

    def elements(self, plural: str) -> list[Record]:
        """Return the elements of the body: an array under the plural key, or one bare object."""
        try:
            body: Any = loads(self.body)
        except ValueError as error:
            raise Refused(bad_request(14, "PostDataInvalidException", "Invalid Json data")) from error
        found = body.get(plural, [body]) if isinstance(body, dict) else body
        if not isinstance(found, list) or not all(isinstance(element, dict) for element in found):
            raise Refused(bad_request(14, "PostDataInvalidException", "Invalid Json data"))
        if not found:
            raise Refused(bad_request(14, "PostDataInvalidException", f"No {plural} were sent"))
        return found


def envelope(call: Call, plural: str, elements: list[Record] | list[Raw], pagination: Record | None = None) -> Answer:
    """Wrap elements as every successful accounting answer is wrapped."""
    body: Record = {
        "Id": call.organisation.new_id(),
        "Status": "OK",
        "ProviderName": PROVIDER,
        "DateTimeUTC": zoneless(call.now),
    }
    if pagination is not None:
        body["pagination"] = pagination
    body[plural] = list(elements)
    return Answer(200, dumps(body), JSON)


def bad_request(number: int, kind: str, message: str, elements: list[Record] | None = None) -> Answer:
    return Answer(400, dumps({"ErrorNumber": number, "Type": kind, "Message": message, "Elements": elements}), JSON)


def validation_failed(elements: list[Record]) -> Answer:
    return bad_request(10, "ValidationException", "A validation exception occurred", elements)


def not_found() -> Answer:
    return Answer(404, "", "text/html; charset=utf-8")


def messages(texts: list[str]) -> list[Record]:
    return [{"Message": text} for text in texts]
