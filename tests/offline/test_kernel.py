"""Settings of the machine: raised where clusters need it, and put back."""

from pathlib import Path

import pytest

from conformance.offline import kernel

INSTANCES = "fs/inotify/max_user_instances"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for name, value in {INSTANCES: "128\n", "vm/overcommit_memory": "0\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(value)
    return tmp_path


def test_only_settings_that_this_kernel_has_are_remembered(machine):
    assert {INSTANCES: "128\n", "vm/overcommit_memory": "0\n"} == kernel.settings(machine)


@pytest.mark.parametrize(("now", "then"), [("128\n", "1024"), ("8192\n", "8192\n")], ids=["too low", "high enough"])
def test_a_limit_is_raised_where_it_is_too_low(machine, now, then):
    (machine / INSTANCES).write_text(now)
    kernel.make_room(machine)
    assert then == (machine / INSTANCES).read_text()


def test_what_was_changed_is_put_back(machine):
    before = kernel.settings(machine)
    kernel.make_room(machine)
    (machine / "vm/overcommit_memory").write_text("1\n")
    kernel.put_back(before, machine)
    assert before == kernel.settings(machine)
