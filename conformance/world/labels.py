"""Labels and label selectors, with the semantics of `metav1.LabelSelector`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, str]

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


class InvalidSelector(ValueError):
    """A selector that the Kubernetes API would refuse. The text says which part and why."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One of `matchExpressions`: a key, an operator of `OPERATORS`, and values (none for Exists and DoesNotExist)."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> bool:
        """Whether the labels meet this requirement.

        `NotIn` and `DoesNotExist` also match an object that lacks the key (labels.Requirement of apimachinery).
        """
        match self.operator:
            case "In":
                return self.key in labels and labels[self.key] in self.values
            case "NotIn":
                return self.key not in labels or labels[self.key] not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels

    def __str__(self) -> str:
        values = ", ".join(sorted(self.values))
        if self.operator == "In" and len(self.values) == 1:
            return f"{self.key}={values}"
        return f"{self.key} {self.operator} ({values})" if self.values else f"{self.key} {self.operator}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold. Without requirements it selects everything ("An empty selector matches all")."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def from_document(cls, document: Any) -> Selector:
        """A selector from the API's form: `{matchLabels: {…}, matchExpressions: [{key, operator, values}]}`.

        An absent selector is another thing than an empty one: the caller decides before it calls.
        Raises InvalidSelector.
        """
        if not isinstance(document, Mapping):
            raise InvalidSelector(f"a selector is a mapping, not {document!r}")
        unknown = set(document) - {"matchLabels", "matchExpressions"}
        if unknown:
            raise InvalidSelector(f"a selector has matchLabels and matchExpressions, not {', '.join(map(repr, sorted(map(str, unknown))))}")
        labels = document.get("matchLabels") or {}
        if not isinstance(labels, Mapping):
            raise InvalidSelector(f"matchLabels is a mapping, not {labels!r}")
        requirements = [Requirement(*_label(key, value)) for key, value in labels.items()]
        expressions = document.get("matchExpressions") or []
        if not isinstance(expressions, list):
            raise InvalidSelector(f"matchExpressions is a list, not {expressions!r}")
        return cls(tuple(requirements + [_requirement(expression) for expression in expressions]))

    @property
    def only_excludes(self) -> bool:
        """Whether it asks for no label, and says at most which must not be there."""
        return all(each.operator in ("NotIn", "DoesNotExist") for each in self.requirements)

    def matches(self, labels: Labels) -> bool:
        """Whether all requirements hold for these labels."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return " and ".join(map(str, self.requirements)) or "everything"


def _label(key: Any, value: Any) -> tuple[str, str, frozenset[str]]:
    if not isinstance(key, str) or not isinstance(value, str):
        raise InvalidSelector(f"label {key!r}: {value!r} needs a string on both sides (quote it)")
    return key, "In", frozenset({value})


def _requirement(expression: Any) -> Requirement:
    if not isinstance(expression, Mapping) or not isinstance(expression.get("key"), str):
        raise InvalidSelector(f"an expression is {{key, operator, values}}, not {expression!r}")
    unknown = set(expression) - {"key", "operator", "values"}
    if unknown:
        raise InvalidSelector(f"an expression has key, operator and values, not {', '.join(map(repr, sorted(map(str, unknown))))}")
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator not in OPERATORS:
        raise InvalidSelector(f"operator {operator!r} is none of {', '.join(OPERATORS)}")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InvalidSelector(f"the values of {expression['key']} {operator} are a list of strings, not {values!r}")
    if (operator in ("In", "NotIn")) != bool(values):
        need = "needs at least one value" if operator in ("In", "NotIn") else "takes no values"
        raise InvalidSelector(f"{expression['key']} {operator} {need}")
    return Requirement(expression["key"], operator, frozenset(values))
