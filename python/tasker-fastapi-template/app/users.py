"""People who may sign in. `python -m app.users EMAIL [--reviewer]` adds one."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
import uuid
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request
from pwdlib import PasswordHash
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.database import Sessions, make_engine, make_sessions
from app.models import User
from app.settings import load_settings

MIN_PASSWORD = 12

hasher = PasswordHash.recommended()
# Compared when there is no such user, so that the answer takes as long as with one.
_NOBODY = hasher.hash(uuid.uuid4().hex)


class Users(Protocol):
    """What signing in needs; tests have one in memory."""

    async def by_email(self, email: str) -> User | None: ...

    async def get(self, user_id: UUID) -> User | None: ...


class SqlUsers:
    """The users of the application's database."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def by_email(self, email: str) -> User | None:
        async with self._sessions() as session:
            return await session.scalar(select(User).where(User.email == email.lower()))

    async def get(self, user_id: UUID) -> User | None:
        async with self._sessions() as session:
            return await session.get(User, user_id)

    async def add(self, user: User) -> None:
        async with self._sessions.begin() as session:
            session.add(user)


def new_user(email: str, password: str, *, is_reviewer: bool = False) -> User:
    return User(
        id=uuid.uuid4(),
        email=email.lower(),
        password_hash=hasher.hash(password),
        is_reviewer=is_reviewer,
    )


def has_password(user: User | None, password: str) -> bool:
    """Whether that is the user's password. Slow on purpose: call it in a thread."""
    right = hasher.verify(password, user.password_hash if user else _NOBODY)
    return right and user is not None


def get_users(request: Request) -> Users:
    """The store that the lifespan made."""
    users: Users = request.state.users
    return users


UsersDep = Annotated[Users, Depends(get_users)]


async def _add(user: User) -> None:
    engine = make_engine(load_settings())
    try:
        await SqlUsers(make_sessions(engine)).add(user)
    finally:
        await engine.dispose()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.users", description="Add a user.")
    parser.add_argument("email")
    parser.add_argument("--reviewer", action="store_true", help="may answer reviews")
    parsed = parser.parse_args(arguments)
    is_terminal = sys.stdin.isatty()
    password = getpass.getpass() if is_terminal else sys.stdin.readline().rstrip("\n")
    if len(password) < MIN_PASSWORD:
        sys.exit(f"error: the password needs {MIN_PASSWORD} characters or more")
    try:
        asyncio.run(_add(new_user(parsed.email, password, is_reviewer=parsed.reviewer)))
    except IntegrityError:
        sys.exit(f"error: there is a user {parsed.email} already")
    print(f"added {parsed.email}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
