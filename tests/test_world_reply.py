"""What a reply says about itself, without any network."""

from __future__ import annotations

import pytest

from grader.errors import Unmet
from grader.world import Reply


def reply(body: bytes = b"", **headers: str) -> Reply:
    return Reply("GET /", 200, headers, body)


def test_a_reply_that_never_came_is_a_value() -> None:
    missing = Reply("GET /", problem="your app closed the connection")
    assert (missing.arrived, missing.status, missing.json, missing.text) == (False, None, None, "")
    with pytest.raises(Unmet, match=r"GET /: .*your app closed the connection"):
        missing.field("id")
    with pytest.raises(Unmet, match="GET /: your app closed the connection"):
        missing.follow()


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b'{"a": 1}', int), (b'{"a": "x"}', str), (b'{"a": 1.5}', float), (b'{"a": false}', bool), (b'{"a": []}', list)],
)
def test_a_field_is_given_when_it_is_of_the_exact_type(body: bytes, kind: type) -> None:
    assert type(reply(body).field("a", kind)) is kind
    assert reply(body).field("a") == reply(body).field("a", kind)


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b'{"a": true}', int, "a whole number"),
        (b'{"a": 1}', bool, "true or false"),
        (b'{"a": 1}', float, "a number"),
        (b'{"a": null}', str, "text"),
        (b'{"b": 1}', int, 'no field "a"'),
        (b'[{"a": 1}]', int, 'no field "a"'),
        (b'{"a": 1, "a": 1}', int, 'no field "a"'),
        (b'{"a": Infinity}', float, 'no field "a"'),
        (b'{"a": ' + b"9" * 5000 + b"}", int, 'no field "a"'),
        (b"\xff\xfe", int, 'no field "a"'),
    ],
)
def test_a_field_that_is_not_so_is_unmet_and_shown(body: bytes, kind: type, says: str) -> None:
    with pytest.raises(Unmet, match=says):
        reply(body).field("a", kind)


@pytest.mark.parametrize("body", [b"NaN", b'{"a": 1, "a": 2}', b"[" * 100_000, b"{'a': 1}", b"", b"{} {}"])
def test_json_is_read_strictly(body: bytes) -> None:
    assert reply(body).json is None


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/orders/1", "/orders/1"),
        ("orders/1", "/orders/1"),
        ("/orders/1?full=1#top", "/orders/1?full=1"),
        ("http://other.example.org/orders/1", "/orders/1"),
        ("http://app:8000/", "/"),
    ],
)
def test_a_location_is_followed_within_the_app(location: str, path: str) -> None:
    assert reply(location=location).follow() == path


@pytest.mark.parametrize("location", ["", "http://[::1/", "http://app", "/a b", "/\x7f", "/\xe9", "mailto:ada", "//["])
def test_a_location_that_leads_nowhere_is_unmet(location: str) -> None:
    with pytest.raises(Unmet, match="no Location header with a path to follow"):
        reply(location=location).follow()


def test_a_long_body_is_shown_cut() -> None:
    assert len(reply(b"x" * 10_000).shown()) < 300
    assert "10000 characters" in reply(b"x" * 10_000).shown()


def test_a_body_that_is_no_text_is_shown_by_its_size_and_type() -> None:
    picture = Reply("GET /a", 200, {"content-type": "image/jpeg"}, b"\xff\xd8\xff\xe0\x00")
    assert picture.shown() == "200 (5 bytes, image/jpeg)"
    assert Reply("GET /a", 200, {}, b"\xff").shown() == "200 (1 bytes, of no type)"
