"""A YAML file as plain values that remember where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.scenario.fault import Fault

Keys = tuple[str | int, ...]
"""The way from the root of a document to a value: keys of mappings and indices of lists."""


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with `y` and `n` as YAML 1.1 and kubectl have them: booleans. Without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """An alias may hold itself, and a reader would have to look for its meaning elsewhere. Raises ComposerError."""
        if self.check_event(yaml.AliasEvent):
            alias: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"write out what *{alias.anchor} means", alias.start_mark)
        return super().compose_node(parent, index)


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml, where PyYAML has it
    """The same by libyaml: ten times as fast. What it says of a fault depends on its version, so nobody sees that."""


for _kind in (Loader, _FastLoader):
    _kind.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
    _kind.bool_values = _kind.bool_values | {"y": True, "n": False}


@dataclass(frozen=True, slots=True)
class Source:
    """A file that could be read as YAML. `value` is made of mappings, lists, strings, numbers, booleans and None.

    `is_private`: it may hold a password, so that no fault shows its lines or quotes its values.
    """

    path: Path
    lines: tuple[str, ...]
    root: yaml.Node
    value: Any
    is_private: bool = False

    def fault(self, text: str, keys: Keys = (), *, at_key: bool = False, line: int = 0, column: int = 0) -> Fault:
        """A fault at the value with these keys, or at the key itself.

        `line` and `column` count from 0 within the value's own text, where it is a text of several lines.
        """
        row, start = self._position(keys, at_key=at_key)
        node = _find(self.root, keys)
        if isinstance(node, yaml.ScalarNode) and not at_key:
            row, start = self._within(node, line, column)
        return Fault(self.path, row + 1, start + 1, text, self.shown(row))

    def written(self, keys: Keys) -> str:
        """What stands in the file for a scalar: `y` where the value is True."""
        node = _find(self.root, keys)
        return str(node.value) if isinstance(node, yaml.ScalarNode) else ""

    def written_key(self, keys: Keys) -> str:
        """What stands in the file for the last of the keys."""
        parent = _find(self.root, keys[:-1])
        pairs = parent.value if isinstance(parent, yaml.MappingNode) else []
        return next((str(key.value) for key, _ in pairs if _key(key) == keys[-1]), str(keys[-1]))

    def line(self, keys: Keys) -> int:
        """The line of a value, from 1."""
        return self._position(keys, at_key=False)[0] + 1

    def _position(self, keys: Keys, *, at_key: bool) -> tuple[int, int]:
        mark = None
        if at_key and keys:
            parent = _find(self.root, keys[:-1])
            pairs = parent.value if isinstance(parent, yaml.MappingNode) else []
            mark = next((key.start_mark for key, _ in pairs if _key(key) == keys[-1]), None)
        mark = mark or _find(self.root, keys).start_mark
        return mark.line, mark.column

    def _within(self, node: yaml.ScalarNode, line: int, column: int) -> tuple[int, int]:
        start = node.start_mark
        if node.style != "|":  # a folded or quoted text has lost its lines
            return start.line, start.column
        written = node.value.splitlines()
        if not written:
            return start.line, start.column
        row = start.line + 1 + min(line, len(written) - 1)
        return row, self._line(row).find(written[row - start.line - 1]) + column

    def _line(self, row: int) -> str:
        return self.lines[row] if row < len(self.lines) else ""

    def shown(self, row: int) -> str:
        """What a fault shows of a line, from 0."""
        return "" if self.is_private else self._line(row)


class InvalidText(ValueError):
    """Bytes that are no text in UTF-8. The message says what they are, and what to do."""


def decoded(data: bytes) -> str:
    """A file's text in UTF-8, without the mark that some editors put at its beginning. Raises InvalidText."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:2]:
        raise InvalidText("it is UTF-16, as some editors and PowerShell's `>` write it: save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise InvalidText(f"byte {wrong.start + 1} is no UTF-8 (line {line})") from None


def read(path: Path, *, is_private: bool = False) -> tuple[Source | None, tuple[Fault, ...]]:
    """The file's content, and what is wrong with it as YAML: syntax (then there is no content), a key twice, an alias.

    For `is_private` see `Source`.
    """
    try:
        text = decoded(path.read_bytes())
    except OSError as wrong:
        return None, (Fault(path, 0, 0, f"cannot be read: {wrong.strerror}"),)
    except InvalidText as wrong:
        return None, (Fault(path, 0, 0, f"cannot be read: {wrong}"),)
    lines = tuple(text.splitlines())
    try:
        root = compose(text)
        if root is None:
            return None, (Fault(path, 0, 0, "is empty"),)
        source = Source(path, lines, root, construct(root), is_private)
        return source, tuple(_repeated(source))
    except UNREADABLE as wrong:
        what, place = no_yaml(wrong, text)
        row, column = place or (-1, -1)
        if is_private:
            return None, (Fault(path, row + 1, column + 1, discreet(what)),)
        return None, (Fault(path, row + 1, column + 1, what, lines[row] if 0 <= row < len(lines) else ""),)


UNREADABLE = (yaml.YAMLError, ValueError, AttributeError, RecursionError)
"""What reading YAML raises; ValueError and AttributeError come from a date that is none."""


def no_yaml(wrong: Exception, text: str) -> tuple[str, tuple[int, int] | None]:
    """Why a text is no YAML, and the line and column, from 0, where they are known."""
    if isinstance(wrong, yaml.reader.ReaderError):
        before = text[: wrong.position]
        return f"is no YAML: a character {ord(text[wrong.position]):#x}", (before.count("\n"), wrong.position - before.rfind("\n") - 1)
    if isinstance(wrong, yaml.MarkedYAMLError):
        mark = wrong.problem_mark
        what = ": ".join(part for part in (wrong.context, wrong.problem) if part)
        return f"is no YAML: {what}", (mark.line, mark.column) if mark else None
    known = {RecursionError: "nested too deeply", AttributeError: "a date that is none"}  # PyYAML's own words for these are Python's
    return f"is no YAML: {next((words for kind, words in known.items() if isinstance(wrong, kind)), wrong)}", None


_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\*\S+""")
_HARMLESS = re.compile(r"'(\\?.|<[a-z ]+>)'|\*")
"""Single signs, and what PyYAML calls its tokens: `<stream end>`."""


def discreet(what: str) -> str:
    """What `no_yaml` says, without what it quotes from the text: that may be a password."""
    return _QUOTED.sub(lambda found: found[0] if _HARMLESS.fullmatch(found[0]) else "…", what)


_FLAT = 500
"""A text with fewer signs that begin a list or mapping is not nested too deeply for anybody."""


def compose(text: str) -> yaml.Node | None:
    """The only document of a text, None where it is empty. Raises what UNREADABLE names, an alias included."""
    if "*" not in text and sum(map(text.count, ("[", "{", "- "))) < _FLAT:  # no alias then, and libyaml's stack will do
        with suppress(*UNREADABLE):
            return yaml.compose(text, _FastLoader)
    return yaml.compose(text, Loader)


def construct(node: yaml.Node) -> Any:
    """The value of a node. Raises what UNREADABLE names."""
    loader = Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _repeated(source: Source) -> Iterator[Fault]:
    for keys, key in repeated(source.root):
        mark = key.start_mark
        yield Fault(source.path, mark.line + 1, mark.column + 1, f"key {keys[-1]!r} stands twice", source.shown(mark.line))


def repeated(node: yaml.Node, keys: Keys = ()) -> Iterator[tuple[Keys, yaml.Node]]:
    """The keys below a node that stand in their mapping already: the place of each, and the node of the key.

    What `<<: *alias` brings is written elsewhere, and may be replaced.
    """
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            yield from repeated(child, (*keys, index))
    if isinstance(node, yaml.MappingNode):
        seen: set[object] = set()
        for key, child in node.value:
            name = _key(key)
            if node.start_mark.index <= key.start_mark.index < node.end_mark.index:
                if name in seen:
                    yield (*keys, name), key
                seen.add(name)
            yield from repeated(child, (*keys, name))


def _key(node: yaml.Node) -> Any:
    # Most keys are plain words, and constructing each takes long.
    return node.value if node.tag == "tag:yaml.org,2002:str" else construct(node)


def _find(root: yaml.Node, keys: Keys) -> yaml.Node:
    """The node with these keys, or the nearest one above it."""
    node = root
    for key in keys:
        # The last of several equal keys is the one that counts in the value.
        parts: Iterable[tuple[Any, yaml.Node]] = (
            enumerate(node.value)
            if isinstance(node, yaml.SequenceNode)
            else [(_key(name), child) for name, child in reversed(node.value)]
            if isinstance(node, yaml.MappingNode)
            else ()
        )
        below = next((child for name, child in parts if name == key), None)
        if below is None:
            break
        node = below
    return node
