"""Plays the story: a draft first, then everything else, then what people do about some of it afterwards."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from demo.company import Company
from demo.story import Sale, go_on, save, sell_more
from demo.watch import came_true, step_of

PATIENCE_S = 30.0
LOOK_S = 0.05


def play(company: Company, sales: Sequence[Sale], *, pause_s: float, stopping: threading.Event) -> None:
    """Act as the people of the story, in order; somebody else looks at what becomes of it (`demo.watch`).

    The company begins with drafts. The first invoice goes as one, and its draft follows when it is changed
    (rule C61); then the administrator lets invoices be approved at once.
    """
    first, *others = sales
    first.status, first.then = "DRAFT", sell_more()
    save(company, first)
    _until_true(first, stopping)
    company.set_default_status("Authorised")
    for sale in others:
        if stopping.wait(pause_s):
            return
        save(company, sale)
    for sale in sales:
        if sale.then is not None and _until_true(sale, stopping):
            go_on(company, sale, step_of(sale))


def _until_true(sale: Sale, stopping: threading.Event) -> bool:
    waited_s = 0.0
    while not came_true(sale):
        if waited_s >= PATIENCE_S or stopping.wait(LOOK_S):
            return False
        waited_s += LOOK_S
    return True
