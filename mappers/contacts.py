"""A Dynamics customer ↔ a Xero contact: the document to create one, and which existing one it is (C20 to C22)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from core.custom_fields import EMPTY, CustomFields
from core.invoice import Customer
from mappers.custom_fields import contact_fields_of
from mappers.documented import Sparse, said
from mappers.texts import clip

NAME_MAX, NUMBER_MAX, COUNTRY_MAX = 255, 50, 50


@dataclass(frozen=True, slots=True)
class NewContact:
    """A customer that becomes a contact called `name`; `own`: fields that the customer's own columns fill."""

    customer: Customer
    name: str
    own: Mapping[str, str]

    def own_or(self, field: str, standard: str) -> str | None:
        return self.own.get(field) or standard or None

    def phones(self) -> list[dict[str, str]] | None:
        customer = self.customer
        numbers = (("DEFAULT", customer.phone), ("MOBILE", customer.mobile), ("FAX", customer.fax))
        found = [{"PhoneType": kind, "PhoneNumber": clip(number, NUMBER_MAX)} for kind, number in numbers if number]
        return found or None

    def addresses(self) -> list[dict[str, str]] | None:
        address = _address(self.customer)
        return [{"AddressType": kind, **address} for kind in ("POBOX", "STREET")] if address else None


_LINES = ("AddressLine1", "AddressLine2", "AddressLine3")
_PLACE = ("City", "Region", "PostalCode", "Country")


class ContactSchema(Sparse):
    """The document of a new contact, field by field."""

    name = fields.Function(
        lambda new: clip(new.name, NAME_MAX),
        data_key="Name",
        metadata=said(
            "Name of the account, full name of the contact, with single spaces and without angle brackets; the "
            "account number in brackets behind it where Xero has another contact of that name. 255 characters.",
            "C20, C21",
        ),
    )
    contact_number = fields.Function(
        lambda new: new.customer.id,
        data_key="ContactNumber",
        metadata=said("Id of the customer in Dynamics, by which it is found again.", "C20, C21"),
    )
    account_number = fields.Function(
        lambda new: clip(new.customer.account_number, NUMBER_MAX) or None,
        data_key="AccountNumber",
        metadata=said("Account number, at most 50 characters. Accounts only.", "C20, C21"),
    )
    first_name = fields.Function(
        lambda new: new.own_or("FirstName", new.customer.first_name),
        data_key="FirstName",
        metadata=said("The mapped column, else the first name. Contacts only, unless mapped.", "C21, custom fields"),
    )
    last_name = fields.Function(
        lambda new: new.own_or("LastName", new.customer.last_name),
        data_key="LastName",
        metadata=said("The mapped column, else the last name. Contacts only, unless mapped.", "C21, custom fields"),
    )
    email = fields.Function(
        lambda new: new.own_or("EmailAddress", new.customer.email),
        data_key="EmailAddress",
        metadata=said("The mapped column, else the e-mail address.", "C21, custom fields"),
    )
    company_number = fields.Function(
        lambda new: new.own.get("CompanyNumber"),
        data_key="CompanyNumber",
        metadata=said("The mapped column.", "custom fields"),
    )
    tax_number = fields.Function(
        lambda new: new.own.get("TaxNumber"),
        data_key="TaxNumber",
        metadata=said("The mapped column.", "custom fields"),
    )
    phones = fields.Function(
        lambda new: new.phones(),
        data_key="Phones",
        metadata=said(
            "Telephone, mobile phone and fax, at most 50 characters each.", "C21", inner=("PhoneType", "PhoneNumber")
        ),
    )
    addresses = fields.Function(
        lambda new: new.addresses(),
        data_key="Addresses",
        metadata=said(
            "Address 1, as postal address and as street address.", "C21", inner=("AddressType", *_LINES, *_PLACE)
        ),
    )


_CONTACT = ContactSchema()


def tidy(name: str) -> str:
    """Return a name as Xero takes it: single spaces, none at the ends, no angle brackets."""
    return " ".join(name.replace("<", "(").replace(">", ")").split())


def to_xero_contact(customer: Customer, *, name: str, custom: CustomFields = EMPTY) -> dict[str, Any]:
    """Return the document of PUT /Contacts (rule C21), custom fields over the standard ones."""
    document: dict[str, Any] = _CONTACT.dump(NewContact(customer, name, contact_fields_of(custom, customer)))
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
    lines = {f"AddressLine{number}": line for number, line in enumerate(address.lines, start=1)}
    rest = {
        "City": address.city,
        "Region": address.region,
        "PostalCode": address.postal_code,
        "Country": clip(address.country, COUNTRY_MAX),
    }
    return lines | {field: value for field, value in rest.items() if value}
