"""The stores, on PostgreSQL. The documents in memory have to pass the same."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import alembic.command
import alembic.config
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app import users
from app.database import make_sessions
from app.documents.content import PageText
from app.documents.store import Documents, SqlDocuments
from app.models import Status
from tests.conftest import PASSWORD, ROOT
from tests.fakes import MemoryDocuments
from tests.postgres import on_postgres

Check = Callable[[Documents, UUID], Awaitable[None]]


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
            owner = users.new_user(f"{uuid4().hex}@example.org", PASSWORD)
            await users.SqlUsers(sessions).add(owner)
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


@pytest.fixture
def in_environment(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_DATABASE_URL", environment["APP_DATABASE_URL"])


@pytest.mark.stack
@pytest.mark.usefixtures("in_environment")
def test_users_are_added_by_the_command(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def add(password: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        return users.main(["Rita@Example.org", "--reviewer"])

    with pytest.raises(SystemExit, match=r"^error: the password needs 12 characters or more$"):
        add("short")
    assert add(PASSWORD) == 0
    assert capsys.readouterr().out == "added Rita@Example.org\n"
    with pytest.raises(SystemExit, match=r"^error: there is a user Rita@Example.org already$"):
        add(PASSWORD)

    async def use(engine: AsyncEngine) -> None:
        stored = users.SqlUsers(make_sessions(engine))
        user = await stored.by_email("rita@example.org")
        assert user is not None
        assert user.is_reviewer
        assert users.has_password(user, PASSWORD)
        assert await stored.get(user.id) is not None

    on_postgres(environment, use)


@pytest.mark.stack
@pytest.mark.usefixtures("in_environment")
def test_the_migrations_are_what_the_models_say() -> None:
    alembic.command.check(alembic.config.Config(ROOT / "alembic.ini"))
