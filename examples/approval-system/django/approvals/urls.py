from django.urls import path

from . import views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("requests/", views.requests, name="requests"),
    path("requests/new/", views.new, name="new"),
    path("requests/<int:pk>/", views.detail, name="request"),
    path("requests/<int:pk>/live/", views.live, name="live"),
    path("requests/<int:pk>/edit/", views.edit, name="edit"),
    path("requests/<int:pk>/submit/", views.submit, name="submit"),
    path("requests/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("requests/<int:pk>/vote/", views.vote, name="vote"),
    path("delegations/", views.delegations, name="delegations"),
    path("delegations/<int:pk>/end/", views.end_delegation, name="end_delegation"),
    path("budgets/", views.budgets, name="budgets"),
]
