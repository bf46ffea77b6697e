"""Plays the story: drafts first, then everything else, then what people do about some of it afterwards."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from demo import acts
from demo.company import Company
from demo.sale import Sale
from demo.story import go_on, save
from demo.watch import came_true, step_of

PATIENCE_S = 30.0
LOOK_S = 0.05


def play(company: Company, sales: Sequence[Sale], *, pause_s: float, stopping: threading.Event) -> None:
    """Act as the people of the story, in order; somebody else looks at what becomes of it (`demo.watch`).

    The company begins with drafts. The first invoice goes as one, and its draft follows when it is changed
    (rule C61), until it is approved in Xero. After the early ones the administrator lets invoices be approved at
    once.
    """
    first = sales[0]
    first.is_early, first.then = True, (acts.sell_more(), acts.approve(rows=3))
    early = [sale for sale in sales if sale.is_early]
    for sale in early:
        sale.status = "DRAFT"
        save(company, sale)
        _wait_until_true([sale], stopping)
    company.choose(defaultstatus="Authorised")
    for sale in sales:
        if sale in early:
            continue
        if stopping.wait(pause_s):
            return
        save(company, sale)
    while waiting := [sale for sale in sales if sale.then]:
        ready = _wait_until_true(waiting, stopping)
        if ready is None:
            return
        go_on(company, ready, step_of(ready))
        stopping.wait(pause_s)


def _wait_until_true(sales: Sequence[Sale], stopping: threading.Event) -> Sale | None:
    """Return the first of them that has come true; None when time is up or somebody stops the demo."""
    waited_s = 0.0
    while not stopping.is_set() and waited_s < PATIENCE_S:
        for sale in sales:
            if came_true(sale):
                return sale
        stopping.wait(LOOK_S)
        waited_s += LOOK_S
    return None
