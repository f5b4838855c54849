"""The stores, on PostgreSQL. The documents in memory have to pass the same."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine, make_sessions
from app.documents.content import PageText
from app.documents.store import Documents, SqlDocuments
from app.models import Status, User
from app.settings import Settings
from app.users import SqlUsers, has_password, new_user
from tests.conftest import PASSWORD, ROOT
from tests.fakes import MemoryDocuments

Check = Callable[[Documents, UUID], Awaitable[None]]


def on_postgres(environment: dict[str, str], use: Callable[[AsyncEngine], Awaitable[None]]) -> None:
    settings = Settings.model_validate({"app_database_url": environment["APP_DATABASE_URL"]})

    async def run() -> None:
        engine = make_engine(settings)
        try:
            await use(engine)
        finally:
            await engine.dispose()

    asyncio.run(run())


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.stack)])
def check(request: pytest.FixtureRequest) -> Callable[[Check], None]:
    """Runs a check with a store and the id of a user."""
    if request.param == "memory":

        async def run(check: Check) -> None:
            await check(MemoryDocuments(), uuid4())

        return lambda check: asyncio.run(run(check))
    environment: dict[str, str] = request.getfixturevalue("environment")

    def on_tables(check: Check) -> None:
        async def use(engine: AsyncEngine) -> None:
            sessions = make_sessions(engine)
            owner = new_user(f"{uuid4().hex}@example.org", PASSWORD)
            await SqlUsers(sessions).add(owner)
            await check(SqlDocuments(sessions), owner.id)

        on_postgres(environment, use)

    return on_tables


Run = Callable[[Check], None]


def test_a_document_is_stored_once(check: Run) -> None:
    async def body(documents: Documents, owner: UUID) -> None:
        one, two = uuid4(), uuid4()
        assert await documents.get(one) is None
        assert await documents.content(one) is None
        await documents.add(one, owner, "a.txt", b"abc")
        again = await documents.add(one, owner, "b.txt", b"other")
        assert (again.filename, again.status, again.task_uuid) == ("a.txt", "received", None)
        assert await documents.content(one) == b"abc"
        await documents.add(two, owner, "c.txt", b"")
        assert [found.id for found in await documents.list_of(owner, 10)] == [two, one]
        assert len(await documents.list_of(owner, 1)) == 1
        task = uuid4()
        await documents.set_task(one, task)
        found = await documents.get(one)
        assert found is not None
        assert found.task_uuid == task

    check(body)


def test_a_status_changes_only_from_the_expected_one(check: Run) -> None:
    async def body(documents: Documents, owner: UUID) -> None:
        one = uuid4()
        await documents.add(one, owner, "a.txt", b"abc")

        async def publish(only_from: Status) -> Status:
            return await documents.move(one, Status.PUBLISHED, only_from=only_from)

        assert await publish(Status.WAITING_FOR_REVIEW) == Status.RECEIVED
        assert await publish(Status.RECEIVED) == Status.PUBLISHED
        moved = await documents.move(one, Status.INFECTED, only_from=Status.RECEIVED)
        assert moved == Status.PUBLISHED

    check(body)


def test_pages_that_are_read_again_replace_themselves(check: Run) -> None:
    async def body(documents: Documents, owner: UUID) -> None:
        one = uuid4()
        await documents.add(one, owner, "a.txt", b"abc")
        assert await documents.fewest_words(one) == 0
        await documents.put_pages(one, [])
        await documents.put_pages(one, [PageText(1, "a b", 2), PageText(2, "a b c", 3)])
        assert await documents.fewest_words(one) == 2
        await documents.put_pages(one, [PageText(1, "a b c d", 4)])
        assert await documents.fewest_words(one) == 3

    check(body)


def test_answers_and_notices_count_once(check: Run) -> None:
    async def body(documents: Documents, owner: UUID) -> None:
        one = uuid4()
        await documents.add(one, owner, "a.txt", b"abc")
        assert await documents.review(one) is None
        assert (await documents.add_review(one, owner, True, "fine")).approved
        assert (await documents.add_review(one, owner, False, "no")).approved
        review = await documents.review(one)
        assert review is not None
        assert review.note == "fine"
        assert await documents.add_notice(one, Status.PUBLISHED)
        assert not await documents.add_notice(one, Status.PUBLISHED)
        assert await documents.add_notice(one, Status.REJECTED)

    check(body)


@pytest.mark.stack
def test_users_are_added_by_the_command(environment: dict[str, str]) -> None:
    def add(password: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.users", "Rita@Example.org", "--reviewer"]
        return subprocess.run(
            command, cwd=ROOT, env=environment, input=password, capture_output=True, text=True
        )

    assert add("short").stderr == "error: the password needs 12 characters or more\n"
    assert add(PASSWORD).stdout == "added Rita@Example.org\n"
    assert add(PASSWORD).stderr == "error: there is a user Rita@Example.org already\n"

    async def use(engine: AsyncEngine) -> None:
        users = SqlUsers(make_sessions(engine))
        user = await users.by_email("rita@example.org")
        assert isinstance(user, User)
        assert user.is_reviewer
        assert has_password(user, PASSWORD)
        assert await users.get(user.id) is not None

    on_postgres(environment, use)


@pytest.mark.stack
def test_the_migrations_are_what_the_models_say(environment: dict[str, str]) -> None:
    def alembic(*words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "alembic", *words], cwd=ROOT, env=environment, check=True
        )

    alembic("check")
