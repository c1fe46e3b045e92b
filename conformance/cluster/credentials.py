"""Where the credentials of a cluster come from: a kubeconfig, or the pod that the suite itself runs in."""

from __future__ import annotations

import atexit
import os
import shutil
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.state import cache_folder

IN_POD = "this pod's service account"
"""What the context is called where there is no kubeconfig, but a pod."""


def configuration_of(kubeconfig: Path | None, context: str | None) -> tuple[Any, str]:
    """The client's configuration, and the name of the context for people.

    Without a kubeconfig: $KUBECONFIG, `~/.kube/config`, or the service account of the pod that this runs in. That one only where nobody
    says another: with a context, or a $KUBECONFIG that is not there, it would be the wrong cluster.
    Raises BrokenCluster where there is none of them, it cannot be read, or it has no such context.
    """
    file = str(kubeconfig) if kubeconfig else config.KUBE_CONFIG_DEFAULT_LOCATION
    configuration = client.Configuration()
    configuration.retries = False  # how often and how long is the business of Connection
    is_there = any(Path(each).expanduser().is_file() for each in file.split(os.pathsep) if each)
    try:
        is_told = kubeconfig or context or os.environ.get("KUBECONFIG")
        if not is_there and not is_told and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
            return configuration, IN_POD
        if not is_there:
            raise BrokenCluster(f"there is no kubeconfig {file}: name one in KUBECONFIG (a run can make a cluster itself: --cluster kind)")
        known, current = config.list_kube_config_contexts(file)
        names = sorted(each["name"] for each in known)
        if context is not None and context not in names:
            raise BrokenCluster(f"kubeconfig {file} has no context {context!r}; it has: {', '.join(names) or 'none'}")
        config.load_kube_config(file, context, configuration, persist_config=False, temp_file_path=_certificates())
    except yaml.YAMLError as fault:  # whose own words may quote a token
        mark = getattr(fault, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise BrokenCluster(f"kubeconfig {file} cannot be used: it is no YAML{where}") from None
    except (config.ConfigException, OSError, ValueError, KeyError, TypeError) as fault:
        raise BrokenCluster(f"kubeconfig {file} cannot be used: {' '.join(str(fault).split())}") from fault
    return configuration, context or current["name"]


def _certificates() -> str:
    """A folder of this process for the certificates that the client writes to files; gone when the process ends.

    What a killed process left is removed here.
    """
    above = cache_folder() / "credentials"
    folder = above / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for other in above.iterdir():
        if other.name.isdigit() and not Path(f"/proc/{other.name}").exists() and Path("/proc/self").exists():
            shutil.rmtree(other, ignore_errors=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(folder)
