from __future__ import annotations

from django import forms
from django.contrib.auth.models import User
from django.forms import inlineformset_factory
from django.http import QueryDict

from .models import Delegation, Line, PurchaseRequest, Vote


class RequestForm(forms.ModelForm):
    class Meta:
        model = PurchaseRequest
        fields = ["title", "budget", "reason"]
        widgets = {"reason": forms.Textarea(attrs={"rows": 3})}


LineFormSet = inlineformset_factory(
    PurchaseRequest,
    Line,
    fields=["description", "quantity", "unit_price"],
    extra=3,
    min_num=1,
    validate_min=True,
    labels={"unit_price": "Price of one, in €"},
)


class VoteForm(forms.Form):
    # Of the page that the person looked at: if the request was changed since, the round is over.
    round = forms.IntegerField(widget=forms.HiddenInput)
    verdict = forms.ChoiceField(choices=Vote.Verdict.choices)
    comment = forms.CharField(
        required=False, max_length=400, label="Comment, for everybody to read"
    )


class DelegationForm(forms.ModelForm):
    class Meta:
        model = Delegation
        fields = ["delegate", "first_day", "last_day"]
        widgets = {
            "first_day": forms.DateInput(attrs={"type": "date"}),
            "last_day": forms.DateInput(attrs={"type": "date"}),
        }

    def __init__(self, principal: User, data: QueryDict | None = None) -> None:
        super().__init__(data, instance=Delegation(principal=principal))
        delegate = self.fields["delegate"]
        assert isinstance(delegate, forms.ModelChoiceField)
        delegate.queryset = User.objects.filter(is_active=True).exclude(pk=principal.pk)
