"""What a step does. As a text each is what a person reads of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MOST, _FIRST = 12, 3
"""More names than so many are told by the first of them and a count."""


def listed(names: Sequence[str]) -> str:
    """Names in a row: `a, b`; where they are very many, `a, b, c and 97 more`."""
    if len(names) <= _MOST:
        return ", ".join(names)
    return f"{', '.join(names[:_FIRST])} and {len(names) - _FIRST} more"


@dataclass(frozen=True, slots=True)
class Apply:
    """Create or change these policies, by their keys in the file."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"apply {listed(self.names)}"


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete these policies, by their keys in the file."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"delete {listed(self.names)}"


Changes = Mapping[str, Mapping[str, str | None]]
"""By reference (`shop` a namespace, `shop/api` a pod): keys with their new values; None removes the key."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """Change labels of pods and namespaces."""

    changes: Changes

    def __str__(self) -> str:
        return f"relabel {_written(self.changes)}"


@dataclass(frozen=True, slots=True)
class Annotate:
    """Change annotations of namespaces."""

    changes: Changes

    def __str__(self) -> str:
        return f"annotate {_written(self.changes)}"


@dataclass(frozen=True, slots=True)
class Add:
    """Create these pods and Services of the layout (`shop/late`, `svc/shop/web`), which are not there."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"add {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete these pods and Services, and wait until they are gone."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"remove {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete these pods and create them under the same names again."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"recreate {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Complete:
    """End these pods with success. Their objects stay, as those of a finished Job do."""

    refs: tuple[str, ...]

    def __str__(self) -> str:
        return f"complete {', '.join(self.refs)}"


@dataclass(frozen=True, slots=True)
class Reuse:
    """Create each pod (key) so that it gets an address of another one (value) that has ended, on that one's node."""

    pairs: Mapping[str, str]

    def __str__(self) -> str:
        return ", ".join(f"add {new} with the address of {old}" for new, old in self.pairs.items())


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the plugin's agents (`plugin`) or a node (`node/a`)."""

    what: str

    def __str__(self) -> str:
        return f"restart {self.what}"


@dataclass(frozen=True, slots=True)
class Churn:
    """A bounded load, all taken back at its end: policies created and deleted, labels changed, short-lived pods (in all).

    `policies` and `relabels` are numbers per minute, for `seconds`.
    """

    policies: int = 0
    relabels: int = 0
    pods: int = 0
    seconds: int = 0

    def __str__(self) -> str:
        rates = [f"{number} {what} a minute" for number, what in ((self.policies, "policies"), (self.relabels, "relabels")) if number]
        parts = [f"{' and '.join(rates)} for {self.seconds} s"] if rates else []
        parts += [f"{self.pods} short-lived pods"] if self.pods else []
        return f"churn: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Wait:
    """Change nothing for so many seconds: what comes late (a delete event of an old pod) has come by then."""

    seconds: int

    def __str__(self) -> str:
        return f"wait {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Together:
    """Several changes one after the other, without waiting for the plugin in between; all of them `times` times."""

    actions: tuple[Action, ...]
    times: int = 1

    def __str__(self) -> str:
        return f"at once: {'; '.join(map(str, self.actions))}" + (f", {self.times} times" if self.times > 1 else "")


Action = Apply | Delete | Relabel | Annotate | Add | Remove | Recreate | Complete | Reuse | Restart | Churn | Wait | Together


def is_disruptive(action: Action) -> bool:
    """Whether it hurts others in the cluster: a restart, a load, nearly all addresses of a node taken."""
    if isinstance(action, Together):
        return any(map(is_disruptive, action.actions))
    return isinstance(action, Restart | Churn | Reuse)


def _written(changes: Changes) -> str:
    parts = (f"{ref} {key}" + ("-" if value is None else f"={value}") for ref, keys in changes.items() for key, value in keys.items())
    return listed(list(parts))
