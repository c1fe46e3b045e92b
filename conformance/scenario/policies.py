"""A policy's text: Jinja filled in, read as YAML, checked as a NetworkPolicy; faults by line of the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from conformance.scenario.source import UNREADABLE, Keys, compose, construct, no_yaml
from conformance.world.place import Address, World
from conformance.world.policy import InvalidPolicy, NetworkPolicy
from conformance.world.verdict import Family

_JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@dataclass(frozen=True, slots=True)
class TextFault:
    """A fault in a policy's text. `line` and `column` count from 0, within the text."""

    text: str
    line: int = 0
    column: int = 0


class InvalidPolicyText(ValueError):
    """A text that is no NetworkPolicy, with all that is wrong."""

    def __init__(self, *faults: TextFault) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults = faults


def policy_document(text: str, world: World | None, families: Iterable[Family]) -> Mapping[str, Any]:
    """The document of a policy in this world, not yet renamed. Raises InvalidPolicyText.

    In Jinja: `address(ref, family)`, `cidr(ref, family)` (that address alone), `block(ref, family, ipv4, ipv6)` (the network
    with that many bits that holds it), and `families`, for loops. A family is ipv4 or ipv6; without one the first is meant.

    Without a world every reference and every namespace is taken for known.
    """
    rendered = _fill_in(text, world, tuple(families))
    has_all_lines = len(rendered.splitlines()) == len(text.splitlines())

    def fault(what: str, place: tuple[int, int] | None) -> TextFault:
        # A Jinja loop moves the lines: then the first line is shown, and what is wrong has to be enough.
        return TextFault(what, *place) if place and has_all_lines else TextFault(what)

    try:
        document, namespace = _policy(rendered)
    except InvalidPolicy as wrong:
        raise InvalidPolicyText(*(fault(what, _mark(rendered, where)) for where, what in wrong.faults)) from None
    except UNREADABLE as wrong:
        raise InvalidPolicyText(fault(*no_yaml(wrong, rendered))) from None
    if world is not None and namespace not in world.namespaces:
        known = ", ".join(world.namespaces)
        raise InvalidPolicyText(fault(f"namespace {namespace!r} is none of the layout: {known}", _mark(rendered, "metadata.namespace")))
    return document


@lru_cache(maxsize=4096)
def _policy(rendered: str) -> tuple[Mapping[str, Any], str]:
    """The document of a policy, which nobody may change, and its namespace. Raises InvalidPolicy and what UNREADABLE names.

    A catalogue's texts are read by many who look at them.
    """
    root = compose(rendered)
    document: Any = None if root is None else construct(root)
    return document, NetworkPolicy.from_document(document).namespace


def named_places(text: str) -> tuple[str, ...]:
    """The references of those whose addresses Jinja fills into a policy's text."""
    return tuple(re.findall(r"""\b(?:address|cidr|block)\(\s*['"]([^'"]+)['"]""", text))


def _fill_in(text: str, world: World | None, families: tuple[Family, ...]) -> str:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return text.removesuffix("\n")  # as Jinja does
    words = {**_functions(world, families), "families": [str(family) for family in families]}
    try:
        return _JINJA.from_string(text).render(words)
    except TemplateSyntaxError as wrong:
        raise InvalidPolicyText(_jinja_fault(text, wrong, wrong.lineno)) from None
    except Exception as wrong:  # an expression may fail in any way that Python knows
        lines = []
        trace = wrong.__traceback__
        while trace:
            if trace.tb_frame.f_code.co_filename == "<template>":
                lines.append(trace.tb_lineno)
            trace = trace.tb_next
        raise InvalidPolicyText(_jinja_fault(text, wrong, lines[-1] if lines else 1)) from None


def _jinja_fault(text: str, wrong: Exception, line: int) -> TextFault:
    lines = text.splitlines()
    mark = re.search(r"\{[{%]", lines[line - 1]) if line <= len(lines) else None
    return TextFault(f"Jinja: {wrong}", line - 1, mark.start() if mark else 0)


def _functions(world: World | None, families: tuple[Family, ...]) -> Mapping[str, Callable[..., str]]:
    def address_of(ref: str, family: str | None) -> Address:
        wanted = Family(family) if family else families[0]
        if world is None:
            return ip_address("192.0.2.1" if wanted is Family.IPV4 else "2001:db8::1")
        known = {place.ref for place in world.places()}
        if ref not in known:
            raise ValueError(f"{ref!r} is none of {', '.join(sorted(known))}")
        found = world.address(ref, wanted)
        if found is None:
            raise ValueError(f"{ref} has no {wanted} address in this world")
        return found

    def address(ref: str, family: str | None = None) -> str:
        return str(address_of(ref, family))

    def cidr(ref: str, family: str | None = None) -> str:
        return str(ip_network(address_of(ref, family)))

    def block(ref: str, family: str, ipv4: int, ipv6: int) -> str:
        length = ipv4 if Family(family) is Family.IPV4 else ipv6
        return str(ip_network(f"{address_of(ref, family)}/{length}", strict=False))

    return {"address": address, "cidr": cidr, "block": block}


def _mark(rendered: str, where: str) -> tuple[int, int] | None:
    """Where the field `spec.ingress[0].from` of a document stands, or what is nearest above it."""
    root = compose(rendered)
    keys: Keys = tuple(int(index) if index else word for word, index in re.findall(r"(\w+)|\[(\d+)\]", where)) if where else ()
    node, mark = root, root.start_mark if root is not None else None
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            mark = node.start_mark
        elif isinstance(node, yaml.MappingNode) and any(name.value == key for name, _ in node.value):
            name, node = next((name, child) for name, child in node.value if name.value == key)
            mark = name.start_mark
        else:
            break
    return (mark.line, mark.column) if mark is not None else None
