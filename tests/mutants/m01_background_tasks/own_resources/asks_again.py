"""Asks up to three times for the template when it is answered 503."""

MISTAKE = "C8"
FAILS = ["test_failed_job_harms_nobody"]

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Annotated

import aiosmtplib
import httpx
from fastapi import BackgroundTasks, Body, Depends, FastAPI, HTTPException
from pydantic import BaseModel, EmailStr
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

POOL = {"pool_size": 1, "max_overflow": 0, "pool_timeout": float(os.environ.get("POOL_TIMEOUT_SECONDS", "2"))}
engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///members.db"), **POOL)
open_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase): ...


class Member(Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class Signup(BaseModel):
    email: EmailStr
    name: str


class Shown(Signup):
    id: int


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with open_session() as session:
        yield session
        # No commit here: this line is reached when the request's jobs have ended.


async def fetch_template() -> str:
    async with httpx.AsyncClient(base_url=os.environ["TEMPLATES_URL"], timeout=60) as templates:
        for _ in range(3):
            reply = await templates.get("/welcome")
            if reply.status_code != 503:
                break
        return str(reply.raise_for_status().json()["text"])


async def send_letter(address: str, text: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "club@example.com", address, "Welcome"
    letter.set_content(text)
    await aiosmtplib.send(letter, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def welcome(member_id: int) -> None:
    template = await fetch_template()
    # Open late, close early: the only connection is not for keeping while somebody else is slow.
    async with open_session() as session:
        member = await session.get_one(Member, member_id)
    await send_letter(member.email, template.replace("{name}", member.name))


Session = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI(lifespan=lifespan)


@app.post("/members", status_code=201, response_model=Shown)
async def sign_up(signup: Signup, session: Session, jobs: BackgroundTasks) -> Member:
    session.add(member := Member(**signup.model_dump()))
    try:
        await session.commit()  # everybody sees the row from here on, and the pool has its connection back
    except IntegrityError as error:
        raise HTTPException(409, "This address belongs to a member already.") from error
    jobs.add_task(welcome, member.id)  # the object is the request's, the id is good anywhere
    return member


async def find(member_id: int, session: Session) -> Member:
    if member := await session.get(Member, member_id):
        return member
    raise HTTPException(404, "There is no such member.")


@app.get("/members/{member_id}", response_model=Shown)
async def show(member_id: int, session: Session) -> Member:
    return await find(member_id, session)


@app.patch("/members/{member_id}", response_model=Shown)
async def rename(member_id: int, name: Annotated[str, Body(embed=True)], session: Session) -> Member:
    member = await find(member_id, session)
    member.name = name
    await session.commit()
    return member
