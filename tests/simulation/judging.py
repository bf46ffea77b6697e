"""What must be true when a business rests: nothing doubled, nothing silent, nothing overwritten."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core import columns
from core.gates import delivered_on
from tests.simulation.business import Business, run
from tests.simulation.ends import Ends, Rest, is_of_second
from tests.simulation.guard import OPEN
from tests.simulation.observing import SUCCESSFUL
from tests.simulation.standings import Followed, complaints_of_balances, of_document
from tests.world import START, World

CREATE, UPDATE = columns.ACTION["Create"], columns.ACTION["Update"]
FAILED = columns.SYNC_STATUS["Failed"]
LIVING = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID")
WRITTEN = ("Invoice has been created in Xero", "Invoice has been updated in Xero")
TELLING = ("difference", "What differs", "not carried over", "set Export status to No")
FOR_GOOD = (
    "Xero cannot make a",
    "does not carry the link",
    "cannot be negative",
    "belongs to another connection",
    "is not subscribed to currency",
    "does not allow tax type",
    "is already used in Xero by another document",  # ours, whose link a person had changed before it was recorded
)


def judge(world: World, seed: int) -> list[str]:
    """Return what is wrong with the business of this seed, as `judge_business`."""
    return judge_business(world, run(world, seed))


def judge_business(world: World, business: Business) -> list[str]:
    """Return what is wrong when a business rests, and once everything was mended.

    Raises AssertionError if it does not come to rest.
    """
    wrong = complaints(business)
    for connection in business.connections:
        world.assert_quiet_but_later(connection)
    if wrong:
        return wrong
    business.rests = {
        key: judged.ends().rest() for key in business.invoice_ids if (judged := Judged(business, key)).rows
    }
    business.repair()
    business.rest()
    wrong = complaints(business) + complaints_after_repair(business)
    wrong += business.complaints_of_asking_again()
    business.sleep()
    wrong += complaints(business) + complaints_of_balances(world, business.books_of_connections())
    for connection in business.connections:
        world.assert_quiet(connection)
    return wrong


def complaints(business: Business) -> list[str]:
    """Return what is wrong at rest, I1 to I5."""
    wrong = list(business.guard.wrong)
    wrong += [complaint for ledger in business.ledgers.values() for complaint in ledger.complaints()]
    for invoice_id in business.invoice_ids:
        judged = Judged(business, invoice_id)
        wrong += [f"{invoice_id}: {complaint}" for complaint in judged.complaints()]
    return wrong


class Judged:
    """One invoice, what Xero has of it, and its rows."""

    def __init__(self, business: Business, invoice_id: str) -> None:
        world = business.world
        self.business, self.world, self.id = business, world, invoice_id
        self.is_deleted = invoice_id in business.office.deleted
        self.invoice = {} if self.is_deleted else world.invoice(invoice_id)
        self.lines = world.lines(invoice_id)
        self.rows = world.all_details(invoice_id)
        self.history = world.history(invoice_id)
        self.earlier = {key for row in self.rows for key in (row["stl3_earlierdocuments"] or "").split()}
        found = [row for row in self.all_documents() if row["InvoiceID"] not in self.earlier]
        self.documents = [row for row in found if not self.is_settled_second(row)]
        if self.documents:
            self.history = of_document(self.history, self.documents[0]["InvoiceID"])

    def all_documents(self) -> list[dict[str, Any]]:
        """Return what Xero has of it, the one that its row names first."""
        named = {each["stl3_xeroinvoiceid"] for each in self.rows}
        found = [
            row
            for row in self.business.guard.documents().values()
            if self.id in (row["Url"] or "") or row["InvoiceID"] in named
        ]
        return sorted(found, key=lambda row: row["InvoiceID"] not in named)

    def is_settled_second(self, document: dict[str, Any]) -> bool:
        """Whether it is a second document beside the one on the row: deleted by now, or told of with its id (I1)."""
        named = {each["stl3_xeroinvoiceid"] for each in self.rows} - {None, document["InvoiceID"]}
        if not named & self.business.guard.documents().keys():
            return False
        history = self.world.dynamics.rows(columns.HISTORY.set_name)  # of a deleted invoice the rows name it no more
        is_told = any(
            document["InvoiceID"] in row["stl3_details"] for row in history if is_of_second(row["stl3_details"])
        )
        return is_told or document["Status"] not in LIVING

    @property
    def net(self) -> Decimal:
        return Decimal(self.invoice["totalamount"] - self.invoice["totaltax"])

    @property
    def details(self) -> dict[str, Any]:
        return self.rows[0]

    @property
    def status(self) -> str | None:
        return columns.EXPORT_STATUS.label(self.details["stl3_exportstatus"])

    @property
    def document(self) -> dict[str, Any]:
        return self.documents[0]

    @property
    def differs(self) -> bool:
        inclusive = self.document["LineAmountTypes"] == "Inclusive"
        return bool(self.document["Total" if inclusive else "SubTotal"] != self.net)

    def complaints(self) -> list[str]:
        if len(self.documents) > 1 or len(self.rows) > 1:
            return [f"{len(self.documents)} documents, {len(self.rows)} details rows"]
        if self.is_deleted:
            return self.of_deleted() + self.of_ends()
        if not self.rows:
            return ["no details row"] if self.invoice["_stl3_connector_value"] or self.documents else []
        is_open = self.details["stl3_attemptstarted"] or self.details["stl3_attemptkey"]
        wrong = self.of_ends() + (["an attempt is open"] if is_open and not self.is_put_aside() else [])
        if self.documents:
            return wrong + self.of_exported() + self.of_following()
        return wrong + self.of_not_exported()

    def of_deleted(self) -> list[str]:
        """What was made of it is on record."""
        if not self.documents:
            return []
        named = [row["stl3_xeroinvoiceid"] for row in self.rows]
        return self.of_following() if named == [self.document["InvoiceID"]] else ["its document is on no row"]

    def of_ends(self) -> list[str]:
        """What is demanded of invoices that were cancelled, deleted and opened again (rules E)."""
        is_put_aside = self.id in {letter.entity.id for letter in self.world.app.dead.list_all()}
        return [] if is_put_aside or not self.rows else self.ends().complaints()

    def ends(self) -> Ends:
        business, since = self.business, self.business.rests.get(self.id, Rest(START))
        seconds = {row["InvoiceID"] for row in self.all_documents() if self.is_settled_second(row)} - self.earlier
        return Ends(
            self.world,
            business.open_of,
            business.chronicle,
            self.id,
            since,
            frozenset(seconds),
            is_orderly=False,
            passes=self.passes(),
        )

    def of_following(self) -> list[str]:
        """Dynamics says what Xero's books say (rules D)."""
        named = self.details["stl3_xeroinvoiceid"]
        organisations = [books.organisation for books in self.business.books if named in books.organisation.invoices]
        if not organisations or named in {letter.entity.id for letter in self.world.app.dead.list_all()}:
            return []
        act = self.business.office.acts.get(self.id)
        return Followed(self.world, organisations[0], self.id, is_deleted=self.is_deleted, act=act).complaints()

    def is_put_aside(self) -> bool:
        """Two attempts that met a fault each while others went well look like a document that Xero cannot digest."""
        letters = {letter.entity.id for letter in self.world.app.dead.list_all()}
        return self.status == "Failed" and self.id in letters

    def of_not_exported(self) -> list[str]:
        if self.status == "Failed":
            return [] if self.says_why() else ["Failed without a word"]
        if self.status == "Yes" or self.details["stl3_xeroinvoiceid"]:
            return ["exported, says its row, and there is no document"]
        if self.passes():
            return ["passes every gate and was not sent"]
        return (
            [] if self.details["stl3_waitingfor"] or not self.invoice["_stl3_connector_value"] else ["waits silently"]
        )

    def of_exported(self) -> list[str]:
        wrong = self.of_creation()
        if self.status == "Failed":
            return wrong + ([] if self.says_why() else ["Failed without a word"])
        if self.status == "No" and not self.details["stl3_waitingfor"]:
            wrong.append("export status No, and it waits for nothing")
        wrong += self.of_accusations()
        if (
            self.invoice["statecode"] == 0
            and self.document["Status"] in LIVING
            and not self.details["stl3_waitingfor"]
        ):
            if self.differs and not self.is_told():
                wrong.append("the nets differ in silence")
            wrong += self.of_amounts() + self.of_carrying()
        return wrong

    def of_carrying(self) -> list[str]:
        """A draft that only we have touched says what Dynamics says, but for roundings: telling is not enough."""
        stands = self.business.chronicle.stands[self.document["InvoiceID"]]
        is_ours = self.business.guard.is_as_we_left_it(self.document["InvoiceID"])
        if self.document["Status"] not in OPEN or self.status != "Yes" or not is_ours:
            return []
        if any(stand.by_person for stand in stands) or self.is_written_late():
            return []
        inclusive = self.document["LineAmountTypes"] == "Inclusive"
        off = abs(self.document["Total" if inclusive else "SubTotal"] - self.net)
        roundings = max(Decimal("0.5"), len(self.lines) * self.smallest())
        return [f"not carried over: {off} off"] if off > roundings else []

    def of_creation(self) -> list[str]:
        wrong = []
        if self.details["stl3_xeroinvoiceid"] != self.document["InvoiceID"]:
            wrong.append("the row does not name the document")
        created = [
            row for row in self.history if (row["stl3_action"], row["stl3_syncstatus"]) == (CREATE, SUCCESSFUL)
        ]
        if len(created) != 1:
            wrong.append(f"{len(created)} rows of a creation")
        if len(self.updated()) >= self.business.guard.writes[self.document["InvoiceID"]]:
            wrong.append("more rows of updates than updates")
        return wrong

    def of_accusations(self) -> list[str]:
        """It is not said that somebody has changed a document which nobody has.

        Between our last write that was answered and one that was not, somebody may have changed what we left alone.
        """
        is_said = bool(self.history) and "changed it there" in self.history[-1]["stl3_details"]
        is_ours = self.business.guard.is_as_we_left_it(self.document["InvoiceID"])
        written = [row["stl3_eventtime"] for row in self.history if row["stl3_details"].startswith(WRITTEN)]
        since = datetime.fromisoformat(written[-1]) if written else START
        stands = self.business.chronicle.stands[self.document["InvoiceID"]]
        is_touched = any(stand.by_person and stand.at >= since for stand in stands)
        is_false = is_said and is_ours and not is_touched and not self.is_written_late()
        return ["nobody has changed it in Xero"] if is_false else []

    def is_written_late(self) -> bool:
        """Whether its last write came from a worker that had lost the lane: to the others, somebody has changed it.

        Xero takes no condition on a write, so nothing can hinder that one; that it is told is what can be done.
        """
        return self.document["InvoiceID"] in self.business.guard.written_late

    def of_amounts(self) -> list[str]:
        """Tax and amount due are those of the document as it is, unless a person has changed it since."""
        document = self.document
        if not self.business.guard.is_as_we_left_it(document["InvoiceID"]) or self.status != "Yes":
            return []
        wrong = []
        if self.details["stl3_taxinxero"] != document["TotalTax"]:
            wrong.append("tax of a stale document")
        inclusive = document["LineAmountTypes"] == "Inclusive"
        tax = sum((line["tax"] or Decimal(0) for line in self.lines), Decimal(0))
        if (
            not self.differs
            and self.is_agreed()
            and tax != (0 if inclusive else self.in_currency(document["TotalTax"]))
        ):
            wrong.append(f"tax on the lines {tax} of {document['TotalTax']}")
        due = {self.details["stl3_amountdue"], self.invoice["stl3_amountdue"]}
        if not document["AmountPaid"] and document["Total"] and due != {document["AmountDue"]}:
            wrong.append(f"amount due {due} of {document['AmountDue']}")
        return wrong

    def of_header(self) -> list[str]:
        """The document has the invoice's customer, date, due date and currency."""
        invoice, document = self.invoice, self.document
        wrong = [] if invoice["_customerid_value"] in self.numbers_of_contact() else ["another customer"]
        zone = self.world.connection.zone
        dated = delivered_on(datetime.fromisoformat(invoice["datedelivered"]), zone)
        wrong += [] if document["Date"] == dated else [f"date {document['Date']} of {dated}"]
        if invoice["duedate"] and document["DueDate"].isoformat() != str(invoice["duedate"])[:10]:
            wrong.append(f"due date {document['DueDate']} of {invoice['duedate']}")
        return wrong

    def numbers_of_contact(self) -> set[str]:
        """Return the numbers of the document's contact and of those that were merged into it."""
        contacts = [row for books in self.business.books for row in books.organisation.contacts.values()]
        found = {self.document["Contact"]["ContactID"]}
        for _ in contacts:
            found |= {row["ContactID"] for row in contacts if row.get("MergedToContactID") in found}
        return {str(row.get("ContactNumber")) for row in contacts if row["ContactID"] in found}

    def in_currency(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.smallest(), ROUND_HALF_UP)

    def smallest(self) -> Decimal:
        """Return the smallest amount of the document's currency."""
        return Decimal(1).scaleb(-{"JPY": 0, "KWD": 3}.get(self.document["CurrencyCode"], 2))

    def is_agreed(self) -> bool:
        """Whether the last that was told is that the document was written."""
        return self.history[-1]["stl3_syncstatus"] == SUCCESSFUL

    def updated(self) -> list[dict[str, Any]]:
        return [
            row for row in self.history if row["stl3_action"] == UPDATE and row["stl3_details"].startswith(WRITTEN)
        ]

    def is_told(self, *words: str) -> bool:
        """Whether a row since the last write tells of the net of now, or a person changed the document since."""
        written = max(n for n, row in enumerate(self.history) if row["stl3_details"].startswith(WRITTEN))
        if any(
            self.net in {*self.nets_at(row["stl3_eventtime"]), *nets_told(row["stl3_details"])}
            and any(each in row["stl3_details"] for each in words or TELLING)
            for row in self.history[written:]
        ):
            return True
        changed_since = not self.business.guard.is_as_we_left_it(self.document["InvoiceID"])
        return changed_since and self.net in self.nets_at(self.history[written]["stl3_eventtime"])

    def nets_at(self, moment: str) -> set[Decimal]:
        """Return what the invoice asked for at that second, and what just before it changed in that second."""
        at, noted = datetime.fromisoformat(moment), self.business.office.nets[self.id]
        before = [net for time, net in noted if time.replace(microsecond=0) < at][-1:]
        return {*before, *(net for time, net in noted if time.replace(microsecond=0) == at)}

    def says_why(self) -> bool:
        failed = [row for row in self.history if row["stl3_syncstatus"] == FAILED]
        return bool(failed) and len(failed[-1]["stl3_details"]) > 20

    def passes(self) -> bool:
        """Whether every gate lets it go to Xero."""
        row = self.invoice
        homes = {connection.id: connection for connection in self.business.connections}
        home = homes.get(row.get("_stl3_connector_value"))  # of a deleted invoice there is nothing
        if home is None or not row["datedelivered"] or row["statecode"] != 0:
            return False
        delivered = datetime.fromisoformat(row["datedelivered"]).astimezone(UTC)
        today = self.world.clock.now().astimezone(home.zone).date()
        return bool(
            row["_pricelevelid_value"]
            and row["_customerid_value"]
            and self.lines
            and delivered_on(delivered, home.zone) <= today
        )


def nets_told(text: str) -> set[Decimal]:
    """Return what this text of the history says that Dynamics asks for, which was read before it was written."""
    return {Decimal(amount.rstrip(".")) for amount in re.findall(r"in Dynamics (-?[0-9.]+)", text)}


def complaints_after_repair(business: Business) -> list[str]:
    """Return what is wrong once everything was mended: what can be carried over has been, and once is enough."""
    wrong = []
    for invoice_id in business.invoice_ids:
        judged = Judged(business, invoice_id)
        if not judged.is_deleted:
            wrong += [f"{invoice_id}: {complaint}" for complaint in _after_repair(judged)]
    return wrong


def _after_repair(judged: Judged) -> list[str]:
    if not judged.rows:
        return ["no details row"]
    last = judged.history[-1]["stl3_details"] if judged.history else ""
    if judged.status == "Failed":
        return [] if any(words in last for words in FOR_GOOD) else [f"still Failed: {last}"]
    if judged.status != "Yes":
        return [f"{judged.status}, {judged.details['stl3_waitingfor']}"]
    if judged.document["Status"] not in OPEN:
        return []
    wrong = [] if not judged.differs or judged.is_told("difference") else [f"not carried over: {last}"]
    if judged.details["stl3_taxinxero"] != judged.document["TotalTax"]:
        wrong.append("the row has another tax than the document")
    return wrong + judged.of_header()
