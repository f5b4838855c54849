"""OAuth2 password flow: `POST /token` gives a signed token, which the other routes ask for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, HTTPException, Request, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel

from app.models import User
from app.settings import Settings
from app.users import UsersDep, has_password
from app.web.limits import limit_login

ALGORITHM = "HS256"
ISSUER = "app"

router = APIRouter(tags=["sign in"])
bearer = OAuth2PasswordBearer(tokenUrl="token")


class Token(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int


def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_settings)]


def make_token(user_id: UUID, settings: Settings) -> Token:
    lifetime = timedelta(minutes=settings.token_minutes)
    now = datetime.now(UTC)
    claims = {"sub": str(user_id), "iss": ISSUER, "iat": now, "exp": now + lifetime}
    secret = settings.jwt_secret.get_secret_value()
    return Token(
        access_token=jwt.encode(claims, secret, ALGORITHM),
        expires_in=int(lifetime.total_seconds()),
    )


@router.post("/token", dependencies=[Depends(limit_login)])
async def sign_in(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], users: UsersDep, settings: SettingsDep
) -> Token:
    user = await users.by_email(form.username)
    if not await asyncio.to_thread(has_password, user, form.password) or user is None:
        raise _unauthorized("wrong e-mail address or password")
    return make_token(user.id, settings)


async def current_user(
    token: Annotated[str, Depends(bearer)], users: UsersDep, settings: SettingsDep
) -> User:
    try:
        claims = jwt.decode(
            token,
            settings.jwt_secret.get_secret_value(),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={"require": ["exp", "iat", "iss", "sub"]},
        )
        user = await users.get(UUID(claims["sub"]))
    except (jwt.InvalidTokenError, ValueError):
        raise _unauthorized("the token is not valid, or no longer") from None
    if user is None:
        raise _unauthorized("the token's user does not exist")
    return user


CurrentUser = Annotated[User, Depends(current_user)]


async def current_reviewer(user: CurrentUser) -> User:
    if not user.is_reviewer:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "only reviewers may do this")
    return user


CurrentReviewer = Annotated[User, Depends(current_reviewer)]


def _unauthorized(why: str) -> HTTPException:
    return HTTPException(status.HTTP_401_UNAUTHORIZED, why, headers={"WWW-Authenticate": "Bearer"})
