"""The world's own certificates: an authority that exists nowhere else, and a server's certificate signed by it.

The server's key is public knowledge. It proves nothing to anybody but to submissions under this grader, who are told
to trust this authority and no other; the authority's own key was thrown away.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from pathlib import Path

AUTHORITY = Path(__file__).with_name("authority.pem")
"""What a submission is told to trust (``SSL_CERT_FILE``): there is no other world than this one.

It also saves each HTTP client 16 ms of reading the hundreds of authorities that a real machine trusts.
"""
SERVER = Path(__file__).with_name("server.pem")
IMPOSTOR = Path(__file__).with_name("impostor.pem")


@functools.cache
def server_context() -> ssl.SSLContext:
    """The TLS settings of the world's servers, valid for 127.0.0.1, localhost and mail.example.com."""
    return _context(SERVER)


@functools.cache
def impostor_context() -> ssl.SSLContext:
    """The TLS settings of somebody who uses the same names, and has signed the certificate themselves."""
    return _context(IMPOSTOR)


def changing_context(is_impostor: Callable[[], bool]) -> ssl.SSLContext:
    """The TLS settings of a server whose place an impostor may take: at each handshake it is asked who answers.

    For a server that is encrypted from the first byte, which has been given its settings when it began to listen.
    """
    context = _context(SERVER)  # one of its own: the other one is everybody's

    def choose(line: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        if is_impostor():
            line.context = impostor_context()

    context.sni_callback = choose  # called for clients that name no server, too
    return context


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
