"""What becomes of each invoice: planned beforehand, all of it drawn from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

from demo.company import PRODUCTS
from demo.sale import ACTIVE, CANCELLED, CREDITED, DELETED, PAID
from tests.chaos.verdict import GONE, Wanted

EDIT, APPROVE, PAY, PAY_A_PART, UNPAY = "edit", "approve", "pay", "pay a part", "remove a payment"
VOID, CANCEL, DELETE = "void", "cancel", "delete"
STORIES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (30, ()),
    (18, (APPROVE,)),
    (18, (APPROVE, PAY)),
    (8, (APPROVE, PAY_A_PART)),
    (4, (APPROVE, PAY_A_PART, PAY)),
    (5, (APPROVE, PAY, UNPAY)),
    (3, (APPROVE, VOID)),
    (6, (CANCEL,)),
    (8, (APPROVE, CANCEL)),
)
"""What people do afterwards, and how often of a hundred."""
EDITS = ((80, 0), (15, 1), (5, 2))
DELETIONS = ((DELETE,), (APPROVE, DELETE))
DELETIONS_MAX = 8  # more than ten at a time would be held back, and the owner asked
IN_A_HURRY = 0.5  # of those that are edited or cancelled among the early ones: whoever does it waits for nothing
LINES_MAX = 4
BILLS = 0.1
TEXTS = (("Assembly on site", "45.00"), ("Old desk taken away", "20"), ("Consulting", "87.30"), ("Delivery", "19.99"))


@dataclass(frozen=True)
class Act:
    """One thing that a person does, so long after what was before; `hurried`: whatever has become of that."""

    kind: str
    after_s: float
    hurried: bool = False


@dataclass(frozen=True)
class Line:
    """A line of an invoice: a product by number, or a text."""

    product: str
    text: str
    price: str
    quantity: str


@dataclass
class Life:
    """An invoice: what is saved when, what is planned, and what people have done about it so far."""

    number: int
    customer: str
    is_bill: bool
    lines: tuple[Line, ...]
    saved_after_s: float
    planned: tuple[Act, ...]
    invoice_id: str = ""
    done: list[str] = field(default_factory=list)
    acted_at: float = 0.0
    refusals: int = 0

    @property
    def name(self) -> str:
        """Its name in Dynamics."""
        return f"Order {self.number}"

    @property
    def wanted(self) -> Wanted:
        """What has to have become of it when everything rests."""
        return Wanted(self.invoice_id, self.name, _state_of(self.done), self._status())

    def _status(self) -> str:
        hurried = any(act.hurried for act in self.planned[: len(self.done)])
        if CANCEL in self.done or DELETE in self.done:
            if APPROVE in self.done:
                return CREDITED
            return GONE if hurried else "DELETED"
        if VOID in self.done:
            return "VOIDED"
        if APPROVE not in self.done:
            return "DRAFT"
        return "PAID" if _is_paid(self.done) else "AUTHORISED"


def plan(
    count: int, customers: list[str], chance: random.Random, *, save_s: float, hurry: bool, pace: float = 1.0
) -> list[Life]:
    """Return `count` lives whose invoices are saved within `save_s` seconds; `pace` stretches the time between acts.

    Where somebody changes or cancels an invoice just as a call to Xero got no answer, and where the credit note of a
    bill may be on its way, Xero may not be asked again for seven minutes. So that the end need not wait for that,
    such things happen in the first third alone, and without `hurry` not at all.
    """
    doomed = set(chance.sample(range(count), min(DELETIONS_MAX, max(1, count // 40))))
    lives = []
    for number in range(count):
        is_bill, may_wait = chance.random() < BILLS, hurry and number < count / 3
        acts = _acts(chance, is_doomed=number in doomed, is_bill=is_bill, may_wait=may_wait, pace=pace)
        lines = tuple(_line(chance) for _ in range(chance.randint(1, LINES_MAX)))
        lives.append(Life(number, chance.choice(customers), is_bill, lines, save_s * number / count, acts))
    return lives


def _acts(chance: random.Random, *, is_doomed: bool, is_bill: bool, may_wait: bool, pace: float) -> tuple[Act, ...]:
    (story,) = chance.choices([story for _, story in STORIES], [weight for weight, _ in STORIES])
    (edits,) = chance.choices([number for _, number in EDITS], [weight for weight, _ in EDITS])
    story = chance.choice(DELETIONS) if is_doomed else story
    if is_bill and not may_wait and story[0:1] == (APPROVE,) and story[-1] in (CANCEL, DELETE):
        story = story[1:]  # a draft is deleted, not credited
    kinds = (EDIT,) * edits + story
    hurried = may_wait and chance.random() < IN_A_HURRY
    acts = []
    for kind in kinds:
        hurried = hurried and kind in (EDIT, CANCEL)  # whoever approves looks at the document first
        after_s = chance.uniform(0.2, 6.0) if hurried else chance.uniform(1.0, 15.0)
        acts.append(Act(kind, after_s * pace, hurried))
    return tuple(acts)


def _line(chance: random.Random) -> Line:
    quantity = str(Decimal(chance.randint(1, 1200)) / 100) if chance.random() < 0.3 else str(chance.randint(1, 12))
    if chance.random() < 0.6:
        number, _, price = chance.choice(PRODUCTS)
        return Line(number, "", price, quantity)
    text, price = chance.choice(TEXTS)
    return Line("", text, price, quantity)


def _state_of(done: list[str]) -> str:
    if DELETE in done:
        return DELETED
    if CANCEL in done:
        return CANCELLED
    return PAID if _is_paid(done) else ACTIVE


def _is_paid(done: list[str]) -> bool:
    return PAY in done and UNPAY not in done
