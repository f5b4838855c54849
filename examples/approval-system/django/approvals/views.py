"""The pages. Each one works without JavaScript; HTMX only refreshes what changes by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from . import actions, graph, people
from .forms import DelegationForm, LineFormSet, RequestForm, VoteForm
from .models import Budget, Delegation, PurchaseRequest

# Lists show the first ones.
PAGE = 100
# HTMX stops asking when it gets this.
STOP_POLLING = 286


class Web(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def inbox_size(web: HttpRequest) -> dict[str, Any]:
    """For the navigation of every page."""
    if not isinstance(web.user, User):
        return {}
    return {"inbox_size": people.free_seats(web.user).count()}


def refusals(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Shows what is refused on the request's page, with the status of a conflict."""

    @wraps(view)
    def wrapped(web: Web, pk: int) -> HttpResponse:
        try:
            return view(web, pk)
        except actions.Refused as why:
            messages.error(web, str(why))
            return page(web, visible(web, pk), status=409)

    return wrapped


def visible(web: Web, pk: int) -> PurchaseRequest:
    request = get_object_or_404(
        PurchaseRequest.objects.select_related("requester", "budget"), pk=pk
    )
    if not people.can_see(web.user, request):
        raise PermissionDenied("This request is not yours to see.")
    return request


@login_required
@require_GET
def inbox(web: Web) -> HttpResponse:
    seats = people.free_seats(web.user).prefetch_related("round__request__lines")
    return render(web, "approvals/inbox.html", {"seats": seats[:PAGE]})


@login_required
@require_GET
def requests(web: Web) -> HttpResponse:
    found = PurchaseRequest.objects.select_related("requester").prefetch_related("lines")
    if not web.user.has_perm("approvals.view_every_request"):
        found = found.filter(requester=web.user)
    return render(web, "approvals/requests.html", {"requests": found[:PAGE]})


@login_required
def new(web: Web) -> HttpResponse:
    draft = PurchaseRequest(requester=web.user)
    form, lines = _forms(web, draft)
    if web.method == "POST" and form.is_valid() and lines.is_valid():
        with transaction.atomic():
            form.save()
            lines.save()
        return redirect("request", draft.pk)
    return render(web, "approvals/edit.html", {"form": form, "lines": lines})


@login_required
@refusals
def edit(web: Web, pk: int) -> HttpResponse:
    """Changes a request. If it is submitted already, its chain starts again."""
    visible(web, pk)
    # The lock is held from the check to the change.
    with transaction.atomic():
        request = actions.changeable(pk, web.user)
        form, lines = _forms(web, request)
        if web.method == "POST" and form.is_valid() and lines.is_valid():
            form.save()
            lines.save()
            actions.restart(pk, web.user)
            return redirect("request", pk)
    return render(web, "approvals/edit.html", {"form": form, "lines": lines, "request_": request})


def _forms(web: Web, request: PurchaseRequest) -> tuple[RequestForm, Any]:
    data = web.POST if web.method == "POST" else None
    return RequestForm(data, instance=request), LineFormSet(data, instance=request)


@login_required
@require_GET
def detail(web: Web, pk: int) -> HttpResponse:
    return page(web, visible(web, pk))


def page(web: Web, request: PurchaseRequest, status: int = 200) -> HttpResponse:
    seat = people.free_seats(web.user).filter(round__request=request).first()
    context = {
        "request_": request,
        "seat": seat,
        "vote": VoteForm(initial={"round": seat.round_id}) if seat else None,
        "is_mine": request.requester_id == web.user.pk,
        **_live(request),
    }
    return render(web, "approvals/request.html", context, status=status)


@login_required
@require_GET
def live(web: Web, pk: int) -> HttpResponse:
    """The part of a request's page that changes by itself."""
    request = visible(web, pk)
    context = {"request_": request, **_live(request)}
    status = 200 if context["moving"] else STOP_POLLING
    return render(web, "approvals/live.html", context, status=status)


def _live(request: PurchaseRequest) -> dict[str, Any]:
    dispatches = list(request.dispatches.filter(context__revision=request.revision))
    moving = any(dispatch.done_at is None for dispatch in dispatches)
    rounds = request.rounds.prefetch_related("seats__approver", "seats__vote__actor")
    return {
        "moving": moving,
        "rounds": rounds,
        "graphs": [graph.draw(dispatch) for dispatch in dispatches],
        "history": request.audit.select_related("actor"),
    }


@login_required
@require_POST
@refusals
def submit(web: Web, pk: int) -> HttpResponse:
    actions.submit(pk, web.user)
    return redirect("request", pk)


@login_required
@require_POST
@refusals
def withdraw(web: Web, pk: int) -> HttpResponse:
    actions.withdraw(pk, web.user)
    return redirect("request", pk)


@login_required
@require_POST
@refusals
def vote(web: Web, pk: int) -> HttpResponse:
    request = visible(web, pk)
    form = VoteForm(web.POST)
    if not form.is_valid():
        raise actions.Refused("Please choose to approve or to reject.")
    if not request.rounds.filter(pk=form.cleaned_data["round"]).exists():
        raise actions.Refused("There is nothing to decide.")
    actions.vote(
        form.cleaned_data["round"],
        web.user,
        form.cleaned_data["verdict"],
        form.cleaned_data["comment"],
    )
    return redirect("request", pk)


@login_required
def delegations(web: Web) -> HttpResponse:
    form = DelegationForm(web.user, web.POST if web.method == "POST" else None)
    if web.method == "POST" and form.is_valid():
        form.save()
        return redirect("delegations")
    return render(web, "approvals/delegations.html", {"form": form})


@login_required
@require_POST
def end_delegation(web: Web, pk: int) -> HttpResponse:
    get_object_or_404(Delegation, pk=pk, principal=web.user).delete()
    return redirect("delegations")


@login_required
@permission_required("approvals.view_budget", raise_exception=True)
@require_GET
def budgets(web: Web) -> HttpResponse:
    rows = [
        {
            "budget": budget,
            "held": budget.amount - budget.free - budget.total("spent"),
            "spent": budget.total("spent"),
        }
        for budget in Budget.objects.all()
    ]
    return render(web, "approvals/budgets.html", {"rows": rows})
