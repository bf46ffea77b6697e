"""The sales office and the bookkeepers of a few invoices, by place; each act by its name, so that runs repeat."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from core import columns
from core.event import Event
from simulators.dataverse.errors import Refused
from simulators.xero.settings_pages import NotAllowed
from tests.simulation.cashier import Cashier
from tests.simulation.chronicle import Chronicle
from tests.simulation.standings import ACTIVE, CANCELLED, PAID, Act
from tests.world import Line, World

MERGES_MAX = 3  # of contacts that were merged into others the connector follows five
PURCHASE = {"stl3_invoicetype": columns.INVOICE_TYPE["Purchase Invoice"]}
INCLUSIVE = {"stl3_lineamounttypes": columns.LINE_AMOUNT_TYPES["Inclusive"]}
WITHOUT_TAX = {"stl3_lineamounttypes": columns.LINE_AMOUNT_TYPES["No Tax"]}
KINDS: tuple[dict[str, Any], ...] = ({}, INCLUSIVE, PURCHASE, {"freightamount": 3}, WITHOUT_TAX)
STATES = {
    "open": (ACTIVE, 1),
    "complete": (PAID, 100001),
    "partial": (PAID, 100002),
    "cancel": (CANCELLED, 100003),
}
ENDINGS = ("cancel", "cancel", "cancel", "delete", "open", "open", "No", "No")
BOOKS = ("approve", "approve", "price", "line", "reference", "due date", "other contact", "rename", "merge", "end")
SUCCESSORS_MAX = 3


@dataclass
class Offices:
    """`invoice_ids` by place; `earlier` are those that were deleted and have a successor; `events` are on their way.

    `acts` is what was last done to the state of each.
    """

    world: World
    chronicle: Chronicle
    kinds: list[dict[str, Any]] = field(default_factory=list)
    invoice_ids: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    acts: dict[str, Act] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cashier = Cashier(self.world, self.world.org)

    def sell(self, place: int) -> str:
        """Save an invoice; return its id."""
        customers = sorted(self.world.customers)
        return self.world.save_invoice(
            *(Line("Work", "10.00"), Line("More", "0.35")),
            customer=customers[place % 2],
            duedate="2026-11-26",
            **self.kinds[place],
        )

    def sell_again(self, place: int) -> None:
        """In the place of one that was deleted."""
        if self.invoice_ids[place] in self.deleted and len(self.earlier) < SUCCESSORS_MAX:
            self.earlier.append(self.invoice_ids[place])
            self.invoice_ids[place] = self.sell(place)
            self.tell(self.invoice_ids[place], "Create")

    def every_id(self) -> list[str]:
        return [*self.earlier, *self.invoice_ids]

    def exported(self) -> list[str]:
        rows = [(key, self.world.all_details(key)) for key in self.every_id()]
        return [key for key, found in rows if found and found[0]["stl3_xeroinvoiceid"]]

    def at_books(self, what: str, key: str, *, place: int) -> None:
        person, document = self.cashier.person, self.world.org.invoices[key]
        contact_id, count = document["Contact"]["ContactID"], len(self.world.org.contacts)
        match what:
            case "approve":
                self.cashier.approve(key)
            case "price" if document["LineItems"]:
                person.edit_line(key, UnitAmount=f"{20 + place}.00")
            case "line":
                person.add_line(key, Description="Theirs", Quantity=1, UnitAmount="5.00")
            case "reference":
                person.edit_invoice(key, Reference=f"Seen {self.world.clock.now():%S.%f}")
            case "due date":
                person.edit_invoice(key, DueDate="2026-11-25")
            case "other contact":
                other = self.document_id(place + 1) or key
                person.edit_invoice(key, Contact=self.world.org.invoices[other]["Contact"])
            case "rename":
                person.rename_contact(contact_id, f"Renamed {count}")
            case "merge" if count < len(self.world.customers) + MERGES_MAX:
                self.merge(contact_id, f"Group {count}")
            case "end":
                is_draft = document["Status"] in ("DRAFT", "SUBMITTED")
                self.cashier.act("delete" if is_draft else "void", key)

    def merge(self, contact_id: str, name: str) -> None:
        heir = self.cashier.person.create_contact(Name=name)
        self.cashier.person.merge_contact(contact_id, into=heir["ContactID"])

    def somebody_acts(self, place: int, what: str) -> None:
        """In Dynamics what only is done there, else in Xero."""
        if what in ENDINGS:
            self.in_dynamics(place, what)
        elif what in BOOKS:
            self.in_xero(place, lambda key: self.at_books(what, key, place=place))
        else:
            self.at_cashier(place, what)

    def at_cashier(self, place: int, what: str) -> None:
        self.in_xero(place, lambda key: self.cashier.act(what, key))

    def in_dynamics(self, place: int, what: str) -> None:
        invoice_id = self.invoice_ids[place]
        if invoice_id in self.deleted:
            if what == "No":
                self.at_desk(invoice_id, what)
            return
        with suppress(Refused):  # what Dynamics' own form does not let them do
            self.at_desk(invoice_id, what)
        self.tell(invoice_id, "Delete" if what == "delete" else "Update")

    def tell(self, invoice_id: str, message: str) -> None:
        """Dynamics' event of it is on its way."""
        version = f"{self.world.clock.now().timestamp()}"
        organisation = self.world.connection.dynamics_organization_id
        self.events.append(Event("dynamics", organisation, "invoice", invoice_id, message, version))
        self.world.pass_time(milliseconds=1)

    def at_desk(self, invoice_id: str, what: str) -> None:
        world = self.world
        match what:
            case "description":
                world.edit(invoice_id, description=f"PO {world.clock.now():%S.%f}")
            case "rename":
                world.edit(invoice_id, name="Renamed")
            case "price":
                world.sales.update(
                    "invoicedetail", world.lines(invoice_id)[0]["invoicedetailid"], {"priceperunit": 33}
                )
            case "line":
                row = {"isproductoverridden": True, "productdescription": "Ours", "quantity": 1, "priceperunit": 4}
                world.sales.create("invoicedetail", row | {"invoiceid@odata.bind": f"/invoices({invoice_id})"})
            case "No" if world.all_details(invoice_id):
                world.try_again(invoice_id)
                self.chronicle.act(invoice_id, what)
            case "delete":
                world.sales.delete("invoice", invoice_id)
                self.deleted.add(invoice_id)
                self.chronicle.act(invoice_id, what)
            case "No":
                pass
            case _:
                self.set_state(invoice_id, what)

    def set_state(self, invoice_id: str, what: str) -> None:
        state, status = STATES[what]
        if self.world.invoice(invoice_id)["statecode"] != state:
            was_ours = any(row["stl3_closedbyconnector"] for row in self.world.all_details(invoice_id))
            self.world.edit(invoice_id, statecode=state, statuscode=status)
            self.acts[invoice_id] = Act(state, was_ours)
            self.chronicle.act(invoice_id, what)

    def in_xero(self, place: int, act: Callable[[str], Any]) -> None:
        """Somebody does something to the document, if there is one."""
        key = self.document_id(place)
        if key:
            with suppress(NotAllowed), self.chronicle.people():
                act(key)
            self.world.pass_time(milliseconds=1)

    def document_id(self, place: int) -> str:
        rows = self.world.all_details(self.invoice_ids[place % len(self.invoice_ids)])
        return str(rows[0]["stl3_xeroinvoiceid"] or "") if rows else ""
