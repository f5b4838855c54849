from __future__ import annotations

import pytest

from app.settings import EXAMPLE_SECRET, Settings, load_settings

GOOD = {
    "APP_ENV": "production",
    "JWT_SECRET": "k3Z0" * 12,
    "APP_DATABASE_URL": "postgresql://app:Vq7-long-one@db:5432/app",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_production_starts_with_secrets_of_its_own(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.app_env == "production"
    assert settings.database.drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", EXAMPLE_SECRET),
        ("JWT_SECRET", "short"),
        ("APP_DATABASE_URL", "postgresql://app:app@db/app"),
        ("APP_DATABASE_URL", "postgresql://app@db/app"),
        ("DATABASE_URL", "postgresql://tasker:tasker@db/tasker"),
    ],
)
def test_an_example_secret_stops_production_with_its_name(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    message = str(stopped.value)
    assert name in message
    assert "\n" not in message
    assert value not in message
    environment.setenv("APP_ENV", "development")
    load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN_MINUTES", "soon"),
        ("DB_POOL_SIZE", "0"),
        ("APP_ENV", "prod"),
        ("APP_DATABASE_URL", "here"),
    ],
)
def test_a_wrong_value_stops_with_the_name_of_its_variable(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit, match=f"error: {name}"):
        load_settings()


def test_secrets_are_not_printed() -> None:
    assert EXAMPLE_SECRET not in repr(Settings())
