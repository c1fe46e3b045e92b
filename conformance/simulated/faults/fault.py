"""A fault: a plane that does one thing wrong, with its name, its sentence, and the reports that it stands for."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar

from conformance.simulated.plane import Plane

_Class = TypeVar("_Class", bound=type[Plane])
_ROWS = "_rows_of_reports"
_IS_STATIC = "_needs_no_change"


class UnknownFault(ValueError):
    """There is no fault with this name. The text names those that look like it."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        near = ", ".join(difflib.get_close_matches(name, list(known), 3, 0.4))
        super().__init__(f"there is no fault {name!r}{f'; do you mean {near}?' if near else ''} (`cni-conformance sensitivity --list`)")


@dataclass(frozen=True, slots=True)
class Fault:
    """`about` is one sentence. `rows` number the reports of real faults that it stands for, none where it is a variant of them.

    `is_static`: it shows in a single state of the world, whatever was before.
    """

    name: str
    about: str
    rows: tuple[int, ...]
    is_static: bool
    plane: type[Plane]


def static(*rows: int) -> Callable[[_Class], _Class]:
    """Marks a fault that shows in a single state of the world."""
    return _marked(rows, is_static=True)


def over_time(*rows: int) -> Callable[[_Class], _Class]:
    """Marks a fault that shows only when something changes."""
    return _marked(rows, is_static=False)


def collected(*modules: ModuleType) -> dict[str, Fault]:
    """The marked classes of these modules; a name is that of the class, the sentence its docstring."""
    found = {}
    for module in modules:
        for plane in vars(module).values():
            if isinstance(plane, type) and _ROWS in vars(plane):
                name = re.sub(r"(?<!^)(?=[A-Z])", "-", plane.__name__).lower()
                about = " ".join((inspect.getdoc(plane) or "").split())
                found[name] = Fault(name, about, getattr(plane, _ROWS), getattr(plane, _IS_STATIC), plane)
    return found


def _marked(rows: tuple[int, ...], *, is_static: bool) -> Callable[[_Class], _Class]:
    def mark(plane: _Class) -> _Class:
        setattr(plane, _ROWS, rows)
        setattr(plane, _IS_STATIC, is_static)
        return plane

    return mark
