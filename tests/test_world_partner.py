"""A partner's HTTP service, met by httpx and http.client."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from grader.errors import Unmet
from grader.world import Partner, PartnerCall
from grader.world.listening import LOOPBACK, listen_on_loopback
from tests.world_kit import HASTY, PATIENT, Kit, kit, open_part


@pytest.fixture
def world() -> Iterator[Kit]:
    with kit() as world:
        yield world


@pytest.fixture
def stock(world: Kit) -> Iterator[Partner]:
    with listen_on_loopback() as listener:
        part = Partner("stock", world.loop, world.timeline, world.patience, listener)
        with open_part(part) as stock:
            yield stock


@pytest.fixture
def client(stock: Partner) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stock.url, timeout=PATIENT, trust_env=False) as client:
        yield client


def test_a_call_is_answered_and_noted_as_it_was_made(stock: Partner, client: httpx.Client, world: Kit) -> None:
    reply = client.post("/items?now=1", json={"item": "tea", "count": 2}, headers={"X-Order": "o-1"})
    assert (reply.status_code, reply.json()) == (200, {})
    call = stock.next()
    assert (call.method, call.path, call.headers["x-order"]) == ("POST", "/items?now=1", "o-1")
    assert (call.field("item", str), call.field("count", int)) == ("tea", 2)
    assert world.told[-1] == "answers 200"


def test_one_connection_carries_several_calls(stock: Partner) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, stock.port, timeout=PATIENT)
    for path in ("/a", "/b"):
        connection.request("GET", path)
        assert connection.getresponse().read() == b"{}"
    connection.close()
    assert [call.path for call in stock.expect(2)] == ["/a", "/b"]


def test_an_answer_holds_from_now_on_or_so_often(stock: Partner, client: httpx.Client) -> None:
    stock.answer(409, {"why": "sold out"})
    stock.answer(503, times=2)
    assert [client.get("/").status_code for _ in range(4)] == [503, 503, 409, 409]
    assert client.get("/").json() == {"why": "sold out"}


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_none(stock: Partner, client: httpx.Client, status: int) -> None:
    stock.answer(status)
    reply = client.get("/")
    assert (reply.status_code, reply.content) == (status, b"")
    assert client.head("/").status_code == status


def test_hanging_up_may_be_meant_for_one_call_only(stock: Partner, client: httpx.Client) -> None:
    stock.drop(times=1)
    with pytest.raises(httpx.TransportError):
        client.get("/")
    assert client.get("/").status_code == 200
    assert len(stock.calls) == 2


def test_a_closed_partner_takes_the_call_and_answers_when_it_opens(
    stock: Partner, client: httpx.Client, world: Kit
) -> None:
    with ThreadPoolExecutor(1) as elsewhere, stock.closed() as gate:
        asking = elsewhere.submit(client.get, "/")
        assert gate.knocked(PATIENT)
        assert world.told == ["GET /  ; it keeps the call waiting"]
        gate.open()
        assert asking.result(PATIENT).status_code == 200


@pytest.mark.parametrize(
    "garbage", [b"\0" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"x" * 1_000_000, b"GET / HTTP/1.1\r\nHost: a"]
)
def test_garbage_is_no_call_and_harms_nobody(stock: Partner, client: httpx.Client, garbage: bytes) -> None:
    with socket.create_connection((LOOPBACK, stock.port), timeout=PATIENT) as line:
        try:
            line.sendall(garbage)
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass
        except OSError:
            pass  # it hung up, as it may
    assert client.get("/").status_code == 200
    assert len(stock.calls) == 1


def test_a_flood_of_bodies_is_answered_507_and_not_kept(stock: Partner, client: httpx.Client) -> None:
    stock._room = 10_000
    assert client.post("/", content=b"x" * 1000).status_code == 200
    assert client.post("/", content=b"x" * 20_000).status_code == 507
    assert len(stock.calls) == 1


def test_waiting_in_vain_says_what_was_seen(stock: Partner, client: httpx.Client) -> None:
    with pytest.raises(Unmet, match="The stock service was not called"):
        stock.next(HASTY)
    client.get("/")
    with pytest.raises(Unmet, match="called 1 of 2 times"):
        stock.expect(2, HASTY)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"count": true}', int),
        (b'{"count": 1.0}', int),
        (b'{"count": NaN}', float),
        (b'{"count": 1, "count": 2}', int),
        (b"[1]", int),
        (b"not JSON", int),
        (b"[" * 100_000, int),
        (b"", int),
        (b'{"total": 1}', int),
    ],
)
def test_a_field_is_taken_at_its_exact_type_or_not_at_all(body: bytes, wanted: type) -> None:
    with pytest.raises(Unmet):
        PartnerCall("POST", "/", {}, body).field("count", wanted)
