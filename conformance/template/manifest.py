"""The suite's own manifests: Jinja templates, and what they render to."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from conformance import data

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""By libyaml, where PyYAML has it: ten times as fast."""


@cache
def template(kind: str) -> Template:
    """The template of a kind of object: `pod`."""
    jinja = Environment(loader=FileSystemLoader(data.folder("fixtures") / "manifests"), undefined=StrictUndefined, autoescape=False)  # noqa: S701 - YAML
    return jinja.get_template(f"{kind}.yaml.j2")


def rendered(kind: str, /, **values: object) -> dict[str, Any]:
    """The object that a template makes of these values."""
    found: dict[str, Any] = yaml.load(template(kind).render(values), _LOADER)  # noqa: S506 - a safe loader, of either kind
    return found
