"""A kubeconfig that works elsewhere: one context of it, with everything that its files hold."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from conformance.scenario.source import UNREADABLE, compose, construct, discreet, no_yaml

_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}
"""Keys that name a file, and those that take its content instead."""

_TOKEN = "docs/rbac.yaml makes a service account whose token is enough"  # noqa: S105 - a hint, no secret


class InvalidKubeconfig(ValueError):
    """A kubeconfig that a pod elsewhere cannot use. The text continues `FILE …`, and quotes nothing that may be a credential."""


class InvalidContext(InvalidKubeconfig):
    """The context that was asked for is not in the kubeconfig."""


def portable(path: Path, context: str, name: str) -> str:
    """The kubeconfig with this context alone ("": the current one), called `name`; files that it names are in it.

    Nothing else that the file knows is taken along. Raises InvalidKubeconfig.
    """
    content = _read(path)
    chosen = context or _text(content.get("current-context"))
    if not chosen:
        raise InvalidKubeconfig(f"names no current context: say which one, `context: …`; it has: {_listed(content, 'contexts')}")
    if context and context not in _names(content, "contexts"):
        raise InvalidContext(f"has no context {context!r}; it has: {_listed(content, 'contexts')}")
    link = _entry(content, "contexts", chosen, "context")
    cluster = dict(_entry(content, "clusters", _text(link.get("cluster")), "cluster"))
    user = dict(_entry(content, "users", _text(link.get("user")), "user"))
    _insist_on_reach(cluster)
    _insist_on_credentials(user)
    _take_files(cluster, path.parent)
    _take_files(user, path.parent)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as fault:
        raise InvalidKubeconfig(f"cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidKubeconfig("is no kubeconfig: it is no text") from None
    except ValueError:
        raise InvalidKubeconfig("is no path") from None
    try:
        root = compose(text)
        content = None if root is None else construct(root)
    except UNREADABLE as wrong:
        what, place = no_yaml(wrong, text)
        where = f" (line {place[0] + 1}, column {place[1] + 1})" if place else ""
        raise InvalidKubeconfig(f"{discreet(what)}{where}") from None
    if not isinstance(content, dict) or not isinstance(content.get("contexts"), list):
        raise InvalidKubeconfig("is no kubeconfig: it has no list of contexts")
    return content


def _entry(content: Mapping[str, Any], kind: str, name: str, key: str) -> Mapping[str, Any]:
    """The content of a named entry of a list."""
    entries = content.get(kind)
    for each in entries if isinstance(entries, list) else ():
        if isinstance(each, dict) and each.get("name") == name and isinstance(each.get(key), dict):
            return dict(each[key])
    raise InvalidKubeconfig(f"has no {key} {name!r}; it has: {_listed(content, kind)}")


def _names(content: Mapping[str, Any], kind: str) -> list[str]:
    entries = content.get(kind)
    return sorted(str(each.get("name")) for each in entries if isinstance(each, dict)) if isinstance(entries, list) else []


def _listed(content: Mapping[str, Any], kind: str) -> str:
    return ", ".join(_names(content, kind)) or "none"


def _insist_on_reach(cluster: Mapping[str, Any]) -> None:
    """Raises InvalidKubeconfig where the API server is one that only this machine reaches."""
    for key, what in (("server", "its API server"), ("proxy-url", "its proxy")):
        address = _text(cluster.get(key))
        shown = address.rpartition("@")[2]  # without a password
        if key == "server" and not address:
            raise InvalidKubeconfig("names no API server")
        if address and _is_here(address):
            hint = " (of a kind cluster: kind get kubeconfig --internal)" if key == "server" else ""
            raise InvalidKubeconfig(f"is of this machine alone: {what} is {shown}, which a pod on the hub cannot reach{hint}")


def _is_here(address: str) -> bool:
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname
    except ValueError:
        host = None
    if not host:
        raise InvalidKubeconfig(f"names an API server that is no URL: {address.rpartition('@')[2]}")
    try:
        number = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return number.is_loopback or number.is_unspecified


def _insist_on_credentials(user: Mapping[str, Any]) -> None:
    """Raises InvalidKubeconfig for a user who needs a program, or has nothing to show."""
    if "exec" in user:
        program = user["exec"].get("command") if isinstance(user["exec"], dict) else None
        raise InvalidKubeconfig(f"needs the program {program or '(none)'} to log in, which a pod on the hub has not: {_TOKEN}")
    if "auth-provider" in user:
        raise InvalidKubeconfig(f"logs in by an auth-provider, which a pod on the hub has not: {_TOKEN}")
    if not any(map(user.get, ("token", "tokenFile", "client-certificate", "client-certificate-data", "username"))):
        raise InvalidKubeconfig(f"has no credentials for its user: {_TOKEN}")


def _take_files(entry: dict[str, Any], folder: Path) -> None:
    """What the entry's files hold, in their place; kubectl, too, looks for them from the kubeconfig's folder."""
    for key, inline in _FILES.items():
        file = _text(entry.pop(key, ""))
        if file and inline not in entry:
            entry[inline] = base64.b64encode(_bytes(folder / file, key)).decode()
    if file := _text(entry.pop("tokenFile", "")):
        entry["token"] = _bytes(folder / file, "tokenFile").decode("utf-8", "replace").strip()


def _bytes(path: Path, key: str) -> bytes:
    """What the file holds that this key names: not the file is told, which may be the credential itself."""
    try:
        return path.expanduser().read_bytes()
    except OSError as fault:
        raise InvalidKubeconfig(f"names a file ({key}) that cannot be read: {fault.strerror}") from None
    except (ValueError, RuntimeError):  # a zero byte; the home of a user who is not there
        raise InvalidKubeconfig(f"names a file ({key}) by what is no path") from None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
