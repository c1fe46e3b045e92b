"""Words that are nearly the same: a slip of the hand, told cautiously."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SHORTEST = 4
"""Shorter words differ in one letter without being a slip (`api`, `app`)."""


def near(word: str, known: Iterable[str]) -> str | None:
    """The one known word that differs in case, in its punctuation, or in one letter (two that were swapped); None if none does,
    or if several do. Words that differ in their digits only (`web-1`, `web-2`) are meant to differ."""
    found = {other for other in known if other != word and _is_near(word, other)}
    return found.pop() if len(found) == 1 else None


def _is_near(one: str, other: str) -> bool:
    if _plain(one) == _plain(other):
        return bool(_plain(one))
    if min(len(one), len(other)) < _SHORTEST or re.sub(r"\d", "", one) == re.sub(r"\d", "", other):
        return False
    return _one_letter(one, other)


def _plain(word: str) -> str:
    return re.sub(r"[-_.]", "", word).casefold()


def _one_letter(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1:
        return False
    start = next((number for number, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    is_swapped = short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]
    return short[start + 1 :] == long[start + 1 :] or is_swapped
