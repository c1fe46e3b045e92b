"""Lines of styled text: the same for a terminal, for plain text, and for a report that is only text."""

from __future__ import annotations

import io
import unicodedata

from rich.console import Console
from rich.text import Text

LONGEST = 2000
"""Characters of one paragraph; what a cluster says may be a megabyte."""

_MEASURE = Console(file=io.StringIO(), width=80)

Part = str | tuple[str, str]
"""A text, or a text and its style."""


def printable(text: str) -> str:
    """The text without anything that would move a cursor, colour a terminal, turn the direction of reading, or not encode.

    Such characters become their code (`\\x1b`); a very long text is cut, with the number of characters that are missing.
    """
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"
    if text.isprintable():
        return text
    # Categories: Cc control, Cf format (direction marks, zero width), Cs half of a surrogate pair, Zl and Zp line breaks.
    return "".join(_code(each) if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") else each for each in text)


def _code(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


class Page:
    """Collects lines. Paragraphs are wrapped at `width` columns; None: every paragraph is one line."""

    def __init__(self, width: int | None = None) -> None:
        self.width = width
        self.lines: list[Text] = []

    def paragraph(self, *parts: Part, indent: int = 0, hang: int = 0, label: Part | None = None) -> None:
        """A text, indented by `indent` columns, its further lines by `hang` more. A `label` stands in the `hang` of the first."""
        text = _text(*parts)
        first = _text(" " * indent) if label is None else _text(" " * indent, label)
        if label is not None:
            first.pad_right(max(0, indent + hang - len(first)))
        lines = [text] if self.width is None else text.wrap(_MEASURE, max(self.width - indent - hang, 20))
        for line in lines:
            line.rstrip()
            self.lines.append(_text(first, line))
            first = _text(" " * (indent + hang))

    def line(self, *parts: Part, indent: int = 0) -> None:
        """A text that is never wrapped: a row of a table, a line of a policy."""
        text = _text(" " * indent, *parts)
        text.rstrip()
        self.lines.append(text)

    def blank(self) -> None:
        """An empty line, never two in a row and none at the top."""
        if self.lines and self.lines[-1].plain:
            self.lines.append(Text())

    def __str__(self) -> str:
        return "\n".join(line.plain for line in self.lines).rstrip()


def _text(*parts: Part | Text) -> Text:
    text = Text()
    for part in parts:
        if isinstance(part, Text):
            text.append_text(part)
        elif isinstance(part, tuple):
            text.append(printable(part[0]), style=part[1])
        else:
            text.append(printable(part))
    return text
