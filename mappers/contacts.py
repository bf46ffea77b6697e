"""A Dynamics customer ↔ a Xero contact: the document to create one, and which existing one it is (C20 to C22)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.invoice import Customer

NAME_MAX, COUNTRY_MAX = 255, 50


def tidy(name: str) -> str:
    """Return a name as Xero takes it: single spaces, none at the ends, no angle brackets."""
    return " ".join(name.replace("<", "(").replace(">", ")").split())


def to_xero_contact(customer: Customer, *, name: str) -> dict[str, Any]:
    """Return the document of PUT /Contacts (rule C21)."""
    document: dict[str, Any] = {"Name": name[:NAME_MAX], "ContactNumber": customer.id}
    optional = {
        "AccountNumber": customer.account_number[:50],
        "FirstName": customer.first_name,
        "LastName": customer.last_name,
        "EmailAddress": customer.email,
    }
    document |= {field: value for field, value in optional.items() if value}
    numbers = (("DEFAULT", customer.phone), ("MOBILE", customer.mobile), ("FAX", customer.fax))
    if phones := [{"PhoneType": kind, "PhoneNumber": number[:50]} for kind, number in numbers if number]:
        document["Phones"] = phones
    if address := _address(customer):
        document["Addresses"] = [{"AddressType": "POBOX", **address}, {"AddressType": "STREET", **address}]
    return document


def match_contact(customer: Customer, contacts: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Return the contacts that are this customer by the first step of rule C20 that finds any, and that step's name.

    More than one means that nobody can tell; none that Xero does not know the customer.
    """
    candidates = [contact for contact in contacts if _free_for(customer, contact)]
    steps = (
        ("contact number", "ContactNumber", customer.id),
        ("account number", "AccountNumber", customer.account_number),
        ("name", "Name", customer.name),
    )
    for step, field, value in steps:
        wanted = tidy(value).casefold()
        found = [contact for contact in candidates if wanted and tidy(contact.get(field) or "").casefold() == wanted]
        if found:
            return found, step
    return [], ""


def _free_for(customer: Customer, contact: dict[str, Any]) -> bool:
    """A contact that carries another customer's number is another customer, whatever it is called."""
    return (contact.get("ContactNumber") or "").casefold() in ("", customer.id.casefold())


def _address(customer: Customer) -> dict[str, str]:
    address = customer.address
    lines = {f"AddressLine{number}": line for number, line in enumerate(address.lines[:4], start=1)}
    rest = {
        "City": address.city,
        "Region": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country[:COUNTRY_MAX],
    }
    return lines | {field: value for field, value in rest.items() if value}
