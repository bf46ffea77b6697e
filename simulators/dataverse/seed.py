"""What every organisation has on its first day."""

from __future__ import annotations

from decimal import Decimal

from simulators.dataverse import privileges
from simulators.dataverse.environment import Environment
from simulators.dataverse.schema import Ref
from simulators.dataverse.store import Row
from simulators.dataverse.values import round_to

MESSAGE_IDS = {
    "Create": "9ebdbb1b-ea3e-db11-86a7-000a3a5473e8",
    "Update": "20bebb1b-ea3e-db11-86a7-000a3a5473e8",
    "Delete": "a1bdbb1b-ea3e-db11-86a7-000a3a5473e8",
    "SetState": "1cbebb1b-ea3e-db11-86a7-000a3a5473e8",
}
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "NZD": "$", "AUD": "$", "JPY": "¥"}
TIMEZONE_CODES = {"Europe/London": 85, "Europe/Berlin": 110, "America/New_York": 35, "Pacific/Auckland": 290}


def seed(env: Environment) -> None:
    """Write organisation, business unit, system user, base currency, a unit and the messages."""
    with env.store.transaction():
        _put(env, "businessunit", env.business_unit_id, {"name": env.host.split(".")[0]})
        currency = _currency(env.base_currency, Decimal(1), 2, None)
        _put(env, "transactioncurrency", env.base_currency_id, currency)
        organization = {
            "name": env.organization_name,
            "basecurrencyid": Ref("transactioncurrency", env.base_currency_id),
            "basecurrencyprecision": 2,
            "basecurrencysymbol": currency["currencysymbol"],
            "pricingdecimalprecision": 2,
            "currencydecimalprecision": 2,
            "discountcalculationmethod": 0,
            "oobpricecalculationenabled": True,
            "expirechangetrackingindays": 7,
            "languagecode": 1033,
            "localeid": 2057,
        }
        _put(env, "organization", env.organization_id, organization)
        for name, message_id in MESSAGE_IDS.items():
            _put(env, "sdkmessage", message_id, {"name": name})
        if "uom" in env.schema.by_name:
            _seed_unit(env)
        _seed_roles(env)
    add_user(env, env.system_user_id, {"fullname": "SYSTEM"})


def add_currency(env: Environment, code: str, *, rate: Decimal, precision: int, symbol: str | None) -> str:
    """Write a currency; return its id."""
    currency_id = env.new_id()
    with env.store.transaction():
        _put(env, "transactioncurrency", currency_id, _currency(code, rate, precision, symbol))
    return currency_id


def _currency(code: str, rate: Decimal, precision: int, symbol: str | None) -> Row:
    return {
        "currencyname": code,
        "isocurrencycode": code,
        "currencysymbol": SYMBOLS.get(code, code) if symbol is None else symbol,
        "currencyprecision": precision,
        "exchangerate": round_to(rate, 12),
    }


def _seed_unit(env: Environment) -> None:
    group, unit = env.new_id(), env.new_id()
    _put(env, "uomschedule", group, {"name": "Default Unit", "baseuomname": "Primary Unit"})
    values = {"name": "Primary Unit", "quantity": Decimal(1), "uomscheduleid": Ref("uomschedule", group)}
    _put(env, "uom", unit, values)


def _seed_roles(env: Environment) -> None:
    """Every privilege there is, and the one role that may do everything."""
    for rows in (privileges.privilege_rows(env.schema.by_name.values()), privileges.platform_privilege_rows()):
        for row_id, row in rows:
            env.store.put("privilege", row_id, row)
    template = privileges.ADMINISTRATOR_TEMPLATE_ID
    _put(env, "roletemplate", template, {"name": privileges.ADMINISTRATOR})
    administrator = {
        "name": privileges.ADMINISTRATOR,
        "businessunitid": Ref("businessunit", env.business_unit_id),
        "roletemplateid": Ref("roletemplate", template),
        "ismanaged": True,
    }
    _put(env, "role", privileges.ADMINISTRATOR_ID, administrator)


def add_user(env: Environment, user_id: str, row: Row) -> None:
    """Write a user and their settings."""
    settings = {"timezonecode": TIMEZONE_CODES.get(env.timezone, 92), "uilanguageid": 1033, "localeid": 2057}
    unit = Ref("businessunit", env.business_unit_id)
    with env.store.transaction():
        _put(env, "systemuser", user_id, {"isdisabled": False, "businessunitid": unit} | row)
        _put(env, "usersettings", user_id, settings)


def _put(env: Environment, table: str, row_id: str, row: Row) -> None:
    made, now, system = env.schema.by_name[table], env.now(), Ref("systemuser", env.system_user_id)
    stamps = {
        made.primary_id: row_id,
        "createdon": now,
        "modifiedon": now,
        "createdby": system,
        "modifiedby": system,
        "statecode": 0,
        "statuscode": 1,
        "versionnumber": env.store.next_version(),
    }
    env.store.put(table, row_id, stamps | row)
