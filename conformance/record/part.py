"""Reading a JSON document that may be damaged: every fault is one sentence that says where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

Value = TypeVar("Value")
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

    def with_value(self, value: Any) -> Part:
        """Another value in the same place."""
        return Part(value, self._name, self._whole)

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
        return self.of_length(length).parts()

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
        return tuple(self.value if self._has_only(str) else [part.text() for part in self.parts()])

    def texts_or_none(self) -> list[str | None]:
        """An array of strings and nulls."""
        return self.value if self._has_only(str, type(None)) else [part.text_or_none() for part in self.parts()]

    def integers(self) -> list[int]:
        """An array of whole numbers that are not negative."""
        return self.value if self._has_only(int) and min(self.value, default=0) >= 0 else [part.integer() for part in self.parts()]

    def integers_or_none(self) -> list[int | None]:
        """An array of such numbers and nulls."""
        if self._has_only(int, type(None)) and min((each for each in self.value if each is not None), default=0) >= 0:
            return list(self.value)
        return [None if part.value is None else part.integer() for part in self.parts()]

    def numbers(self) -> tuple[float, ...]:
        """An array of numbers."""
        return tuple(self.value if self._has_only(float) else [part.number() for part in self.parts()])

    def words(self, words: type[Word]) -> list[Word]:
        """An array of words of a closed set."""
        known = words._value2member_map_
        if self._has_only(str) and known.keys() >= set(self.value):
            return [known[each] for each in self.value]  # type: ignore[misc] # the members of `words`
        return [part.word(words) for part in self.parts()]

    def at(self, table: Sequence[Value]) -> Value:
        """What a table has in the place that this number names."""
        index = self.integer()
        if index >= len(table):
            raise self.fault(f"below {len(table)}, the length of its table")
        return table[index]

    def all_at(self, table: Sequence[Value]) -> list[Value]:
        """What a table has in each of the places of an array."""
        places = self.integers()
        if max(places, default=-1) < len(table):
            return [table[each] for each in places]
        return [part.at(table) for part in self.parts()]

    def all_at_or_none(self, table: Sequence[Value]) -> list[Value | None]:
        """The same of an array in which null stands for nothing."""
        places = self.integers_or_none()
        if max((each for each in places if each is not None), default=-1) < len(table):
            return [None if each is None else table[each] for each in places]
        return [None if part.value is None else part.at(table) for part in self.parts()]

    def of_length(self, length: int) -> Part:
        """This array, where it has so many elements."""
        if not isinstance(self.value, list) or len(self.value) != length:
            raise self.fault(f"an array of {length}")
        return self

    def columns(self, length: int) -> list[Part]:
        """The columns of a table: an array whose rows are arrays of `length`. Each reads as an array that stands for itself."""
        rows = self.value
        if not self._has_only(list) or any(len(row) != length for row in rows):
            rows = [[part.value for part in row.row(length)] for row in self.parts()]  # raises where the fault is
        return [_Column([row[place] for row in rows], place, self) for place in range(length)]

    def _has_only(self, *types: type) -> bool:
        """Whether it is an array of nothing but these: told without a Part for each element. True and false are no numbers."""
        return isinstance(self.value, list) and set(map(type, self.value)) <= set(types)

    def pairs(self) -> dict[str, str]:
        """An object of strings."""
        return {key: part.text() for key, part in self.items()}

    def number(self) -> float:
        """A number, in seconds wherever it is a time."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            raise self.fault("a number")
        try:
            return float(self.value)
        except OverflowError:
            raise self.fault("a number that a record has") from None

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


class _Column(Part):
    """One column of a table. Its elements stand in different rows."""

    __slots__ = ()

    def parts(self) -> list[Part]:
        whole, place = self._whole, self._name
        return [Part(each, place, Part(None, row, whole)) for row, each in enumerate(self.value)]
