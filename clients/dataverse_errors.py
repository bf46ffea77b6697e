"""Dataverse's refusals in our words: what each status and code means, and who acts next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clients.http import Answer, retry_after_s, unanswered
from core.errors import Conflict, ConnectorError, Disconnected, Limited, Rejected, Transient

_LIMITS = {"0x80072322": "requests", "0x80072321": "execution time", "0x80072326": "concurrent"}
_LIMITED_S = 10.0
_PRIVILEGE = re.compile(r"\bprv\w+")

_NO_USER = (
    "The app is not a user of this Dynamics environment. Add it as an application user (Power Platform admin centre, "
    "Environments, Settings, Application users) with the connector's security role."
)
_NO_ROLE = "The connector's application user has no security role in Dynamics. Give it the connector's role."
_DISABLED = "The connector's application user in Dynamics is disabled. Enable it."
_TOKEN_REFUSED = "Dynamics refuses even a fresh token. Check the environment's address and its directory."  # noqa: S105
_DISCONNECTED = {
    "0x80072560": _NO_USER,
    "0x80042f09": _NO_ROLE,
    "0x80040225": _DISABLED,
    "0x8004a112": _DISABLED,
}


def token_refused(answer: Answer) -> bool:
    """Whether a 401 is about the token itself, so that a fresh one may help."""
    return answer.status == 401 and code_and_message(answer)[0].lower() not in _DISCONNECTED


def error_of(answer: Answer, what: str, *, changes: bool, fresh_token_refused: bool = False) -> ConnectorError:
    """Return the error for an answer that is not 2xx; `what` names the call."""
    reference = answer.headers.get("x-ms-service-request-id") or answer.headers.get("REQ_ID")
    status = answer.status
    code, message = code_and_message(answer)
    if status == 429:
        limit = _LIMITS.get(code.lower(), "unnamed")
        wait_s = retry_after_s(answer.headers, _LIMITED_S)
        words = f"{what}: Dynamics' {limit} limit"
        return Limited(words, retry_after_s=wait_s, limit=limit, side="dynamics", reference=reference)
    if token_refused(answer) and not fresh_token_refused:
        return Transient(f"{what}: the access token had expired", reference=reference)
    if status in (401, 403):
        return Disconnected(_missing_right(status, code, message), reference=reference)
    if status == 412:
        return Conflict(f"{what}: {message or 'the row changed meanwhile'} ({code})", reference=reference)
    if 400 <= status < 500 and status != 408:  # a proxy's 408 tells nothing about Dynamics
        words = message or f"Dynamics refused the call with status {status}"
        messages = (message,) if message else ()
        return Rejected(f"{what}: {words}", status=status, messages=messages, code=code, reference=reference)
    return unanswered(f"{what}: Dynamics answered {status} {code}".rstrip(), changes=changes, reference=reference)


def code_and_message(answer: Answer) -> tuple[str, str]:
    """Return the error's code (`0x80040217`; may be empty) and words."""
    try:
        document = answer.json()
    except ValueError:
        return "", ""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, Mapping):
        return "", ""
    return _text(error, "code"), _text(error, "message")


def _text(error: Mapping[str, Any], name: str) -> str:
    return str(error.get(name) or "").strip()


def _missing_right(status: int, code: str, message: str) -> str:
    if words := _DISCONNECTED.get(code.lower()):
        return words
    if status == 401:
        return _TOKEN_REFUSED
    if privilege := _PRIVILEGE.search(message):
        return (
            f"The connector's application user lacks the privilege {privilege[0]} in Dynamics. "
            "Give it the connector's security role."
        )
    return f"Dynamics denies the connector a right ({code or status}). Give its user the connector's security role."
