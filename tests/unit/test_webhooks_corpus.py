"""The corpus of bad input against both webhooks: F11 to F16, each group in one test that names every case that fails.

Of every case it must hold: an answer of the expected few and never a 5xx, no body and no cookie in it, no event of
another tenant, each event the same after the inbox, and nothing of the request in the log.
"""

from __future__ import annotations

import gc
import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from core import log, money
from tests.logs import log_plainly
from tests.unit import webhook_corpus as corpus
from tests.unit import webhook_corpus_more as more
from tests.unit.soaking import is_soaking
from tests.unit.webhook_caller import Caller, resident_bytes
from tests.unit.webhook_corpus import OTHER, Case, case, xero_delivery, xero_event
from tests.unit.webhook_world import ORGANISATION, context, image, read_reference, target
from webhooks.remote_context import EVENTS_MAX, INVOICES_MAX

GROUPS: dict[str, tuple[Callable[[], Iterable[Case]], int]] = {
    "signatures": (corpus.signatures, 53),
    "secrets": (corpus.secrets, 41),
    "truncated": (corpus.truncated, 800),
    "json": (corpus.json_texts, 40),
    "values": (corpus.json_values, 58),
    "nested": (corpus.nested, 500),
    "encodings": (corpus.encodings, 38),
    "members": (corpus.members, 67),
    "transport": (more.transport, 88),
    "meanings": (more.meanings, 58),
    "own samples": (more.own_samples, 2000),
}
CONTEXTS = [
    *("01-contact-update-async", "02-account-delete-sync", "03-account-update-sync", "04-alltypes-create-sync"),
    *("05-alltypes-create-async", "06-msdyn_agentstatus-update-async", "07-msdyn_agentstatus-create-sync"),
    *("08-incident-create-trimmed", "09-servicebus-opportunity-won-PARTIAL", "synthetic/invoice-create-async"),
    *("synthetic/invoice-create-oversize-stripped", "synthetic/invoice-delete-async-with-preimage"),
    *("synthetic/invoice-update-cancelled-async", "synthetic/invoice-update-own-echo-async"),
    *("synthetic/invoice-update-paid-async-with-images", "synthetic/invoice-update-totals-async"),
    "synthetic/servicebus-invoice-create",
]


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    """Logs as in production, into a text: our lines, and those of Flask and Werkzeug."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("DEBUG", "json", "web", stream=stream)
    yield Caller(stream)
    root.handlers, root.level = before, level
    logging.captureWarnings(False)
    log_plainly()


def judged(caller: Caller, group: str, cases: list[Case]) -> list[str]:
    """Return what is wrong; say how many cases there were, the slowest of them, and what memory they left in use."""
    assert len({each.name for each in cases}) == len(cases), "two cases of one name"
    gc.collect()
    before, caller.slowest_ms = resident_bytes(), 0.0
    complaints = caller.complaints(cases)
    gc.collect()
    grown_mb = (resident_bytes() - before) / 1e6
    print(f"{group}: {len(cases)} cases, slowest {caller.slowest_ms:.1f} ms ({caller.slowest}), {grown_mb:+.1f} MB")
    return [*complaints, *([f"{grown_mb:.0f} MB are still in use"] if grown_mb > 50 else [])]


@pytest.mark.parametrize("group", GROUPS)
def test_f11_to_f16_the_corpus_does_no_harm(caller: Caller, group: str) -> None:
    """All cases of a group; the number of them is said, so that none gets lost."""
    make, cases_min = GROUPS[group]
    cases = list(make())
    assert len(cases) >= cases_min

    assert judged(caller, group, cases) == []


def test_f16_wrong_values_at_every_place_of_recorded_deliveries(caller: Caller) -> None:
    """Xero's own deliveries, signed anew; places of one shape (the same names) once."""
    samples = read_reference("xero-examples/31_webhook_events.json")["deliveries"]
    seen: set[more.Path] = set()
    named = [(sample["name"], json.loads(sample["raw_body"])) for sample in samples]

    cases = [each for name, document in named for each in more.wrong_values("xero", name, document, seen=seen)]

    assert len(cases) > 150
    assert judged(caller, "recorded deliveries", cases) == []


def test_f16_wrong_values_at_every_place_of_recorded_contexts(caller: Caller) -> None:
    """What Dataverse sent, as if it were a line of an invoice of the organisation that we know.

    Places of one shape are tried in the first of the samples that has them; in a soak in each.
    """
    seen: set[more.Path] = set()
    cases: list[Case] = []
    for name in CONTEXTS:
        sample = read_reference(f"dataverse-examples/{name}.json")
        ours = {"OrganizationId": ORGANISATION, "PrimaryEntityName": "invoicedetail"}
        shapes = set() if is_soaking() else seen
        cases += more.wrong_values("dynamics", name, sample.get("body", sample) | ours, seen=shapes)

    assert len(cases) > 3000
    assert judged(caller, "recorded contexts", cases) == []


# -- what the corpus has found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1.5E-99999999999999999999"])
def test_f16_a_number_whose_exponent_nothing_holds_is_no_failure_of_ours(caller: Caller, number: str) -> None:
    """Decimal raises an ArithmeticError there; to Xero a 500 is a step towards switching the webhook off."""
    body = f'{{"events": [{number}]}}'.encode()

    complaints = caller.complaints(
        [case("xero", number, body, status=200, events=0), case("dynamics", number, body, status=400, events=0)]
    )

    assert complaints == []


def test_f16_an_address_that_can_be_none_is_not_asked_for(caller: Caller) -> None:
    """PostgreSQL refuses a text with NUL, which was taken for a database that is away: 503 for ever."""
    body = json.dumps(context()).encode()
    nul = case("dynamics", "NUL", body, status=401, events=0, path="/webhooks/dynamics/endpoint-key\x00")

    assert caller.complaints([nul]) == []


def test_f11_a_tenant_is_asked_for_once_a_delivery(caller: Caller) -> None:
    """A tenant that is not known is not remembered: 1,000 events of it were 1,000 queries before the answer."""
    events = [xero_event(tenantId=OTHER, eventDateUtc=f"t{number}") for number in range(1000)]
    caller.asked_for_tenants = 0

    complaints = caller.complaints([case("xero", "1,000 foreign", xero_delivery(*events), status=200, events=0)])

    assert (complaints, caller.asked_for_tenants) == ([], 1)


def _rows(number: int, **attributes: Any) -> list[dict[str, Any]]:
    pairs = [{"key": name, "value": value} for name, value in attributes.items()]
    rows = [{"Id": f"{row:032x}", **({"Attributes": pairs} if pairs else {})} for row in range(1, number + 1)]
    return [{"key": "Targets", "value": rows}]


def _images(number: int) -> list[dict[str, Any]]:
    return [
        {"key": str(index), "value": image(invoiceid=f"{index:032x}")[0]["value"]} for index in range(1, number + 1)
    ]


@pytest.mark.parametrize(
    ("members", "events"),
    [
        ({"InputParameters": _rows(5000), "PreEntityImages": _images(4000)}, EVENTS_MAX),
        ({"InputParameters": _rows(15_000)}, EVENTS_MAX),
        ({"InputParameters": _rows(15_000), "OperationId": None}, EVENTS_MAX),
        (
            {
                "InputParameters": target(**{f"column{number}": 0 for number in range(8000)}),
                "PostEntityImages": _images(4000),
            },
            INVOICES_MAX,
        ),
    ],
    ids=["rows times images", "rows", "rows without a version", "columns times images"],
)
def test_f16_no_body_comes_to_many_times_its_size(caller: Caller, members: dict[str, Any], events: int) -> None:
    """A megabyte that names 5,000 lines and 4,000 invoices was twenty million events, and the end of the process."""
    body = json.dumps(context("invoicedetail", **members), separators=(",", ":")).encode()
    assert 300_000 < len(body) < corpus.LIMIT

    complaints = caller.complaints([case("dynamics", "much", body, status=200, events=events)])

    assert complaints == []
    assert len(money.dumps([event.as_json() for event in caller.published])) < 4 * len(body) + 1_000_000


def test_the_invoice_of_the_row_itself_is_never_crowded_out(caller: Caller) -> None:
    own = "3f1d6f3e-8a57-f011-b4cc-000d3ab1c2d3"
    members = {"InputParameters": target(invoiceid=own), "PreEntityImages": _images(INVOICES_MAX)}

    complaints = caller.complaints([case("dynamics", "line", context("invoicedetail", **members), status=200)])

    assert complaints == []
    assert [event.record_id for event in caller.published].count(own) == 1
