"""The page: self-contained, and safe whatever a submission wrote."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from grader.report.html import page
from tests.reports_by_hand import BLOCKED, ERROR, FAILED, PASSED, report

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Balance(HTMLParser):
    """Fails on a tag that is closed out of order; collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(html: str) -> Balance:
    balance = Balance()
    balance.feed(html)
    balance.close()
    assert balance.open == []
    return balance


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    html = page([report(PASSED, FAILED, BLOCKED, ERROR), report(PASSED), report(BLOCKED, problem="no app")])
    tags = parsed(html)
    assert not tags.tags & {"script", "link", "img", "iframe", "object"}
    assert not tags.attributes & {"src", "onclick", "onload", "onerror"}
    assert not re.search(r"url\(|@import|https?:", html)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert 'name="viewport"' in html


def test_what_a_submission_wrote_is_text() -> None:
    evil = "<script>alert(1)</script>\x1b[31m{{ 7 * 7 }}\ud800"
    failed = FAILED.model_copy(update={"message": evil, "output": evil, "sentence": evil})
    html = page([report(failed), report(BLOCKED, problem=evil)])
    assert "script" not in parsed(html).tags
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}\ufffd") >= 4
    html.encode("utf-8")


def test_the_story_of_a_failure_is_a_table() -> None:
    html = page([report(FAILED)])
    assert '<td class="at">154 ms</td><td class="part">visitor</td><td class="text">still no response: gave up' in html
    assert FAILED.message in html
    assert "Who calls send_welcome" in html


def test_the_sums_stand_on_top() -> None:
    html = page([report(PASSED, FAILED), report(PASSED, name="newsletter")])
    assert "<h1>2 of 6 points</h1>" in html
    assert "1 of 2 exercises solved" in html
