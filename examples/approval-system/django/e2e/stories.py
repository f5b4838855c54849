"""The scenarios of one request: people click, then the books are read."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from .books import Books
from .person import Person


def straight(books: Books) -> dict[str, Any]:
    pk = Person("erik").submit("Desk", "400.00", books.budget("it"))
    books.asked(pk, "manager")
    Person("mira").decide(pk, comment="a good desk")
    books.settled(pk, "approved")
    return books.audit(pk)


def rejected(books: Books) -> dict[str, Any]:
    before = books.free("it")
    pk = Person("erik").submit("Server", "20000.00", books.budget("it"))
    books.asked(pk, "manager")
    held = books.free("it")
    Person("mira").decide(pk)
    books.asked(pk, "finance")
    Person("fatima").decide(pk, "reject")
    Person("felix").decide(pk, "reject")
    books.settled(pk, "rejected")
    return {
        **books.audit(pk),
        "held": str(float(before) - float(held)),
        "given_back": books.free("it") == before,
    }


def board(books: Books) -> dict[str, Any]:
    pk = Person("erik").submit("Machine", "20000.00", books.budget("it"))
    for stage, names in {
        "manager": ["mira"],
        "finance": ["fatima", "frida"],
        "board": ["vera", "vilma"],
    }.items():
        books.asked(pk, stage)
        for name in names:
            Person(name).decide(pk)
    books.settled(pk, "approved")
    return books.audit(pk)


def quorum(books: Books) -> dict[str, Any]:
    pk = Person("erik").submit("Screens", "2000.00", books.budget("it"))
    books.asked(pk, "manager")
    Person("mira").decide(pk)
    books.asked(pk, "finance")
    clicks = [Person(name).decision(pk) for name in ("fatima", "felix", "frida")]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda click: click(), clicks))
    books.settled(pk, "approved")
    found = books.audit(pk)
    # Which two were faster is chance.
    found["history"] = sorted(line.split(": ")[1] for line in found["history"])
    found["too_late"] = sum(answer.status_code == 409 for answer in answers)
    return found


def delegate(books: Books) -> dict[str, Any]:
    mira, max_ = Person("mira"), Person("max")
    # The day of the company (its TIME_ZONE), which is not always that of this machine.
    today = datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat()
    key = books.value("SELECT id FROM auth_user WHERE username = 'max'")
    mira.send("/delegations/", delegate=key, first_day=today, last_day=today)
    pk = Person("erik").submit("Lamp", "80.00", books.budget("office"))
    books.asked(pk, "manager")
    max_.decide(pk)
    books.settled(pk, "approved")
    ended = books.value("SELECT id FROM approvals_delegation")
    mira.send("/delegations/", f"/delegations/{ended}/end/")
    return {
        **books.audit(pk),
        "votes": books.rows(
            """SELECT a.username AS actor, p.username AS "for" FROM approvals_vote v
               JOIN approvals_round r ON r.id = v.round_id JOIN auth_user a ON a.id = v.actor_id
               JOIN approvals_seat s ON s.id = v.seat_id JOIN auth_user p ON p.id = s.approver_id
               WHERE r.request_id = %(pk)s""",
            pk=pk,
        ),
        "delegations": books.value("SELECT count(*) FROM approvals_delegation"),
    }


def escalation(books: Books) -> dict[str, Any]:
    pk = Person("erik").submit("Phone", "600.00", books.budget("it"))
    books.asked(pk, "manager")
    for ahead in ("49", "97"):
        command = [sys.executable, "manage.py", "periodic", "--once", "--hours-ahead", ahead]
        subprocess.run(command, check=True, stdout=sys.stderr)
        books.asked(pk, "manager")
    Person("vera").decide(pk)
    books.settled(pk, "approved")
    return books.audit(pk)


def withdrawn(books: Books) -> dict[str, Any]:
    erik = Person("erik")
    before = books.free("it")
    pk = erik.submit("Chair", "500.00", books.budget("it"))
    books.asked(pk, "manager")
    click = Person("mira").decision(pk)
    erik.click(pk, "withdraw")
    books.settled(pk, "withdrawn")
    return {
        **books.audit(pk),
        "too_late": click().status_code,
        "given_back": books.free("it") == before,
    }


def changed(books: Books) -> dict[str, Any]:
    erik = Person("erik")
    pk = erik.submit("Laptops", "2000.00", books.budget("it"))
    books.asked(pk, "manager")
    Person("mira").decide(pk)
    books.asked(pk, "finance")
    click = Person("felix").decision(pk)
    erik.change(pk, "900.00")
    books.asked(pk, "manager")
    stale = click().status_code
    Person("mira").decide(pk)
    books.settled(pk, "approved")
    return {**books.audit(pk), "stale": stale}


def over_budget(books: Books) -> dict[str, Any]:
    pk = Person("elena").submit("World tour", "9999.00", books.budget("travel"))
    books.settled(pk, "unfunded")
    return books.audit(pk)


def rules(books: Books) -> dict[str, Any]:
    """What must be refused: the requester's own vote, strangers, forged requests."""
    erik, emil, mira = Person("erik"), Person("emil"), Person("mira")
    pk = erik.submit("Bike", "700.00", books.budget("it"))
    books.asked(pk, "manager")
    round_ = books.value("SELECT id FROM approvals_round WHERE request_id = %(pk)s", pk=pk)
    vote, data = f"/requests/{pk}/vote/", {"round": round_, "verdict": "approve"}
    elsewhere = {"Origin": "http://elsewhere.example", "Referer": "http://elsewhere.example/"}
    token = mira.token("/requests/new/")
    refused = {
        "own_request": erik.send("/requests/new/", vote, **data),
        "stranger_votes": emil.send("/requests/new/", vote, **data),
        "stranger_withdraws": emil.send("/requests/new/", f"/requests/{pk}/withdraw/"),
        "stranger_looks": emil.get(f"/requests/{pk}/"),
        "no_token": mira.http.post(vote, data=data),
        "wrong_token": mira.http.post(vote, data={**data, "csrfmiddlewaretoken": "x" * 64}),
        "other_site": mira.http.post(
            vote, data={**data, "csrfmiddlewaretoken": token}, headers=elsewhere
        ),
        "link": mira.get(vote),
    }
    found = {name: answer.status_code for name, answer in refused.items()}
    votes = books.value("SELECT count(*) FROM approvals_vote WHERE round_id = %(id)s", id=round_)
    erik.click(pk, "withdraw")
    books.settled(pk, "withdrawn")
    return {"refused": found, "votes": votes}
