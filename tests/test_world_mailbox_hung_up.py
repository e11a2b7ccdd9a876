"""A client that hangs up in the middle of a conversation leaves nothing behind."""

from __future__ import annotations

import socket

from grader.stage import Patience
from grader.world.listening import listen_on_loopback
from grader.world.loop import Loop
from grader.world.mailbox import Mailbox
from grader.world.timeline import Timeline


def test_the_server_closes_its_side_too() -> None:
    with Loop() as loop, listen_on_loopback() as listener:
        mailbox = Mailbox(loop, Timeline(), Patience(list, loop.tick), listener)
        with socket.create_connection(("127.0.0.1", mailbox.port), timeout=5) as client, client.makefile("rb") as heard:
            assert heard.readline().startswith(b"220")
            client.sendall(b"EHLO example.com\r\n")
            while not heard.readline().startswith(b"250 "):
                pass
            client.shutdown(socket.SHUT_WR)
            assert heard.read() == b""
        loop.tick()
        assert mailbox.open_now == 0
        mailbox.close()
