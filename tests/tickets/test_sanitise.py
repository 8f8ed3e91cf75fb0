"""What strangers and representatives write as HTML: harmless, bounded, and still readable."""

import re
import time

import pytest

from services.tickets.markdown import to_html, to_text
from services.tickets.sanitise import MAX_CHARACTERS, MAX_LINKS, safe_html, safe_outgoing

DANGEROUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="vbscript:x">x</a>',
    '<iframe src="https://evil.example"></iframe>',
    '<object data="https://evil.example"></object><embed src="x">',
    '<form action="https://evil.example"><input name=password></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    '<base href="https://evil.example"><link rel=stylesheet href="https://evil.example/x.css">',
    "<style>@import url(https://evil.example/x.css)</style>",
    '<p style="background:url(https://evil.example/x)">x</p>',
    '<table background="https://evil.example/x"><tr><td background="https://evil.example/y">x</td></tr></table>',
    '<img src="https://evil.example/pixel.gif" srcset="https://evil.example/2.gif 2x">',
    '<video poster="https://evil.example/x"><source src="https://evil.example/y"></video>',
    '<blockquote cite="https://evil.example">x</blockquote>',
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    '<div id="csrf_token" class="nav" name="forms">x</div>',
]  # fmt: skip


@pytest.mark.parametrize("source", DANGEROUS)
@pytest.mark.parametrize("clean", [lambda s: safe_html(s, {}), lambda s: safe_outgoing(s, {})])
def test_nothing_runs_and_nothing_is_fetched(source: str, clean: "type[str]") -> None:
    result = clean(source).lower()
    for word in ("script", "onerror", "onload", "<iframe", "<object", "<embed", "<form", "<input", "<meta", "<base",
                 "<link", "style", "evil.example", "<svg", "<video", "id=", "class=", "name="):  # fmt: skip
        assert word not in result, result


def test_mail_stays_readable() -> None:
    result = safe_html(
        '<h1>Hi</h1><p>My <b>bill</b> &amp; <a href="https://example.com/x?a=1">this page</a></p>'
        '<table><tr><td colspan="2">1</td></tr></table><img src="cid:logo@x" alt="Logo">'
        '<img src="https://example.com/photo.jpg" alt="Photo"><p lang="es" dir="ltr">¿Qué?</p>',
        {"logo@x": "/attachments/7"},
    )
    assert "<h1>Hi</h1>" in result
    assert "<b>bill</b> &amp; " in result
    assert '<td colspan="2">1</td>' in result
    assert re.search(r'<img[^>]*src="/attachments/7"', result)
    assert re.search(r'<img alt="Photo">', result), "what is remote keeps its words and loses its address"
    link = re.search(r"<a [^>]*>", result)
    assert link is not None
    assert 'href="https://example.com/x?a=1"' in link.group()
    assert 'target="_blank"' in link.group()
    assert "noopener" in link.group()
    assert "noreferrer" in link.group()


def test_an_unknown_cid_points_nowhere() -> None:
    assert "src" not in safe_html('<img src="cid:other@x"><a href="cid:other@x">y</a>', {"logo@x": "/attachments/7"})


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000 + "the words",
        "<b><i>" * 50_000 + "the words",
        "<a href='https://example.com'>x</a>" * (MAX_LINKS + 1) + "the words",
        "<div>" * 300 + "<script>" * 10 + "</script>the words",
        "<p>the words" + "x" * (2 * MAX_CHARACTERS),
        "<" * 500_000 + "the words",
        "<div>" * 300 + "<style>" * 100_000 + "</style>the words",
    ],
    ids=["deep", "deeper", "links", "script", "long", "angles", "styles"],
)
def test_monsters_end_quickly_and_show_their_words(source: str) -> None:
    started = time.perf_counter()
    result = safe_html(source, {})
    assert time.perf_counter() - started < 60
    assert "the words" in result or source.startswith("<" * 9)
    assert "<script" not in result


def test_replies_are_markdown_without_html() -> None:
    html = to_html(
        "**Hello** Ana,\nsecond line\n\n- one\n- two\n\n<b>raw</b> [link](https://example.com) ![x](https://e.x/y)"
    )
    assert "<strong>Hello</strong> Ana,<br>" in html
    assert "<li>one</li>" in html
    assert "&lt;b&gt;raw" in html
    assert 'href="https://example.com"' in html
    assert "https://e.x/y" not in html
    assert "[bad](javascript:alert(1))" not in to_html("[bad](javascript:alert(1))") or "href" not in to_html(
        "[bad](javascript:alert(1))"
    )
    assert to_text("**Hello** Ana") == "Hello Ana\n"
