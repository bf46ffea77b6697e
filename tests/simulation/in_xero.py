"""What people do in Xero, at random: to documents, contacts, accounts, lock dates."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulators.xero.people import Person
from simulators.xero.settings_pages import NotAllowed
from simulators.xero.state import Organisation
from tests.simulation.cashier import Cashier
from tests.simulation.chronicle import Chronicle
from tests.world import World

ARCHIVABLE = ("260", "425")


@dataclass
class InXero:
    """The bookkeepers of `organisation`; what Xero refuses they leave."""

    world: World
    chance: random.Random
    organisation: Organisation
    chronicle: Chronicle

    @property
    def person(self) -> Person:
        return self.world.xero.user(self.organisation)

    def act(self) -> None:
        acts = (
            [self.with_document] * 7 + [self.with_money] * 7 + [self.with_contact, self.with_account, self.with_lock]
        )
        with suppress(NotAllowed), self.chronicle.people():
            self.chance.choice(acts)()

    def with_document(self) -> None:
        documents = [row for row in self.organisation.invoices.values() if row["LineItems"]]
        if not documents:
            return
        chance, document = self.chance, self.chance.choice(documents)
        acts: list[tuple[int, Callable[[str], Any]]] = [
            (4, lambda key: self.person.edit_line(key, UnitAmount=f"{chance.randint(1, 99)}.00")),
            (2, lambda key: self.person.edit_line(key, Description=chance.choice("XYZ"))),
            (1, lambda key: self.person.add_line(key, Description="Theirs", Quantity=1, UnitAmount="5.00")),
            (1, self.person.remove_line),
            (3, lambda key: self.person.edit_invoice(key, Reference=chance.choice("RS"))),
            (1, self.person.submit_invoice),
            (6, Cashier(self.world, self.organisation).approve),
            (2, self.person.delete_invoice),
            (1, self.person.void_invoice),
            (1, lambda key: self.person.edit_invoice(key, Url="https://example.com/else")),
        ]
        weights, choices = zip(*acts, strict=True)
        chance.choices(choices, weights)[0](document["InvoiceID"])

    def with_money(self) -> None:
        """Pay and credit what is approved; now and then a document that is finished long since."""
        documents = [row for row in self.organisation.invoices.values() if row["LineItems"]]
        approved = [row for row in documents if row["Status"] in ("AUTHORISED", "PAID")]
        if documents:
            document = self.chance.choice(approved or documents)
            act = self.chance.choice([name for name in Cashier.ACTS if name not in ("void", "delete")])
            Cashier(self.world, self.organisation).act(act, document["InvoiceID"])

    def with_contact(self) -> None:
        contacts = list(self.organisation.contacts.values())
        if not contacts:
            return
        contact = self.chance.choice(contacts)
        match self.chance.choice(("archive", "restore", "restore", "merge", "rename")):
            case "archive":
                self.person.archive_contact(contact["ContactID"])
            case "restore":
                self.restore(contact)
            case "merge" if not contact.get("MergedToContactID"):
                heir = self.person.create_contact(Name=f"Group {len(contacts)}")
                self.person.merge_contact(contact["ContactID"], into=heir["ContactID"])
            case "rename":
                self.person.rename_contact(contact["ContactID"], f"Renamed {len(contacts)}")

    def restore(self, contact: dict[str, Any]) -> None:
        """One that was merged stays so."""
        if contact["ContactStatus"] == "ARCHIVED" and not contact.get("MergedToContactID"):
            self.person.restore_contact(contact["ContactID"])

    def with_account(self) -> None:
        code = self.chance.choice(ARCHIVABLE)
        self.chance.choice((self.person.archive_account, self.person.restore_account))(code)

    def with_lock(self) -> None:
        day = self.world.clock.now() - timedelta(days=self.chance.choice((0, 1, 40)))
        locked = self.chance.choice((None, None, day.date()))
        self.person.set_lock_dates(period=locked)
        self.chronicle.lock(locked)

    def repair(self) -> None:
        """Nothing is archived or locked any more."""
        self.person.set_lock_dates()
        self.chronicle.lock(None)
        for code in ARCHIVABLE:
            self.person.restore_account(code)
        for contact in list(self.organisation.contacts.values()):
            self.restore(contact)
