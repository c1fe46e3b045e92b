import json
import subprocess
import sys

import pytest

from conformance.offline import runc_wrapper
from conformance.offline.machine import bounding_set

_ALL = (1 << 41) - 1
_WITHOUT_RESOURCE = _ALL & ~(1 << 24)
_PRIVILEGED = ["CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_RESOURCE"]


@pytest.mark.parametrize(
    ("held", "bounding", "expected"),
    [
        pytest.param(
            _PRIVILEGED,
            _ALL,
            [*_PRIVILEGED, "CAP_BPF", "CAP_CHECKPOINT_RESTORE", "CAP_PERFMON"],
            id="a privileged container gets the new ones",
        ),
        pytest.param(
            _PRIVILEGED,
            _WITHOUT_RESOURCE,
            ["CAP_SYS_ADMIN", "CAP_SYS_MODULE", "CAP_BPF", "CAP_CHECKPOINT_RESTORE", "CAP_PERFMON"],
            id="and loses the one that is missing here",
        ),
        pytest.param(["CAP_NET_RAW"], _WITHOUT_RESOURCE, ["CAP_NET_RAW"], id="an ordinary container keeps what it has"),
        pytest.param(["CAP_SYS_ADMIN", "CAP_SYS_MODULE"], 0, ["CAP_SYS_ADMIN", "CAP_SYS_MODULE"], id="a kernel without the new ones"),
        pytest.param([], _ALL, [], id="none stays none"),
    ],
)
def test_capabilities_fit_the_machine(held, bounding, expected):
    adapted = runc_wrapper.adapted({"capabilities": {"bounding": held, "effective": held}}, bounding)
    assert adapted["capabilities"] == {"bounding": sorted(expected), "effective": sorted(expected)}


def test_limits_stay_where_they_can_be_raised_and_go_where_not():
    process = {"rlimits": [{"type": "RLIMIT_NOFILE"}], "oomScoreAdj": -999, "args": ["true"]}
    assert runc_wrapper.adapted(process, _ALL) == process
    assert {"args": ["true"]} == runc_wrapper.adapted(process, _WITHOUT_RESOURCE)


@pytest.mark.parametrize(
    ("words", "document", "read"),
    [
        pytest.param(["create", "--bundle", "."], {"process": {"args": ["true"]}, "root": 1}, "config.json", id="a new container"),
        pytest.param(["exec", "--process", "config.json", "x"], {"args": ["true"]}, "config.json", id="a command in a container"),
        pytest.param(["--log", "l", "state", "x"], {"left": "alone"}, "config.json", id="anything else"),
    ],
)
def test_the_wrapper_becomes_runc_with_the_same_words(tmp_path, words, document, read):
    (tmp_path / read).write_text(json.dumps(document))
    answer = subprocess.run(
        [sys.executable, "-I", "-S", runc_wrapper.__file__, "/bin/echo", *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (answer.stdout.split(), json.loads((tmp_path / read).read_text())) == (words, document)


def test_the_bounding_set_is_read_from_the_status():
    assert bounding_set("Name:\tx\nCapInh:\t0\nCapBnd:\t000001fffeffffff\n") == _WITHOUT_RESOURCE
