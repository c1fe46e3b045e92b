"""Requests to an API server: repeated while it does not answer, and errors that are sentences."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import tenacity
import urllib3
from kubernetes import client

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.credentials import IN_POD, configuration_of
from conformance.world.times import Times

Document = dict[str, Any]
"""An object of the API as JSON has it."""

TRY_AGAIN = {429, 500, 502, 503, 504}
"""What an API server says that is starting, stopping or too busy."""

_LATER = re.compile(r'serviceaccount "default" not found|error looking up service account')
"""A namespace gets its service account some milliseconds after it was accepted; before that it takes no pods."""


_CUT_OFF = re.compile("EOF|reset|timed out|closed", re.IGNORECASE)
"""A handshake that somebody between us and an API server that is away ends: a load balancer, the engine's port proxy."""

_UNCERTAIN = 10.0
"""Seconds after a loss for which an API server may still deny what it will allow: it has not read all permissions yet."""

_NO_RIGHT = re.compile(r"cannot \S+ resource|cannot \S+ path")
"""How RBAC says no. Any other 403 is an admission's: Pod Security, a quota, a webhook."""


_EXEMPT = "exempt namespaces that have the label cni-conformance/run"
_ADVICE = {
    re.compile("violates PodSecurity"): f"some probes need NET_RAW or the network of a node: {_EXEMPT} from Pod Security",
    re.compile("(exceeded|failed) quota|usage per (Container|Pod) is"): "something puts a quota or a LimitRange into each new namespace, "
    f"and a probe asks for 25m of CPU and 16Mi of memory, without limits: allow nine of them, or {_EXEMPT}",
}
"""By what an admission says: what the suite needs."""


class BrokenRequest(BrokenCluster):
    """The API server refused a request. `status` is HTTP's number; `attempts` how often it was sent."""

    def __init__(self, sentence: str, status: int, attempts: int = 1) -> None:
        super().__init__(sentence)
        self.status, self.attempts = status, attempts


class _Unanswered(BrokenCluster):
    """The API server cannot be reached just now, or says that it is not ready."""


class Connection:
    """One API server with one identity. May be used from several threads.

    `core`, `policies`, `apps`, `batch`, `custom`, `access` and `versions` are the client's groups of methods; use them with `call`.
    """

    def __init__(self, configuration: Any, context: str, times: Times) -> None:
        self.configuration, self.context, self.times = configuration, context, times
        self.server: str = configuration.host
        self._lost_at = -_UNCERTAIN
        self._client = client.ApiClient(configuration)
        self.core, self.policies = client.CoreV1Api(self._client), client.NetworkingV1Api(self._client)
        self.apps, self.batch, self.custom = (
            client.AppsV1Api(self._client),
            client.BatchV1Api(self._client),
            client.CustomObjectsApi(self._client),
        )
        self.access, self.versions = client.AuthorizationV1Api(self._client), client.VersionApi(self._client)

    @classmethod
    def of(cls, kubeconfig: Path | None, context: str | None, times: Times) -> Connection:
        """With the credentials of a kubeconfig (see `configuration_of`). Nothing is asked yet. Raises BrokenCluster."""
        return cls(*configuration_of(kubeconfig, context), times)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def call(self, doing: str, method: Callable[..., Any], *arguments: Any, patience: float | None = None, **options: Any) -> Document:
        """What the API server answers to one of the client's methods. `doing` says it to people: `create pod shop/api`.

        Sent again for `patience` seconds (`times.retry`) while the server does not answer.
        Raises BrokenRequest where the server refuses, BrokenCluster where it stays away or cannot be trusted.
        """
        document: Document = self._tried(json.loads, doing, partial(method, *arguments, **options), patience)
        return document

    def listed(self, doing: str, method: Callable[..., Any], *arguments: Any, **options: Any) -> list[Document]:
        """The objects of a list; none where we may not see them. Raises BrokenCluster."""
        try:
            items: list[Document] = self.call(doing, method, *arguments, **options)["items"]
        except BrokenRequest as refusal:
            if refusal.status == 403:
                return []
            raise
        return items

    def text(self, doing: str, method: Callable[..., Any], *arguments: Any, patience: float | None = None, **options: Any) -> str:
        """The same where the answer is text: the log of a pod."""
        read = partial(str, encoding="utf-8", errors="replace")
        return str(self._tried(read, doing, partial(method, *arguments, **options), patience))

    def _tried(self, read: Callable[[bytes], Any], doing: str, method: Callable[..., Any], patience: float | None) -> Any:
        limit = self.times.retry if patience is None else patience
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Unanswered),
            stop=tenacity.stop_after_delay(limit),
            wait=tenacity.wait_exponential(0.05, max=1.0),
            reraise=True,
        )
        began = time.monotonic()
        for attempt in tries:
            with attempt:
                try:
                    return self._once(read, doing, method, attempt.retry_state.attempt_number)
                except _Unanswered as trouble:
                    spent = time.monotonic() - began
                    raise _Unanswered(f"{trouble} (tried for {spent:.0f} s)" if spent >= 1 else str(trouble)) from trouble
        raise AssertionError("tenacity returns or raises")

    def _once(self, read: Callable[[bytes], Any], doing: str, method: Callable[..., Any], number: int) -> Any:
        try:
            answer = method(_preload_content=False, _request_timeout=self.times.request)
            return read(answer.data)
        except client.ApiException as error:
            if not error.status:  # the client's own form of TLS trouble
                raise self._insecure(doing, str(error.reason)) from error
            raise self._refused(doing, error.status, _message(error), number) from error
        except urllib3.exceptions.SSLError as error:
            raise self._insecure(doing, str(error)) from error
        except (urllib3.exceptions.HTTPError, ConnectionError, ValueError) as error:
            self.lost()
            raise _Unanswered(f"cannot {doing}: {self.unreachable(error)}") from error

    def _refused(self, doing: str, status: int, message: str, number: int) -> BrokenCluster:
        if status in TRY_AGAIN or (status == 403 and _LATER.search(message)) or (status in (401, 403) and self.is_uncertain()):
            return _Unanswered(f"cannot {doing}: the API server at {self.server} says {status}: {message}")
        if status == 401:
            sentence = (
                f"the API server at {self.server} does not accept the credentials of {self.context} (401): "
                "they have expired, were revoked, or are another cluster's; log in again or renew the kubeconfig"
            )
            return BrokenRequest(sentence, status, number)
        if status == 403 and _NO_RIGHT.search(message):
            return BrokenRequest(f"no permission to {doing}: {message} (docs/rbac.yaml has all that is needed)", status, number)
        return BrokenRequest(f"cannot {doing}: the API server refuses it ({status}): {message}{_advice(message)}", status, number)

    def lost(self) -> None:
        """Somebody who talked to the API server was cut off."""
        self._lost_at = time.monotonic()

    def is_uncertain(self) -> bool:
        """May the API server deny what it will soon allow? It was away just now, or says of itself that it is not ready."""
        if time.monotonic() - self._lost_at < _UNCERTAIN:
            return True
        host = self.server.rstrip("/") + "/readyz"
        try:
            return int(self._client.rest_client.request("GET", host, _request_timeout=2).status) >= 500
        except (client.ApiException, urllib3.exceptions.HTTPError):
            return True

    def _insecure(self, doing: str, reason: str) -> BrokenCluster:
        if _CUT_OFF.search(reason):
            self.lost()
            return _Unanswered(f"cannot {doing}: the API server at {self.server} ({self.context}) broke off the TLS handshake")
        known = {
            "has expired": "its certificate has expired",
            "Hostname mismatch": "its certificate is for another name",
            "IP address mismatch": "its certificate is for another address",
            "doesn't match": "its certificate is for another name",
            "CERTIFICATE_VERIFY_FAILED": "its certificate is not signed by the authority that the kubeconfig names",
        }
        why = next((text for sign, text in known.items() if sign in reason), "the TLS handshake failed")
        detail = " ".join(reason.split())[-200:]
        return BrokenCluster(f"the API server at {self.server} cannot be trusted: {why}. Is {self.context} the right context? ({detail})")

    def unreachable(self, error: BaseException) -> str:
        """That and why the API server cannot be reached, as a part of a sentence."""
        innermost: BaseException = error
        while (inner := innermost.__cause__ or innermost.__context__) is not None and not isinstance(innermost, ssl.SSLError):
            innermost = inner
        reason = getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__
        isolated = ". A NetworkPolicy that isolates this pod must allow egress to the API server" if self.context == IN_POD else ""
        return f"the API server at {self.server} ({self.context}) cannot be reached: {reason}{isolated}"


def _advice(message: str) -> str:
    """What to do about a refusal that others than the API server itself cause: what they put into every new namespace."""
    return next((f" ({advice})" for sign, advice in _ADVICE.items() if sign.search(message)), "")


def _message(error: Any) -> str:
    """The API server's own words."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return " ".join(str(error.body or error.reason).split())[:300]
