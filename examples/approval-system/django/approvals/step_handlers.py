"""The steps of the workflows in `config/tasks`; what they do is in `rounds`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel
from tasker_contrib_django import (
    Config,
    Decision,
    Input,
    PermanentError,
    Result,
    decision_handler,
    step_handler,
)

from . import rounds
from .actions import Status
from .chain import StageName, stages_for
from .notices import send_waiting
from .outbox import finish
from .people import limits


class Job(BaseModel):
    """What every task is about: a revision of a request, and one of its rounds."""

    key: str
    request: int
    revision: int
    round: int | None = None
    attempt: int


class Reserved(BaseModel):
    """Whether the money is there. Without `funded` the request has moved on meanwhile."""

    funded: bool | None = None
    total: str = "0"


class Settled(BaseModel):
    """How a round ended. Without `outcome` the request has moved on meanwhile."""

    outcome: Literal["approved", "rejected"] | None = None
    stage: str = ""
    is_last: bool = False


Task = Annotated[Job, Input()]


def nothing_to_do(job: Job) -> Decision:
    finish(job.key)
    return Decision.skip("the request has moved on")


@step_handler("approvals.reserve_budget")
def reserve_budget(job: Task) -> Reserved:
    return Reserved.model_validate(rounds.reserve(job.request, job.revision) or {})


@decision_handler("approvals.choose_chain")
def choose_chain(job: Task, reserved: Annotated[Reserved, Result("reserve_budget")]) -> Decision:
    """The amount decides who must agree."""
    if reserved.funded is None:
        return nothing_to_do(job)
    if not reserved.funded:
        return Decision.route(["decline_request"], total=reserved.total)
    stages = stages_for(Decimal(reserved.total), limits())
    return Decision.route([f"plan_{stage}" for stage in stages], total=reserved.total)


@step_handler("approvals.plan_round")
def plan_round(job: Task, stage: Annotated[StageName, Config("stage")]) -> dict[str, Any]:
    try:
        return {"planned": rounds.plan(job.request, job.revision, stage)}
    except rounds.NobodyToAsk as why:
        raise PermanentError(str(why)) from why


@step_handler("approvals.open_round")
def open_round(job: Task) -> dict[str, Any]:
    round_ = rounds.open_next(job.request, job.revision)
    return {"round": round_.pk, "stage": round_.stage} if round_ else {}


@step_handler("approvals.decline_request")
def decline_request(job: Task) -> None:
    text = "The budget does not have that much left. You can change the request or wait."
    rounds.close(job.request, job.revision, Status.UNFUNDED, text)


@step_handler("approvals.record_outcome")
def record_outcome(job: Task) -> Settled:
    assert job.round is not None
    found = rounds.outcome(job.request, job.revision, job.round)
    return Settled.model_validate(found or {})


@decision_handler("approvals.route_outcome")
def route_outcome(job: Task, settled: Annotated[Settled, Result("record_outcome")]) -> Decision:
    """On to the next stage, or to the end."""
    if settled.outcome is None:
        return nothing_to_do(job)
    if settled.outcome == "rejected":
        return Decision.route(["release_budget"], stage=settled.stage)
    return Decision.route(["spend_budget" if settled.is_last else "open_next_round"])


@step_handler("approvals.spend_budget")
def spend_budget(job: Task) -> dict[str, Any]:
    return {"spent": rounds.spend(job.request, job.revision)}


@step_handler("approvals.release_budget")
def release_budget(job: Task) -> dict[str, Any]:
    ends = (Status.SETTLING, Status.WITHDRAWN)
    return {"released": rounds.release(job.request, job.revision, *ends)}


@step_handler("approvals.approve_request")
def approve_request(job: Task) -> None:
    text = "Everybody who had to has agreed. You can order."
    rounds.close(job.request, job.revision, Status.APPROVED, text)


@step_handler("approvals.reject_request")
def reject_request(job: Task) -> None:
    text = "The request was rejected. Its page says by whom, and why."
    rounds.close(job.request, job.revision, Status.REJECTED, text)


@step_handler("approvals.confirm_withdrawal")
def confirm_withdrawal(job: Task) -> None:
    rounds.confirm_withdrawal(job.request, job.revision)


@step_handler("approvals.widen_round")
def widen_round(job: Task) -> dict[str, Any]:
    assert job.round is not None
    return {"asked": rounds.widen(job.request, job.revision, job.round)}


@step_handler("approvals.tell_people")
def tell_people(job: Task) -> dict[str, Any]:
    """The last step of every task: send what there is to say. After it the task is done."""
    sent = send_waiting(job.request)
    finish(job.key)
    return {"sent": sent}
