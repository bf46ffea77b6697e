"""The check that every world makes of its requests to Xero does find what is wrong."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from core import money
from tests.contract import openapi
from tests.described import Described, complaints_of
from tests.world import Line, World

pytestmark = pytest.mark.skipif(not openapi.is_available(), reason=openapi.MISSING)

INVOICES = "/api.xro/2.0/Invoices"


def test_an_export_is_looked_at_call_by_call(world: World) -> None:
    invoice_id = world.save_invoice(Line("Work", "10.00", product="CHAIR-01"))
    world.mark(invoice_id)
    before = world.described.calls

    world.work()

    world.assert_exported_once(invoice_id)
    assert world.described.calls - before == len(world.xero_calls()) > 5
    assert world.described.complaints == []


@pytest.mark.parametrize(
    ("method", "path", "query", "document", "words"),
    [
        ("PUT", INVOICES, "unitdp=4", {"Invoices": [{"Type": "ACCREC", "Colour": "red"}]}, "Colour"),
        ("PUT", INVOICES, "unitdp=4", {"Invoices": [{"Type": "INVOICE"}]}, "INVOICE"),
        ("PUT", INVOICES, "unitdp=4", {"Invoices": [{"Type": "ACCREC", "AmountDue": 1}]}, "AmountDue"),
        ("PUT", INVOICES, "decimals=4", {"Invoices": [{"Type": "ACCREC"}]}, "decimals"),
        ("GET", INVOICES, "page=first", None, "page"),
        ("GET", INVOICES, "summaryOnly=yes", None, "summaryOnly"),
        ("GET", "/api.xro/2.0/Bills", "", None, "not described"),
    ],
)
def test_what_nobody_described_is_found(method: str, path: str, query: str, document: Any, words: str) -> None:
    (complaint,) = complaints_of(method, path, query, money.dumps(document))

    assert words in complaint


def test_a_complaint_is_kept_and_the_call_goes_on() -> None:
    passed: list[str] = []

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        passed.append(environ["PATH_INFO"])
        return []

    described = Described(app)

    described({"REQUEST_METHOD": "GET", "PATH_INFO": INVOICES, "QUERY_STRING": "a=b", "wsgi.input": BytesIO()}, None)

    assert passed == [INVOICES]
    assert len(described.complaints) == 1
