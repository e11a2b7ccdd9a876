"""Answers 100 Continue without end."""

SAYS = "was not answered"
EARNED = 0

import asyncio


async def app(scope, receive, send):
    if scope["type"] == "http":
        transport = send.__self__.transport
        while not transport.is_closing():
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
            await asyncio.sleep(0)
