"""Global Discovery: which environments the person behind a token can reach."""

from __future__ import annotations

from typing import Any

from simulators.dataverse.environment import Environment
from simulators.microsoft import InvalidToken, MicrosoftLogin


def list_instances(env: Environment, login: MicrosoftLogin, authorization: str) -> list[dict[str, Any]] | None:
    """Return this environment if the person is an enabled user of it; None without a valid person's token."""
    try:
        token = login.read_token(authorization.removeprefix("Bearer "))
    except InvalidToken:
        return None
    if not token.delegated:
        return None  # it answers "what can this user reach"; an app alone is no user
    for user in env.store.all("systemuser").values():
        if user.get("azureactivedirectoryobjectid") == token.object_id and not user.get("isdisabled"):
            return [_instance(env)]
    return []


def _instance(env: Environment) -> dict[str, Any]:
    name = env.host.split(".")[0]
    return {
        "Id": env.organization_id,
        "UniqueName": env.organization_name,
        "UrlName": name,
        "FriendlyName": name.capitalize(),
        "State": 0,
        "Version": "9.2.25063.00000",
        "Url": env.url,
        "ApiUrl": env.url.replace(f"{name}.", f"{name}.api.", 1),
        "LastUpdated": "2025-01-01T00:00:00Z",
        "IsUserSysAdmin": False,
        "TenantId": env.tenant_id,
        "EnvironmentId": env.organization_id,
        "Region": "EMEA",
        "DatacenterId": env.business_unit_id,
        "DatacenterName": "Contoso",
        "OrganizationType": 0,
        "Purpose": "",
        "SchemaType": "Full",
        "StatusMessage": 0,
        "TrialExpirationDate": None,
    }
