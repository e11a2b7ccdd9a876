"""Answers every visitor with bytes that are no HTTP."""

SAYS = "was not answered"
EARNED = 0


async def app(scope, receive, send):
    if scope["type"] == "http":
        transport = send.__self__.transport
        transport.write(bytes(range(256)) * 100)
        transport.close()
