"""A job's own resources: a club stores its members, and each new member gets a letter.

    POST  /members       {"email": "ada@example.com", "name": "Ada"}
                         201 {"id": 1, "email": "ada@example.com", "name": "Ada"}; 409 when the address is taken
    GET   /members/{id}  200 and the member as above; 404 when there is none
    PATCH /members/{id}  {"name": "Ada Lovelace"}: 200 and the member as above; 404 when there is none

Every signup starts one background job. It asks for the letter's template (GET TEMPLATES_URL/welcome, once for every
letter), gets {"text": "Welcome, {name}!"}, and mails that text, the name filled in, to the member. All of it works, as
long as everybody is quick. The pool holds exactly one connection; leave it so, and make these true:

- While jobs wait for the templates or for the mail server, be it one or twenty, their own visitors are answered and
  the next one is served.
- The letter carries the name that the database holds once the template has come, also if it was changed by then.
- A signup that is refused with 409 has no job: no template is asked for, no letter is sent.
- A job that fails, because the templates answer 503 for instance, asks no second time and leaves the member stored.

Your part: `get_session`, `sign_up` and `welcome`.
Nothing may dawdle: in a quick world an effect follows its cause within a tenth of a second.
The environment says DATABASE_URL, POOL_TIMEOUT_SECONDS, TEMPLATES_URL, SMTP_HOST and SMTP_PORT.
"""

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
        await session.commit()


async def fetch_template() -> str:
    async with httpx.AsyncClient(base_url=os.environ["TEMPLATES_URL"], timeout=60) as templates:
        return str((await templates.get("/welcome")).raise_for_status().json()["text"])


async def send_letter(address: str, text: str) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "club@example.com", address, "Welcome"
    letter.set_content(text)
    await aiosmtplib.send(letter, hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"]))


async def welcome(session: AsyncSession, member_id: int) -> None:
    template = await fetch_template()
    member = await session.get_one(Member, member_id)
    await send_letter(member.email, template.replace("{name}", member.name))


Session = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI(lifespan=lifespan)


@app.post("/members", status_code=201, response_model=Shown)
async def sign_up(signup: Signup, session: Session, jobs: BackgroundTasks) -> Member:
    session.add(member := Member(**signup.model_dump()))
    try:
        await session.flush()
    except IntegrityError as error:
        raise HTTPException(409, "This address belongs to a member already.") from error
    jobs.add_task(welcome, session, member.id)
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
