"""The time to enforce of many nights as a line chart: the numbers for a small SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from conformance.trend.chapters import series
from conformance.trend.night import NEWLY, Night
from conformance.trend.section import changes
from conformance.trend.words import seconds

SHOWN = 180
"""How many nights a chart has room for."""

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 78, 30, 26
"""The picture, and its margins: for the axes, the labels of the lines and of the changes."""

_TICKS, _LABELS, _DOTTED, _LETTERS = 4, 4, 62, 13
"""About how many marks the left axis has; how many changes of versions are labelled; up to how many nights have dots; a line of text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One percentile: an SVG path with a gap where a night has no time, its dots with their texts, and its label at the right."""

    name: str
    path: str
    dots: tuple[tuple[float, float, str], ...]
    label: str
    label_y: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A night at whose place versions changed: the whole `text`, and for the last few a short `label` at the height `label_y`."""

    place: float
    text: str
    label: str
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Times of one direction. `ticks` are heights and texts, `dates` places, which end of the text stands there, and texts."""

    title: str
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    dates: tuple[tuple[float, str, str], ...]
    turns: tuple[Turn, ...]
    note: str


def charts(nights: Sequence[Night]) -> Iterator[Chart]:
    """A chart for each direction of which two nights or more have a time."""
    shown = nights[-SHOWN:]
    places = _places(shown)
    note = f"the last {len(shown)} of {len(nights)} nights" if len(shown) < len(nights) else ""
    for direction in NEWLY:
        values = {percent: series(shown, direction, percent) for percent in ("p50", "p99")}
        known = [value for each in values.values() for value in each if value is not None]
        if sum(value is not None for value in values["p99"]) < 2:  # a line has two ends
            continue
        step = _step(max(known))
        top = step * max(1, math.ceil(max(known) / step))
        heights = [(_height(step * number, top), seconds(step * number) if number else "0") for number in range(round(top / step) + 1)]
        lines = tuple(_line(percent, shown, places, each, top) for percent, each in values.items())
        yield Chart(f"newly {direction}", _apart(lines), tuple(heights), _dates(shown, places), tuple(_turns(shown, places)), note)


def _places(nights: Sequence[Night]) -> list[float]:
    """Where each night stands: by its time, so that a gap is a gap."""
    times = [datetime.fromisoformat(night.started).timestamp() for night in nights]
    whole = (times[-1] - times[0]) or 1
    return [round(LEFT + (time - times[0]) / whole * (WIDTH - LEFT - RIGHT), 1) for time in times]


def _height(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), 1)


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that there are about _TICKS steps to `most` seconds."""
    rough = max(most, 0.001) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def _line(name: str, nights: Sequence[Night], places: Sequence[float], values: Sequence[float | None], top: float) -> Line:
    path, dots, pen, label, height = "", [], "M", "", 0.0
    for night, place, value in zip(nights, places, values, strict=True):
        if value is None:
            pen = "M"
            continue
        height, label = _height(value, top), f"{name} {seconds(value)}"
        path += f"{pen}{place} {height}"
        dots.append((place, height, f"{night.date}: {label}, {night.called} {night.version}"))
        pen = "L"
    return Line(name, path, tuple(dots if len(dots) <= _DOTTED else dots[-1:]), label, height)


def _apart(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The labels at the right so that none covers another: the larger time stands above."""
    lower, upper = lines
    if lower.label_y - upper.label_y >= _LETTERS:
        return lines
    middle = min((lower.label_y + upper.label_y) / 2, HEIGHT - BOTTOM - _LETTERS / 2)
    return replace(lower, label_y=middle + _LETTERS / 2), replace(upper, label_y=middle - _LETTERS / 2)


def _dates(nights: Sequence[Night], places: Sequence[float]) -> tuple[tuple[float, str, str], ...]:
    return ((places[0], "start", nights[0].date), (places[-1], "end", nights[-1].date))


def _turns(nights: Sequence[Night], places: Sequence[float]) -> Iterator[Turn]:
    found = [(place, changes(before, after)) for (before, after), place in zip(pairwise(nights), places[1:], strict=True)]
    found = [(place, changed) for place, changed in found if changed]
    for number, (place, changed) in enumerate(found):
        label = ", ".join(f"{each.what} {each.after}" for each in changed) if number >= len(found) - _LABELS else ""
        yield Turn(place, ", ".join(map(str, changed)), label, 10 + _LETTERS * (number % 2), "start" if place < WIDTH / 2 else "end")
