"""The application with everything in memory, and people who are signed in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tasker_contrib_fastapi import get_client
from tasker_contrib_fastapi.testing import TaskerStack

from app import users
from app.documents.store import get_documents
from app.main import create_app
from app.models import User
from app.settings import Settings
from app.users import get_users, new_user
from app.web.auth import make_token
from tests.fakes import MemoryDocuments, MemoryTasker, MemoryUsers

ROOT = Path(__file__).parents[1]
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Hashing is slow on purpose; the tests need not wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(users, "hasher", PasswordHash((cheap,)))
        yield


@pytest.fixture(scope="session")
def people(cheap_hashes: None) -> dict[str, User]:
    return {
        "ann": new_user("ann@example.org", PASSWORD),
        "bob": new_user("bob@example.org", PASSWORD),
        "rita": new_user("rita@example.org", PASSWORD, is_reviewer=True),
    }


@pytest.fixture
def settings() -> Settings:
    return Settings(
        app_env="test", max_upload_bytes=1000, login_rate="4/minute", upload_rate="5/minute"
    )


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def tasker_client() -> MemoryTasker:
    return MemoryTasker()


@pytest.fixture
def app(
    settings: Settings,
    people: dict[str, User],
    documents: MemoryDocuments,
    tasker_client: MemoryTasker,
) -> FastAPI:
    app = create_app(settings)
    accounts = MemoryUsers(list(people.values()))
    app.dependency_overrides = {
        get_documents: lambda: documents,
        get_users: lambda: accounts,
        get_client: lambda: tasker_client,
    }
    return app


@pytest.fixture
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def tokens(people: dict[str, User], settings: Settings) -> dict[str, dict[str, str]]:
    """For each person the header that signs a request."""
    return {
        name: {"Authorization": f"Bearer {make_token(user.id, settings).access_token}"}
        for name, user in people.items()
    }


@pytest.fixture(scope="session")
def environment(tasker_stack: TaskerStack) -> dict[str, str]:
    """Variables for processes of the application: a real stack, and a migrated database in it."""
    server, _, _ = tasker_stack.database_url.rpartition("/")
    with psycopg.connect(tasker_stack.database_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE app_test")
    values = {
        **os.environ,
        **tasker_stack.env,
        "APP_DATABASE_URL": f"{server}/app_test",
        "APP_ENV": "test",
        "PYTHONUNBUFFERED": "1",
    }
    alembic = [sys.executable, "-m", "alembic"]
    subprocess.run([*alembic, "upgrade", "head"], cwd=ROOT, env=values, check=True)
    return values
