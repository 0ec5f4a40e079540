"""Reading a status page as a browser does."""

from __future__ import annotations

import base64

from lxml import html


def read_page(text: str) -> html.HtmlElement:
    """Read a page."""
    return html.document_fromstring(text.encode("utf-8"))


def words(element: html.HtmlElement) -> str:
    """Give what a reader sees of an element."""
    return " ".join("".join(element.itertext()).split())


def pictures_of(root: html.HtmlElement) -> list[bytes]:
    """Give the pictures of a page, in their order."""
    return [base64.b64decode(source.partition(",")[2]) for source in root.xpath("//img/@src")]


def assert_loads_nothing(root: html.HtmlElement) -> None:
    """Look at everything by which a page could fetch or run something."""
    assert not root.xpath("//script | //link | //iframe | //object | //embed | //base | //form | //svg")
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value.startswith("data:image/png;base64," if name == "src" else "#")
            assert name not in ("srcset", "action", "data", "poster", "background", "xlink:href")
    styles = "".join(style.text for style in root.iter("style")) + "".join(root.xpath("//@style"))
    assert "url(" not in styles
    assert "@import" not in styles
    (policy,) = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
