"""Promises a hundred bytes, sends three and hangs up."""

SAYS = "was not answered"
EARNED = 0


async def app(scope, receive, send):
    if scope["type"] == "http":
        transport = send.__self__.transport
        transport.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\nlocation: /\r\n\r\nabc")
        transport.close()
