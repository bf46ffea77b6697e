"""The control API: what another process can do with the simulator."""

from __future__ import annotations

import random
from typing import Any

import pytest
from werkzeug.test import Client

from simulators.clock import Clock
from simulators.xero import Person, XeroSimulator
from simulators.xero.control import ACTIONS
from tests.contract.xero_caller import START


@pytest.fixture
def control() -> Client:
    return Client(XeroSimulator(Clock(START), random.Random(3)).wire)


def _post(control: Client, path: str, **body: Any) -> Any:
    answered = control.post(f"/_control{path}", json=body)
    assert answered.status_code == 200, answered.get_data(as_text=True)
    return answered.get_json()


def test_a_world_is_built_and_worked_in_from_outside(control: Client) -> None:
    tenant_id = _post(control, "/organisations", name="Demo", region="AU", currencies=["USD"])["tenant_id"]
    _post(control, "/apps", client_id="a", client_secret="s", tenant_ids=[tenant_id], minute_limit=100)
    token = _post(control, "/refresh-token", client_id="a", tenant_ids=[tenant_id])["refresh_token"]
    line = {"Description": "Work", "UnitAmount": "10.50", "AccountCode": "200"}
    made = _post(
        control,
        "/act",
        tenant_id=tenant_id,
        action="create_invoice",
        Type="ACCREC",
        Contact={"Name": "Ann"},
        DueDate="2026-04-01",
        Status="AUTHORISED",
        LineItems=[line],
    )["result"]
    _post(control, "/act", tenant_id=tenant_id, action="pay", invoice_id=made["InvoiceID"], amount="11.55")

    state = control.get(f"/_control/state/{tenant_id}").get_json()

    assert len(token) > 20
    assert (state["Invoices"][0]["Status"], state["Invoices"][0]["Total"]) == ("PAID", 11.55)
    assert [contact["Name"] for contact in state["Contacts"]] == ["Ann"]
    assert len(state["Payments"]) == 1


def test_an_invoice_is_settled_from_outside(control: Client) -> None:
    tenant_id = _post(control, "/organisations", name="Demo")["tenant_id"]

    def act(action: str, **arguments: Any) -> Any:
        return _post(control, "/act", tenant_id=tenant_id, action=action, **arguments)["result"]

    contact_id = act("create_contact", Name="Ann")["ContactID"]
    fields = {"Contact": {"ContactID": contact_id}, "DueDate": "2026-04-01", "Status": "AUTHORISED"}
    lines = [{"Description": "Work", "UnitAmount": "100.00", "AccountCode": "200"}]
    made = act("create_invoice", Type="ACCREC", LineItems=lines, **fields)
    over = act("receive_overpayment", contact_id=contact_id, amount="30.00", on="2026-03-09")
    act("allocate_overpayment", overpayment_id=over["OverpaymentID"], invoice_id=made["InvoiceID"])
    act("credit", invoice_id=made["InvoiceID"], amount="20.00")
    act("pay", invoice_id=made["InvoiceID"])
    paid = control.get(f"/_control/state/{tenant_id}").get_json()
    (allocation,) = [each for each in paid["Allocations"] if "Overpayment" in each]
    opened = act("remove_allocation", allocation_id=allocation["AllocationID"])

    assert (paid["Invoices"][0]["Status"], paid["Payments"][0]["Amount"]) == ("PAID", 70)
    assert (paid["CreditNotes"][0]["Status"], paid["Overpayments"][0]["RemainingCredit"]) == ("PAID", 0)
    assert paid["Prepayments"] == []
    assert allocation["Overpayment"]["OverpaymentID"] == over["OverpaymentID"]
    assert (opened["Status"], opened["AmountDue"]) == ("AUTHORISED", 30)


def test_every_action_is_an_act_of_a_person() -> None:
    acts = {name for name in dir(Person) if not name.startswith("_")}

    assert acts == ACTIONS


def test_settings_are_seeded_from_outside(control: Client) -> None:
    terms = {"Sales": {"Day": 20, "Type": "OFFOLLOWINGMONTH"}}
    tenant_id = _post(control, "/organisations", name="Demo", payment_terms=terms)["tenant_id"]

    def act(action: str, **arguments: Any) -> Any:
        return _post(control, "/act", tenant_id=tenant_id, action=action, **arguments)["result"]

    category = act("add_tracking_category", name="Region", options=["North"])
    archived = act("archive_account", code="260")
    contact = act("create_contact", Name="Ann")
    renamed = act("rename_contact", contact_id=contact["ContactID"], name="Bob")

    assert [option["Name"] for option in category["Options"]] == ["North"]
    assert archived["Status"] == "ARCHIVED"
    assert renamed["Name"] == "Bob"


def test_what_people_may_not_do_is_a_400(control: Client) -> None:
    tenant_id = _post(control, "/organisations", name="Demo")["tenant_id"]
    unknown = control.post("/_control/act", json={"tenant_id": tenant_id, "action": "__init__"})
    refused = control.post("/_control/act", json={"tenant_id": tenant_id, "action": "create_contact", "Name": " x"})

    assert unknown.status_code == 400
    assert refused.status_code == 400
    assert "contact name" in refused.get_json()["error"]


def test_limits_webhooks_breakdowns_and_refusals_are_set_from_outside(control: Client) -> None:
    tenant_id = _post(control, "/organisations", name="Demo")["tenant_id"]
    _post(control, "/apps", client_id="a", tenant_ids=[tenant_id])

    limits = _post(control, "/limits", client_id="a", minute=5)
    webhook = _post(control, "/webhooks", url="http://127.0.0.1:1/", duplicate=True)
    breakdowns = _post(control, "/breakdowns", match="Invoices")
    refusals = _post(control, "/refusals", tenant_id=tenant_id, kind="Invoice", words="No.", status="DELETED")
    outcome = _post(control, "/verify-webhook", client_id="a")

    assert limits == {"minute": 5, "day": 5000, "concurrent": 5, "app_minute": 10_000}
    assert webhook == {"url": "http://127.0.0.1:1/", "status": "OK", "waiting": 0}
    assert breakdowns == {"breakdowns": 1}
    assert refusals == {"refusals": 1}
    assert outcome["passed"] is False
