"""From a folder of records to what there is to say of each plugin in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from conformance.record.head import read_overview
from conformance.record.opening import collector_at_rest
from conformance.trend.gather import with_shards_together, without_copies
from conformance.trend.index import Index
from conformance.trend.night import Night
from conformance.trend.reading import Found, InvalidFolder, Read, read_folder
from conformance.trend.section import Section, section


@dataclass(frozen=True, slots=True)
class Trend:
    """The plugins of a folder: those with new failures first, then those that fail, are in error, are fine.

    `copies` counts records that say the same as another one, `older` the nights before `since`, `notes` are what the reader is to know
    of the reading itself.
    """

    folder: str
    sections: tuple[Section, ...]
    found: Found
    copies: int = 0
    since: str = ""
    older: int = 0
    notes: tuple[str, ...] = ()


def look(folder: Path, cache: Path, plugin: str = "", since: str = "", read: Read = read_overview) -> Trend:
    """The trend of the records below a folder. The index is kept below the folder `cache`.

    `plugin`: only the plugin of this name. `since`: only nights from this day on (ISO 8601, in UTC). Raises InvalidFolder where
    there is nothing to say, InvalidDate.
    """
    try:
        since = since and date.fromisoformat(since).isoformat()
    except ValueError:
        raise InvalidDate(f"--since {since}: a day is written as 2026-11-21") from None
    with collector_at_rest(), Index.of(folder, cache) as index:
        found = read_folder(folder, index, read)
        nights, copies = without_copies(with_shards_together(_of_plugin(folder, found.nights, plugin)))
        recent = [night for night in nights if night.date >= since]
        if not recent:
            raise InvalidFolder(f"{folder}: no record of {since} or later is in it, the last is of {nights[-1].date}")
        groups: dict[tuple[str, ...], list[Night]] = {}
        for night in recent:
            groups.setdefault(night.kind, []).append(night)
        titles = _titles(groups)
        sections = [section(titles[kind], each, index.sentences(each[-1].paths)) for kind, each in groups.items()]
        notes = (index.note,) if index.note else ()
    sections.sort(key=lambda each: (not each.has_new_failures, not each.is_red, not each.in_error, each.title))
    return Trend(str(folder), tuple(sections), found, copies, since, len(nights) - len(recent), notes)


class InvalidDate(ValueError):
    """A text that names no day."""


def _of_plugin(folder: Path, nights: Sequence[Night], plugin: str) -> Sequence[Night]:
    chosen = [night for night in nights if plugin in ("", night.plugin)]
    if not chosen:
        names = ", ".join(sorted({night.plugin for night in nights}))
        raise InvalidFolder(f"{folder}: no record of the plugin {plugin} is in it, but of {names}")
    return chosen


def _titles(kinds: Iterable[tuple[str, ...]]) -> Mapping[tuple[str, ...], str]:
    """The plugin's name, and in brackets what else distinguishes it from another of these."""
    kinds = list(kinds)
    found = {}
    for kind in kinds:
        alike = [each for each in kinds if each[0] == kind[0]]
        told = [text or "unknown" for place, text in enumerate(kind) if place and len({each[place] for each in alike}) > 1]
        found[kind] = f"{kind[0]} ({', '.join(told)})" if told else kind[0]
    return found
