"""The pages: who may see and do what, forged and stale forms, and what a screen reader gets."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals import actions
from approvals.models import Delegation, PurchaseRequest, Vote
from tests.conftest import Company


def signed_in(company: Company, name: str) -> Client:
    client = Client()
    client.force_login(company.user(name))
    return client


def send_vote(client: Client, pk: int, round_id: int, verdict: str = "approve") -> Any:
    data = {"round": round_id, "verdict": verdict, "comment": "fine"}
    return client.post(reverse("vote", args=[pk]), data)


def test_from_a_form_to_an_approved_request(company: Company) -> None:
    erik = signed_in(company, "erik")
    answer = erik.post(reverse("new"), form("it", ("chair", 2, "50.00"), ("desk", 1, "300.00")))
    pk = PurchaseRequest.objects.get().pk
    assert answer["Location"] == reverse("request", args=[pk])
    erik.post(reverse("submit", args=[pk]))
    company.work()
    mira = signed_in(company, "mira")
    assert f'href="{reverse("request", args=[pk])}"' in text(mira.get(reverse("inbox")))
    assert send_vote(mira, pk, company.open_round(pk).pk).status_code == 302
    company.work()
    page = text(erik.get(reverse("request", args=[pk])))
    assert "This request is <strong>approved</strong>" in page
    assert "“fine”" in page
    assert company.bookings(pk)[-1] == (1, "spent", "400.00")


def form(budget: str, *lines: tuple[str, int, str], **more: str) -> dict[str, Any]:
    from approvals.models import Budget

    data: dict[str, Any] = {
        "title": "Furniture",
        "budget": Budget.objects.get(code=budget).pk,
        "reason": "",
        "lines-TOTAL_FORMS": len(lines),
        "lines-INITIAL_FORMS": 0,
        "lines-MIN_NUM_FORMS": 1,
        "lines-MAX_NUM_FORMS": 1000,
        **more,
    }
    for index, (description, quantity, price) in enumerate(lines):
        data |= {
            f"lines-{index}-description": description,
            f"lines-{index}-quantity": quantity,
            f"lines-{index}-unit_price": price,
        }
    return data


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("quantity", "price"), [(0, "5.00"), (-1, "5.00"), (1, "0.00"), (1, "-5"), (1, "0.001")]
)
def test_nonsense_is_not_saved(company: Company, quantity: int, price: str) -> None:
    answer = signed_in(company, "erik").post(reverse("new"), form("it", ("chair", quantity, price)))
    assert answer.status_code == 200
    assert "errorlist" in text(answer)
    assert not PurchaseRequest.objects.exists()


def test_a_change_by_form_starts_again(company: Company) -> None:
    pk = company.submitted(total="2000.00")
    line = PurchaseRequest.objects.get(pk=pk).lines.get()
    data = form("it", ("chair", 1, "300.00"))
    data |= {"lines-INITIAL_FORMS": 1, "lines-0-id": line.pk, "lines-0-request": pk}
    signed_in(company, "erik").post(reverse("edit", args=[pk]), data)
    company.work()
    assert company.rounds(pk)[-1] == (2, "manager", "open")
    assert company.bookings(pk)[-1] == (2, "reserved", "300.00")


def test_the_requester_cannot_approve(company: Company) -> None:
    pk = company.submitted()
    answer = send_vote(signed_in(company, "erik"), pk, company.open_round(pk).pk)
    assert answer.status_code == 409
    assert "Nobody decides about their own request." in text(answer)
    assert not Vote.objects.exists()


def test_a_stranger_sees_and_decides_nothing(company: Company) -> None:
    pk = company.submitted()
    emil = signed_in(company, "emil")
    for name in ("request", "live", "edit"):
        assert emil.get(reverse(name, args=[pk])).status_code == 403, name
    assert send_vote(emil, pk, company.open_round(pk).pk).status_code == 403
    assert emil.post(reverse("withdraw", args=[pk])).status_code == 403
    assert emil.get(reverse("budgets")).status_code == 403
    assert company.status(pk) == "waiting"
    assert not Vote.objects.exists()


def test_an_auditor_sees_everything_and_decides_nothing(company: Company) -> None:
    pk = company.submitted()
    alex = signed_in(company, "alex")
    assert alex.get(reverse("request", args=[pk])).status_code == 200
    assert alex.get(reverse("budgets")).status_code == 200
    assert alex.get("/admin/approvals/auditentry/").status_code == 200
    assert alex.post("/admin/approvals/auditentry/add/").status_code == 403
    assert send_vote(alex, pk, company.open_round(pk).pk).status_code == 409
    assert not Vote.objects.exists()


def test_a_forged_post_without_a_token_is_refused(company: Company) -> None:
    pk = company.submitted()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(company.user("mira"))
    assert send_vote(browser, pk, company.open_round(pk).pk).status_code == 403
    assert not Vote.objects.exists()


@pytest.mark.parametrize("name", ["submit", "withdraw", "vote"])
def test_a_link_changes_nothing(company: Company, name: str) -> None:
    pk = company.submitted()
    assert signed_in(company, "erik").get(reverse(name, args=[pk])).status_code == 405


def test_a_round_of_another_request_is_refused(company: Company) -> None:
    mine, other = company.submitted(), company.submitted("emil")
    answer = send_vote(signed_in(company, "mira"), mine, company.open_round(other).pk)
    assert answer.status_code == 409
    assert not Vote.objects.exists()


@pytest.mark.parametrize("data", [{}, {"round": "x", "verdict": "approve"}, {"verdict": "maybe"}])
def test_a_broken_form_is_refused(company: Company, data: dict[str, str]) -> None:
    pk = company.submitted()
    answer = signed_in(company, "mira").post(reverse("vote", args=[pk]), data)
    assert answer.status_code == 409
    assert not Vote.objects.exists()


def test_a_page_from_before_a_change_decides_nothing(company: Company) -> None:
    pk = company.submitted()
    seen = company.open_round(pk).pk
    actions.restart(pk, company.user("erik"))
    company.work()
    answer = send_vote(signed_in(company, "mira"), pk, seen)
    assert answer.status_code == 409
    assert "changed or withdrawn meanwhile" in text(answer)
    assert not Vote.objects.exists()


def test_nobody_ends_the_delegation_of_somebody_else(company: Company) -> None:
    mira = signed_in(company, "mira")
    data = {"delegate": company.user("max").pk, "first_day": "2026-01-01"}
    answer = mira.post(reverse("delegations"), {**data, "last_day": "2025-01-01"})
    assert "The last day is before the first." in text(answer)
    mira.post(reverse("delegations"), {**data, "last_day": "2026-01-02"})
    pk = Delegation.objects.get().pk
    end = reverse("end_delegation", args=[pk])
    assert signed_in(company, "max").post(end).status_code == 404
    assert mira.post(end).status_code == 302
    assert not Delegation.objects.exists()


def test_everything_needs_a_sign_in(company: Company) -> None:
    pk = company.submitted()
    for name in ("inbox", "requests", "new", "delegations", "budgets"):
        assert Client().get(reverse(name))["Location"].startswith(reverse("login"))
    assert Client().get(reverse("request", args=[pk])).status_code == 302


def test_htmx_stops_asking_when_nothing_moves(company: Company) -> None:
    pk = company.submitted()
    erik = signed_in(company, "erik")
    assert erik.get(reverse("live", args=[pk])).status_code == 286
    company.vote(pk, "mira", work=False)
    assert erik.get(reverse("live", args=[pk])).status_code == 200


class Outline(HTMLParser):
    """What assistive technology relies on."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.references |= set(values.get(name, "").split())
        if tag == "label":
            self.labels.add(values.get("for", ""))
        if tag in ("input", "select", "textarea") and values.get("type") != "hidden":
            self.fields.add(values.get("id", tag))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("mira", "/"),
        ("erik", "/requests/"),
        ("erik", "/requests/new/"),
        ("mira", "/requests/{pk}/"),
        ("erik", "/requests/{pk}/"),
        ("mira", "/delegations/"),
        ("vera", "/budgets/"),
    ],
)
def test_a_page_can_be_used_with_a_screen_reader(company: Company, who: str, path: str) -> None:
    pk = company.submitted()
    page = text(signed_in(company, who).get(path.format(pk=pk)))
    outline = Outline(page)
    assert '<html lang="en">' in page
    assert len(outline.ids) == len(set(outline.ids)), "an id is used twice"
    assert outline.references <= set(outline.ids)
    assert outline.fields <= outline.labels, "a field without a label"
    assert outline.headings[0] == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps), outline.headings
    assert page.index("Skip to the content") < page.index("<nav")


def test_a_script_in_a_title_is_text(company: Company) -> None:
    pk = company.submitted()
    PurchaseRequest.objects.filter(pk=pk).update(title="<script>alert(1)</script>")
    page = text(signed_in(company, "mira").get(reverse("request", args=[pk])))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
