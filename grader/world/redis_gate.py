"""A gate before all that changes a Redis server's data: the moment between two commands, as long as a spec needs it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from grader.stage import Patience
from grader.world.timeline import Timeline

if TYPE_CHECKING:
    import redis

KNOCK_PATIENCE = 0.15
PAUSE_MS = 600_000
"""Milliseconds are not what opens the gate; they only keep a lost gate from staying shut."""
SHUT_BEHIND = (("MULTI",), ("SET", "gate", ""), ("DEL", "gate"), ("CLIENT", "PAUSE", str(PAUSE_MS), "WRITE"), ("EXEC",))
"""A transaction that ends in a pause; it has to write, else it would not wait for its turn."""
FIRST_LOOKS = 15
LOOK_SECONDS = 0.001

Command = tuple[str | bytes, ...]


class WriteGate:
    """Commands that change data, and scripts, wait before it in order of arrival; what only reads is answered."""

    def __init__(self, client: redis.Redis, timeline: Timeline, patience: Patience) -> None:
        self._client = client
        self._patience = patience
        self._timeline = timeline
        self._own: list[tuple[redis.Connection, int]] = []
        self._before = 0
        self.shut = False

    def close(self) -> Self:
        """Let no change through from now on."""
        self._before = self._blocked()
        self._client.client_pause(PAUSE_MS, all=False)
        self.shut = True
        self._timeline.record("redis", "holds whatever would change data; reading goes on")
        return self

    def open(self) -> None:
        """Let everything through, in the order in which it came."""
        if self.shut:
            self._timeline.record("redis", "does what has been waiting, in order of arrival")
            self._unpause()

    def let_through(self) -> None:
        """Let through what stands before the gate now, one command of each client, and shut it behind that."""
        self.enqueue(SHUT_BEHIND)  # it stands last, so nothing that arrives later can slip in between
        self._timeline.record("redis", "does what stands there now, and holds what comes after that")
        self._unpause()
        self.shut = True

    def put_ahead(self, now: Sequence[Command], later: Sequence[Command]) -> None:
        """Carry out some commands of the spec's own now, and put others at the head of the row; nobody comes between.

        Who stands there already is let through before.
        """
        first = [*now, *SHUT_BEHIND]
        self.enqueue([*first, *later])
        connection, _ = self._own.pop()
        self._unpause()
        for _ in first:
            connection.read_response()
        self._own.append((connection, len(later)))
        self.shut = True

    def knocked(self, times: int = 1, patience: float = KNOCK_PATIENCE) -> bool:
        """Wait until so many clients stand before the gate at once; False when they do not come.

        patience: seconds of the submission's idleness.
        """
        for _ in range(FIRST_LOOKS):  # Redis tells nobody that somebody has come, so this asks
            if self.waiting >= times:
                return True
            threading.Event().wait(LOOK_SECONDS)
        return bool(self._patience.until(lambda: self.waiting >= times, idle=patience))

    @property
    def waiting(self) -> int:
        """How many of the submission's clients stand before the gate now."""
        return self._blocked() - self._before - len(self._own)

    def enqueue(self, commands: Sequence[Command]) -> None:
        """Put commands of the spec's own in the row; they are carried out when their turn comes."""
        if not commands:
            return
        connection: Any = self._client.connection_pool.get_connection()
        connection.send_command("CLIENT", "ID")
        number = connection.read_response()
        connection.send_packed_command(connection.pack_commands(commands))
        self._own.append((connection, len(commands)))
        while not self._stands(number):
            threading.Event().wait(LOOK_SECONDS)

    def _unpause(self) -> None:
        self.shut = False
        self._client.client_unpause()
        for connection, replies in self._own:
            for _ in range(replies):
                connection.read_response()
            self._client.connection_pool.release(connection)
        self._own.clear()

    def _stands(self, number: int) -> bool:
        told: Any = self._client.client_list(client_id=[number])
        return any("b" in client["flags"] for client in told)

    def _blocked(self) -> int:
        told: Any = self._client.info("clients")
        return int(told["blocked_clients"])

    def __enter__(self) -> Self:
        return self.close()

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._timeline.end()
        self.open()
