"""The shell of every page: one self-contained HTML5 document in the house style."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from markupsafe import Markup

from conformance.report.html.templates import asset, environment


def document(title: str, body: Markup, *, script: str = "", style: str = "") -> str:
    """A whole page: it makes no request, prints, follows the reader's colour scheme, and works on a narrow screen.

    `body` is what stands inside `<main>`. `script` and `style` are added to the house's own; no other script runs, not
    even one that stands in the body. The text can always be encoded as UTF-8.
    """
    return "".join(document_parts(title, [body], script=script, style=style))


def document_parts(title: str, body: Iterable[Markup], *, script: str = "", style: str = "") -> Iterator[str]:
    """The same page piece by piece, so that a large body need not be in memory as a whole."""
    values = {"title": title, "body": body, "style": Markup(asset("house.css") + style), "script": Markup(script)}  # noqa: S704 # ours
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if script else "'none'"
    return environment().get_template("shell.html").generate(**values, scripts=Markup(scripts))  # noqa: S704 # letters of base64
