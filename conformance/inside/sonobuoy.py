"""The suite as a plugin of Sonobuoy, whose contract is: put the results into its folder, then write into `done` which file they are.

A second container of the pod waits for `done` and sends the file away; of a tar it looks at every XML file as JUnit.
https://sonobuoy.io/docs/main/plugins/
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET  # we only write

from conformance.inside.job import NAME, as_yaml, pod_template, run_words
from conformance.report.page import printable

_FOLDERS = ("/tmp/sonobuoy/results", "/tmp/results")  # noqa: S108 - Sonobuoy's own: since 0.50, and before
_VARIABLE = "SONOBUOY_RESULTS_DIR"
_RESULTS = "cni-conformance.tar.gz"
"""Sonobuoy takes what follows the first dot of the whole path for the kind of the file."""


def results_folder() -> Path:
    """Where Sonobuoy wants the results: it tells, or it is of a time when it did not."""
    return Path(os.environ.get(_VARIABLE) or _FOLDERS[1])


def definition(image: str, name: str = NAME, words: Sequence[str] = ()) -> str:
    """The plugin's definition, for `sonobuoy run --plugin FILE`. Sonobuoy's own service account has the rights."""
    container = pod_template(image, [*run_words(image, name, words), "--sonobuoy"], service_account=None)["spec"]["containers"][0]
    volume = [{"name": "results", "mountPath": folder} for folder in _FOLDERS]
    user = {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
    document = {
        "sonobuoy-config": {
            "driver": "Job",
            "plugin-name": name,
            "result-format": "junit",
            "description": "Does the CNI plugin do what NetworkPolicies say?",
        },
        "extra-volumes": [{"name": "work", "emptyDir": {}}],
        "spec": {
            **container,
            "name": "plugin",
            "env": [each for each in container["env"] if "value" in each and "$(" not in each["value"]],
            "securityContext": {**container["securityContext"], **user},
            "volumeMounts": [*container["volumeMounts"], *volume],
        },
    }
    return as_yaml([document])


def check_folder() -> None:
    """Raises OSError where the results cannot be put there."""
    probe = results_folder() / ".writable"
    probe.parent.mkdir(parents=True, exist_ok=True)
    probe.touch()
    probe.unlink()


def hand_over(report: Path | None, why: str) -> Path:
    """Packs the folder of a report and says that it is there; returns the file. Without a report it is `why`, as a failing test.

    Raises OSError.
    """
    folder = results_folder()
    target = folder / _RESULTS
    draft = folder / f"{_RESULTS}.new"
    with tarfile.open(draft, "w:gz") as tar:
        if report is not None:
            tar.add(report, arcname=".")
        else:
            content = _not_begun(why).encode()
            entry = tarfile.TarInfo("junit.xml")
            entry.size = len(content)
            tar.addfile(entry, BytesIO(content))
    draft.replace(target)
    sign = folder / "done.new"
    sign.write_text(str(target))
    sign.replace(folder / "done")  # whoever waits reads it as soon as it is there
    return target


def _not_begun(why: str) -> str:
    """A run that could not begin is one test that is in error: a plugin without a test would count as passed."""
    suites = ET.Element("testsuites", {"tests": "1", "failures": "0", "errors": "1"})
    suite = ET.SubElement(suites, "testsuite", {"name": NAME, "tests": "1", "failures": "0", "errors": "1", "skipped": "0"})
    case = ET.SubElement(suite, "testcase", {"classname": NAME, "name": "the run begins", "time": "0"})
    ET.SubElement(case, "error", {"message": printable(why)})
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
