"""Reading a JSON document that may be damaged: every fault is one sentence that says where it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

Word = TypeVar("Word", bound=StrEnum)


class InvalidRecord(ValueError):
    """A record that is damaged, of another format, or of a newer version. The text says which, where, and what to do."""


class Part:
    """A part of a document: `name` is its place in `whole`, or all that is known of it. Every method raises InvalidRecord.

    There are as many as numbers in a record: so they are small, and the path to one is put together only for a fault.
    """

    __slots__ = ("_name", "_whole", "value")

    def __init__(self, value: Any, name: str | int, whole: Part | None = None) -> None:
        self.value, self._name, self._whole = value, name, whole

    @property
    def path(self) -> str:
        """Where it stands: `record.scenarios[3].name`."""
        if self._whole is None:
            return str(self._name)
        return f"{self._whole.path}[{self._name}]" if isinstance(self._name, int) else f"{self._whole.path}.{self._name}"

    def fault(self, what: str) -> InvalidRecord:
        """The error for this part."""
        shown = repr(self.value)
        return InvalidRecord(f"the record is damaged: {self.path} is {shown[:60] + '…' if len(shown) > 60 else shown}, not {what}")

    def __getitem__(self, key: str) -> Part:
        if key not in self.mapping():
            raise InvalidRecord(f"the record is damaged: {self.path} has no {key!r}")
        return Part(self.value[key], key, self)

    def mapping(self) -> Mapping[str, Any]:
        """A JSON object."""
        if not isinstance(self.value, dict):
            raise self.fault("an object")
        return self.value

    def parts(self) -> list[Part]:
        """The elements of an array."""
        if not isinstance(self.value, list):
            raise self.fault("an array")
        return [Part(each, position, self) for position, each in enumerate(self.value)]

    def row(self, length: int) -> list[Part]:
        """The elements of an array of fixed length."""
        parts = self.parts()
        if len(parts) != length:
            raise self.fault(f"an array of {length}")
        return parts

    def items(self) -> list[tuple[str, Part]]:
        """The keys and values of an object."""
        return [(key, Part(value, key, self)) for key, value in self.mapping().items()]

    def text(self) -> str:
        """A string."""
        if not isinstance(self.value, str):
            raise self.fault("a text")
        return self.value

    def text_or_none(self) -> str | None:
        """A string, or null."""
        return None if self.value is None else self.text()

    def texts(self) -> tuple[str, ...]:
        """An array of strings."""
        return tuple(part.text() for part in self.parts())

    def pairs(self) -> dict[str, str]:
        """An object of strings."""
        return {key: part.text() for key, part in self.items()}

    def number(self) -> float:
        """A number, in seconds wherever it is a time."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            raise self.fault("a number")
        return float(self.value)

    def number_or_none(self) -> float | None:
        """A number, or null."""
        return None if self.value is None else self.number()

    def integer(self) -> int:
        """A whole number that is not negative."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.fault("a whole number")
        return self.value

    def boolean(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.fault("true or false")
        return self.value

    def word(self, words: type[Word]) -> Word:
        """One of a closed set of words."""
        try:
            return words(self.text())
        except ValueError:
            raise self.fault(f"one of {', '.join(words)}") from None
