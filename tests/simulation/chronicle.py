"""What happened on both sides, when, and whether people did it: what a judge of cancelled invoices goes by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from simulators.xero.state import Event, Organisation
from tests.world import World

DEAD = ("VOIDED", "DELETED")
REMEMBERED = timedelta(seconds=60)  # settings are, so a change may count so much later


@dataclass(frozen=True, slots=True)
class Stand:
    """How a document stood from `at` on. `ours`: applied of credit notes that we made; `others`: of those of people.

    `money`: payments, over- and prepayments.
    """

    at: datetime
    by_person: bool
    status: str
    total: Decimal
    money: Decimal
    ours: Decimal
    others: Decimal

    @property
    def is_dead(self) -> bool:
        return self.status in DEAD

    @property
    def is_over(self) -> bool:
        """Dead, or credited in full by our note alone (rule E8)."""
        return self.is_dead or (0 < self.total <= self.ours)


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings B8 and B10 from `at` on."""

    at: datetime
    automatic: bool
    by_void: bool


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did to an invoice in Dynamics: cancel, open, complete, partial, delete or No.

    `is_new`: the row did not say so before.
    """

    at: datetime
    what: str
    is_new: bool = True


@dataclass
class Chronicle:
    """`acts` by invoice, `stands` by document, `notes`: when people have touched a credit note, by its id."""

    world: World
    organisations: list[Organisation]
    acts: dict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))
    stands: dict[str, list[Stand]] = field(default_factory=lambda: defaultdict(list))
    notes: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    choices: list[Choice] = field(default_factory=list)
    locks: list[tuple[datetime, date | None]] = field(default_factory=list)
    by_person: bool = False

    def __post_init__(self) -> None:
        self._publish = {organisation.tenant_id: organisation.publish for organisation in self.organisations}
        for organisation in self.organisations:
            organisation.publish = self._hear

    @contextmanager
    def people(self) -> Iterator[None]:
        """What happens in Xero meanwhile, people do."""
        before, self.by_person = self.by_person, True
        try:
            yield
        finally:
            self.by_person = before

    def _hear(self, organisation: Organisation, events: list[Event]) -> None:
        for event in events:
            if event.category == "INVOICE":
                self._note(organisation, event.resource_id)
            elif event.category == "CREDITNOTE" and self.by_person:
                self.notes[event.resource_id].append(self.world.clock.now())
        self._publish[organisation.tenant_id](organisation, events)

    def _note(self, organisation: Organisation, key: str) -> None:
        document = organisation.invoices[key]
        applied = organisation.allocations_on(key)
        notes = [each for each in applied if each["_kind"] == "CreditNote"]
        ours = sum((each["Amount"] for each in notes if self.is_ours(each["_credit_id"])), Decimal(0))
        credited = sum((each["Amount"] for each in notes), Decimal(0))
        money = sum((each["Amount"] for each in applied), Decimal(0)) - credited
        money += sum((each["Amount"] for each in organisation.payments_on(key)), Decimal(0))
        now = self.world.clock.now()
        stand = Stand(now, self.by_person, document["Status"], document["Total"], money, ours, credited - ours)
        self.stands[key].append(stand)

    def is_ours(self, note_id: str) -> bool:
        """Whether the connector made this credit note."""
        return self.credit_notes()[note_id]["_created_by"] is not None

    def invoices(self) -> dict[str, dict[str, Any]]:
        return {key: row for organisation in self.organisations for key, row in organisation.invoices.items()}

    def invoices_beside(self, note_id: str) -> list[dict[str, Any]]:
        """Return the invoices of the organisation that has this credit note."""
        (own,) = (organisation for organisation in self.organisations if note_id in organisation.credit_notes)
        return list(own.invoices.values())

    def credit_notes(self) -> dict[str, dict[str, Any]]:
        return {key: row for organisation in self.organisations for key, row in organisation.credit_notes.items()}

    def allocations_of(self, credit_id: str) -> list[dict[str, Any]]:
        return [each for organisation in self.organisations for each in organisation.allocations_of(credit_id)]

    def act(self, invoice_id: str, what: str, *, is_new: bool = True) -> None:
        self.acts[invoice_id].append(Act(self.world.clock.now(), what, is_new))

    def choose(self, *, automatic: bool, by_void: bool) -> None:
        self.choices.append(Choice(self.world.clock.now(), automatic, by_void))

    def lock(self, day: date | None) -> None:
        self.locks.append((self.world.clock.now(), day))

    # -- what was so in a while ------------------------------------------------------------------------------

    def choices_in(self, since: datetime, until: datetime) -> list[Choice]:
        """Return the settings that may have counted between these moments."""
        before = [one for one in self.choices if one.at <= since - REMEMBERED][-1:]
        return before + [one for one in self.choices if since - REMEMBERED < one.at <= until]

    def is_locked_in(self, since: datetime, until: datetime) -> bool:
        """Whether anything was locked in between."""
        before = [day for at, day in self.locks if at <= since][-1:]
        return any(before + [day for at, day in self.locks if since < at <= until])

    def stands_in(self, key: str, since: datetime, until: datetime) -> list[Stand]:
        """Return how the document stood at the beginning, and after each change."""
        before = [one for one in self.stands[key] if one.at <= since][-1:]
        return before + [one for one in self.stands[key] if since < one.at <= until]

    def is_touched(self, document: dict[str, Any], note_ids: list[str], since: datetime) -> bool:
        """Whether people have done anything to the document or to these notes from then on."""
        stands = [one for one in self.stands[document["InvoiceID"]] if one.by_person and one.at >= since]
        return bool(stands) or any(at >= since for key in note_ids for at in self.notes[key])
