from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from fastapi.testclient import TestClient

from app.models import User
from app.settings import Settings
from app.web.auth import ALGORITHM, ISSUER
from tests.conftest import PASSWORD


def sign_in(http: TestClient, email: str, password: str) -> Any:
    return http.post("/token", data={"username": email, "password": password})


def test_a_token_opens_the_api(http: TestClient) -> None:
    answer = sign_in(http, "Ann@Example.org", PASSWORD)
    assert answer.status_code == 200
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("bearer", 1800)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert http.get("/documents", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"), [("ann@example.org", "wrong"), ("nobody@example.org", PASSWORD)]
)
def test_what_is_wrong_is_not_told(http: TestClient, email: str, password: str) -> None:
    answer = sign_in(http, email, password)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "wrong e-mail address or password"}


def test_guessing_passwords_is_slowed_down(http: TestClient, settings: Settings) -> None:
    statuses = [sign_in(http, "ann@example.org", "wrong").status_code for _ in range(5)]
    assert statuses == [401] * 4 + [429]
    assert int(sign_in(http, "ann@example.org", PASSWORD).headers["Retry-After"]) <= 60


def claims(user: User, **other: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    lifetime = {"iat": now, "exp": now + timedelta(minutes=1)}
    return {"sub": str(user.id), "iss": ISSUER, **lifetime, **other}


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"iss": "another"},
        {"sub": "ann"},
        {"sub": "7d6e5a0c-0000-4000-8000-000000000000"},
    ],
)
def test_a_wrong_token_opens_nothing(
    http: TestClient, people: dict[str, User], settings: Settings, wrong: dict[str, Any]
) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer: httpx.Response = http.get("/documents", headers=headers)
        return answer.status_code

    secret = settings.jwt_secret.get_secret_value()
    right = claims(people["ann"])
    assert status(jwt.encode(right, secret, ALGORITHM)) == 200
    assert status(jwt.encode({**right, **wrong}, secret, ALGORITHM)) == 401
    assert status(jwt.encode(right, secret + "x", ALGORITHM)) == 401


def test_a_token_without_a_signature_opens_nothing(
    http: TestClient, people: dict[str, User]
) -> None:
    token = jwt.encode(claims(people["ann"]), None, algorithm="none")
    answer = http.get("/documents", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/documents"),
        ("POST", "/documents"),
        ("GET", "/documents/7d6e5a0c-0000-4000-8000-000000000000"),
        ("POST", "/documents/7d6e5a0c-0000-4000-8000-000000000000/review"),
    ],
)
def test_nothing_is_open_to_strangers(http: TestClient, method: str, path: str) -> None:
    assert http.request(method, path).status_code == 401
