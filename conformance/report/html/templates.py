"""The templates of all pages: `reports/templates/`, with everything escaped that is put into them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conformance import data
from conformance.report.page import printable


def folder() -> Path:
    """The folder of the templates, in a checkout or in the installed wheel. Raises FileNotFoundError: a damaged installation."""
    return data.folder("reports") / "templates"


@cache
def environment() -> Environment:
    """The jinja2 environment: autoescape, undefined names are errors, and every text is made printable as it is put in.

    So a value from a record needs no care of its own: it is no markup, has no control character, and is cut at
    `report.page.LONGEST` with a count. A value that is a `Markup` stays as it is.
    """
    return Environment(
        loader=FileSystemLoader(folder(), encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


def render(name: str, **values: Any) -> Markup:
    """The template of this name with these values, as markup that another template takes as it is."""
    return Markup(environment().get_template(name).render(values))  # noqa: S704 # it was escaped where it was put in


@cache
def asset(name: str) -> str:
    """The text of a style sheet or script that is inlined."""
    return (folder() / name).read_text(encoding="utf-8")


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else printable(str(value))
