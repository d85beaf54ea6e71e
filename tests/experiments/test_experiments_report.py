"""The page: self-contained, without a foreign name, readable on light and on dark paper."""

import re
from html.parser import HTMLParser

import pytest
from conftest import FinishedRun

from hms.experiments.report.palette import VARIABLES, inline_svg
from hms.experiments.report.weak_words import weak_lines

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """Tags and what they point at."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "data") and value:
                self.targets.append(value)
            if name == "id" and value:
                self.ids.append(value)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def html(finished: FinishedRun) -> str:
    return (finished.run.path / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    parsed = Page()
    parsed.feed(html)
    return parsed


def test_the_page_names_no_other_host(html: str, page: Page) -> None:
    assert re.findall(r"(?:https?:|ftp:|wss?:)?//[a-z0-9.-]+\.[a-z]{2,}", html) == []
    assert [target for target in page.targets if not target.startswith("#")] == []
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_the_page_reads_on_light_and_on_dark_paper(html: str) -> None:
    assert "prefers-color-scheme: dark" in html
    for colour, variable in VARIABLES.items():
        assert html.count(f"{variable}:") == 2, "once for light paper, once for dark"
        body = html[html.index("<body>") :]
        assert colour not in body, f"{colour} does not follow the paper"


def test_the_pictures_are_inline_with_ids_of_their_own(html: str, page: Page) -> None:
    assert html.count("<svg") == 4
    assert len(set(page.ids)) == len(page.ids)
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(page.ids)


def test_the_page_says_what_the_table_says(finished: FinishedRun, page: Page) -> None:
    text = " ".join(" ".join(page.texts).split())
    closing = finished.run.closing
    assert f"champion: {closing.gate.sentence}" in text
    for row in closing.held_out.rows:
        assert row.stack in text
    assert all(f"The champion {line}." in text for line in weak_lines(closing.weak))
    assert all(each.incident in text for each in closing.weak.never_recovered)
    assert "envoy¹" in text
    assert finished.run.policy.sha256 in text
    assert "hms run experiment.yaml" in text


def test_what_the_policy_does_is_told_in_words(finished: FinishedRun, page: Page) -> None:
    text = " ".join(page.texts)
    for issue, ladder in finished.run.policy.recovery.items():
        if any(step.act != "none" for step in ladder):
            assert issue in text


def test_an_svg_without_its_file_s_head_keeps_shape_and_loses_names() -> None:
    svg = (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "http://www.w3.org/a.dtd">\n'
        '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt" viewBox="0 0 10 5">'
        "<metadata>made by</metadata>"
        '<g id="a"/><use href="#a" style="fill: #1b1f27; clip-path: url(#a)"/></svg>\n'
    )
    told = inline_svg(svg, 'a "picture" of <it>', "p")
    assert told == (
        '<svg role="img" aria-label="a &quot;picture&quot; of &lt;it>" viewBox="0 0 10 5">'
        '<g id="p-a"/><use href="#p-a" style="fill: var(--ink); clip-path: url(#p-a)"/></svg>'
    )
