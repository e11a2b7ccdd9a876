"""The payment provider: an HTTP service that charges, counts its charges, and honours an Idempotency-Key.

    POST /charges  {"order": "...", "amount": 1200}   with a header Idempotency-Key, if the caller is wise
    201 {"id": "ch_1", "order": "...", "amount": 1200}

The same key and body again get the same answer, and no second charge; the same key with another body gets 422. A
request without a key is charged each time.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from grader.stage import Patience
from grader.world.loop import Loop
from grader.world.partner import Answer, Partner, PartnerCall
from grader.world.timeline import Timeline


@dataclass(frozen=True)
class Charge:
    """Money that was taken. amount: in cents; key: the Idempotency-Key, empty when there was none."""

    id: str
    order: str
    amount: int
    key: str = ""


class Payments(Partner):
    """The provider, and the money it has taken.

    ``closed()`` stalls it before it charges, ``closed(at="answer")`` after it has; ``answer(503)`` makes it fail
    without charging; ``lose_answers()`` makes it charge and hang up.
    """

    def __init__(self, loop: Loop, timeline: Timeline, patience: Patience, listener: socket.socket) -> None:
        super().__init__("payments", loop, timeline, patience, listener)
        self.charges: list[Charge] = []
        self._answered: dict[str, tuple[Any, Answer]] = {}
        self._lost = 0

    def lose_answers(self, times: int = 1) -> None:
        """Charge, and hang up instead of saying so, so often: what the caller sees is a timeout."""
        self._lost += times

    def charged(self, order: str) -> int:
        """How often an order was charged."""
        return sum(charge.order == order for charge in self.charges)

    def respond(self, call: PartnerCall) -> Answer:
        """Charge, unless the spec asked for a failure."""
        failure = self.current_answer()
        if failure.hang_up or failure.status >= 400:  # noqa: PLR2004 - where HTTP's errors begin
            return failure
        if (call.method, call.path) != ("POST", "/charges"):
            return Answer(404, {"error": "there is only POST /charges"})
        answer = self._charge(call)
        if self._lost:
            self._lost -= 1
            return Answer(0, None, hang_up=True)
        return answer

    def _charge(self, call: PartnerCall) -> Answer:
        key, wanted = call.headers.get("idempotency-key", ""), call.json
        if (
            not isinstance(wanted, dict)
            or type(wanted.get("order")) is not str
            or type(wanted.get("amount")) is not int
        ):
            return Answer(422, {"error": "send an order (text) and an amount (whole number)"})
        if key in self._answered:
            before, answer = self._answered[key]
            return answer if before == wanted else Answer(422, {"error": "this key came with another body"})
        charge = Charge(f"ch_{len(self.charges) + 1}", wanted["order"], wanted["amount"], key)
        self.charges.append(charge)
        self._timeline.record("payments", f"charged {charge.amount} for {charge.order}")
        answer = Answer(201, {"id": charge.id, "order": charge.order, "amount": charge.amount})
        if key:
            self._answered[key] = (wanted, answer)
        return answer
