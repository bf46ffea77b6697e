"""Who is calling: from a bearer token to a user of the environment, in Dataverse's words when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from simulators.dataverse.environment import Caller, Environment
from simulators.dataverse.errors import Refused
from simulators.dataverse.store import Row
from simulators.microsoft import InvalidToken, MicrosoftLogin, Token

BYPASS_STEPS_MAX = 3


def identify(
    env: Environment, login: MicrosoftLogin, headers: Mapping[str, str], origin: str, tag: str | None
) -> Caller:
    """Return the caller; raises Refused 401 or 403."""
    token = _read_token(env, login, headers.get("authorization", ""), origin)
    user = _find_user(env, token)
    if not env.has_roles(user["systemuserid"]):
        raise Refused(403, "0x80042F09", "The user has not been assigned any roles.")
    if user.get("isdisabled"):
        raise Refused(403, "0x80040225", "The specified user is disabled.")
    bypass = headers.get("mscrm.bypassbusinesslogicexecution", "")
    return Caller(
        user_id=_impersonated(env, user, headers),
        user_agent=headers.get("user-agent", ""),
        object_id=user.get("azureactivedirectoryobjectid") or token.object_id,
        request_id=headers.get("x-ms-client-request-id") or env.new_id(),
        correlation_id=headers.get("x-ms-correlation-id")
        or headers.get("x-ms-correlation-request-id")
        or env.new_id(),
        tag=tag,
        bypassed_steps=_bypassed_steps(headers),
        bypass_all=frozenset(part.strip().lower() for part in bypass.split(",") if part.strip()),
    )


def _read_token(env: Environment, login: MicrosoftLogin, authorization: str, origin: str) -> Token:
    scheme, _, raw = authorization.partition(" ")
    if scheme.lower() != "bearer" or not raw:
        raise _unauthorized(env, login, "0x80041D52", "The request is not authenticated: no bearer token.")
    try:
        token = login.read_token(raw)
    except InvalidToken as error:
        raise _unauthorized(env, login, "0x80041D52", str(error)) from error
    if token.audience.rstrip("/") not in (env.url.rstrip("/"), origin.rstrip("/")):
        raise _unauthorized(env, login, "0x80041D52", f"The token is for another resource: {token.audience}")
    if token.tenant_id != env.tenant_id:
        raise _unauthorized(env, login, "0x80041D52", "The token was issued by another tenant.")
    return token


def _unauthorized(env: Environment, login: MicrosoftLogin, code: str, message: str) -> Refused:
    authorize = f"{login.authority_of(env.tenant_id)}/oauth2/authorize"
    challenge = f"Bearer authorization_uri={authorize}, resource_id={env.url.rstrip('/')}/"
    return Refused(401, code, message, {"WWW-Authenticate": challenge})


def _find_user(env: Environment, token: Token) -> Row:
    column = "azureactivedirectoryobjectid" if token.delegated else "applicationid"
    wanted = token.object_id if token.delegated else token.client_id
    for user in env.store.all("systemuser").values():
        if user.get(column) == wanted:
            return user
    raise Refused(403, "0x80072560", "The user is not a member of the organization.")


def _impersonated(env: Environment, user: Row, headers: Mapping[str, str]) -> str:
    wanted = (headers.get("mscrmcallerid") or "").lower()
    object_id = (headers.get("callerobjectid") or "").lower()
    if not wanted and not object_id:
        return str(user["systemuserid"])
    for other in env.store.all("systemuser").values():
        if other["systemuserid"] == wanted or (object_id and other.get("azureactivedirectoryobjectid") == object_id):
            return str(other["systemuserid"])
    raise Refused(403, "0x80040204", "The caller to impersonate does not exist.")


def _bypassed_steps(headers: Mapping[str, str]) -> frozenset[str]:
    text = headers.get("mscrm.bypassbusinesslogicexecutionstepids", "")
    steps = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if len(steps) > BYPASS_STEPS_MAX:
        message = f"The number of step ids to bypass exceeds the limit of {BYPASS_STEPS_MAX}."
        raise Refused(400, "0x80040203", message)
    return steps


def origin_of(root: str) -> str:
    parts = urlsplit(root)
    return f"{parts.scheme}://{parts.netloc}"
