"""Xero's refusals in our words: what each status and body means, and who acts next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clients.http import Answer, retry_after_s, unanswered
from core.errors import ConnectorError, Disconnected, Limited, Rejected, Transient

# Xero's limits as `X-Rate-Limit-Problem` names them, and how long to rest when there is no Retry-After.
_LIMITS = {
    "app": ("appminute", 60.0),
    "day": ("day", 3600.0),
    "min": ("minute", 60.0),
    "concurrent": ("concurrent", 1.0),
}
_OFFLINE = ("organisation is offline", "offline for maintenance")

_NO_RIGHT = (
    "Xero says that the connector lacks a right (a scope, or the permission of the person who connected). "
    "Connect Xero again as a user with full access."
)
_NOT_CONNECTED = (
    "Xero no longer lets the connector into this organisation (disconnected in Xero, the user lost access, or the "
    "organisation's subscription ended). Connect Xero again."
)
_TOKEN_REFUSED = "Xero refuses even a fresh token. Connect Xero again."  # noqa: S105


def token_refused(answer: Answer) -> bool:
    """Whether a 401 is about the token itself, so that a fresh one may help."""
    return answer.status == 401 and "authorizationunsuccessful" not in _detail(answer).lower()


def error_of(answer: Answer, what: str, *, changes: bool, fresh_token_refused: bool = False) -> ConnectorError:
    """Return the error for an answer that is not 2xx; `what` names the call."""
    reference = answer.headers.get("Xero-Correlation-Id")
    status = answer.status
    if status == 429:
        return _limited(answer, what, reference)
    if token_refused(answer) and not fresh_token_refused:
        return Transient(f"{what}: the access token had expired", reference=reference)
    if status in (401, 403):
        words = _NOT_CONNECTED if status == 403 else _TOKEN_REFUSED if token_refused(answer) else _NO_RIGHT
        return Disconnected(words, reference=reference)
    if status == 503 and any(words in answer.text().lower() for words in _OFFLINE):
        return Transient(f"{what}: Xero or this organisation is offline for a while", reference=reference)
    if 400 <= status < 500 and status != 408:  # a proxy's 408 tells nothing about Xero
        return _rejected(answer, what, reference)
    return unanswered(f"{what}: Xero answered {status}", changes=changes, reference=reference)


def messages_in(document: Any, key: str = "ValidationErrors") -> tuple[str, ...]:
    """Return the messages below `key` at any depth (contact and lines have their own), each once, in order."""
    return tuple(dict.fromkeys(_walk(document, key)))


def _walk(document: Any, key: str) -> Iterator[str]:
    if isinstance(document, list):
        for member in document:
            yield from _walk(member, key)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name == key and isinstance(value, list):
                yield from (
                    str(error["Message"]) for error in value if isinstance(error, dict) and "Message" in error
                )
            else:
                yield from _walk(value, key)


def _limited(answer: Answer, what: str, reference: str | None) -> Limited:
    problem = answer.headers.get("X-Rate-Limit-Problem", "").lower()
    limit, default_s = next((known for word, known in _LIMITS.items() if word in problem), ("unnamed", 60.0))
    wait_s = retry_after_s(answer.headers, default_s)
    words = f"{what}: Xero's {limit} limit"
    return Limited(words, retry_after_s=wait_s, limit=limit, side="xero", reference=reference)


def _rejected(answer: Answer, what: str, reference: str | None) -> Rejected:
    document = _document(answer)
    messages = messages_in(document)
    if not messages and document.get("Message"):
        messages = (str(document["Message"]),)
    words = " ".join(messages) or f"Xero refused the call with status {answer.status}"
    code = str(document.get("Type") or "")
    return Rejected(f"{what}: {words}", status=answer.status, messages=messages, code=code, reference=reference)


def _detail(answer: Answer) -> str:
    """Problem objects differ in the case of their keys by API and age."""
    lowered = {str(name).lower(): value for name, value in _document(answer).items()}
    return str(lowered.get("detail") or "")


def _document(answer: Answer) -> Mapping[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}  # 404 is HTML, 429 is empty, 503 is plain text
    return document if isinstance(document, dict) else {}
