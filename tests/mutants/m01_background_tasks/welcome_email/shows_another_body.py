"""Answers with a status word, and shows something else at the Location."""

MISTAKE = "A16"
FAILS = ["test_location_leads_to_the_signup"]

import os
from email.message import EmailMessage
from uuid import uuid4

import aiosmtplib
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, EmailStr
from starlette.background import BackgroundTask


class NewSignup(BaseModel):
    email: EmailStr


class Signup(NewSignup):
    id: str


app = FastAPI()
signups: dict[str, Signup] = {}


async def send_welcome(address: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "hello@example.org", address, "Welcome"
    mail.set_content("Good to have you with us.")
    async with aiosmtplib.SMTP(hostname=os.environ["SMTP_HOST"], port=int(os.environ["SMTP_PORT"])) as server:
        await server.send_message(mail)


@app.post("/signups", response_model=Signup, status_code=202)
async def sign_up(new: NewSignup) -> JSONResponse:
    signup = Signup(id=uuid4().hex, email=new.email)
    signups[signup.id] = signup
    return JSONResponse(
        {"status": "accepted"},
        status_code=202,
        headers={"Location": f"/signups/{signup.id}"},
        background=BackgroundTask(send_welcome, signup.email),
    )


@app.get("/signups/{signup_id}")
async def read_signup(signup_id: str) -> dict:
    if signup_id not in signups:
        raise HTTPException(404)
    return {"email": signups[signup_id].email}
