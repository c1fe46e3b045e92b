import os
import threading
import time
from pathlib import Path

import pytest

from conformance.offline.cache import Cache, key


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


def test_equal_inputs_have_one_key_in_any_order():
    assert key({"a": 1, "b": ["x", "y"]}) == key({"b": ["x", "y"], "a": 1})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": 1}, {"a": 2}, id="another value"),
        pytest.param({"a": 1}, {"b": 1}, id="another name"),
        pytest.param({"a": ["x", "y"]}, {"a": ["y", "x"]}, id="another order of a list"),
        pytest.param({"a": "1"}, {"a": 1}, id="text and number"),
    ],
)
def test_other_inputs_have_another_key(one, other):
    assert key(one) != key(other)


def test_a_file_stands_for_its_content_not_for_its_place(tmp_path):
    for name, text in (("one", "same"), ("two", "same"), ("three", "other")):
        (tmp_path / name).write_text(text)
    one, two, three = (key({"file": tmp_path / name}) for name in ("one", "two", "three"))
    assert (True, False) == (one == two, one == three)


def test_what_cannot_be_read_again_is_refused_as_input():
    with pytest.raises(TypeError, match="cannot be part of a cache key"):
        key({"a": object()})


def test_a_thing_is_made_once(cache):
    made = []

    def make(target: Path) -> None:
        made.append(target)
        (target / "file").write_text("content")

    first, second = (cache.provide("thing", {"a": 1}, make) for _ in range(2))
    assert (1, True, "content") == (len(made), first == second, (first / "file").read_text())


def test_what_was_half_made_is_not_taken_and_is_made_again(cache):
    def breaks(target: Path) -> None:
        (target / "half").write_text("half")
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError):
        cache.provide("thing", {"a": 1}, breaks)
    assert cache.find("thing", {"a": 1}) is None
    whole = cache.provide("thing", {"a": 1}, lambda target: (target / "whole").touch())
    assert ["whole"] == [path.name for path in whole.iterdir()]


def test_two_at_once_make_it_once_and_both_get_it(cache):
    started, results, made = threading.Event(), [], []

    def make(_target: Path) -> None:
        made.append(1)
        started.set()
        time.sleep(0.05)  # long enough that the second comes while this one works

    def second() -> None:
        started.wait()
        results.append(cache.provide("thing", {"a": 1}, make))

    thread = threading.Thread(target=second)
    thread.start()
    results.append(cache.provide("thing", {"a": 1}, make))
    thread.join()
    assert (1, 1) == (len(made), len(set(results)))


def test_prune_drops_what_nobody_asked_for_and_keeps_the_rest(cache, tmp_path):
    old, new = (cache.provide("thing", {"a": number}, lambda target: None) for number in (1, 2))
    os.utime(old, (0, 0))
    (tmp_path / "engine" / "data").mkdir(parents=True)
    os.utime(tmp_path / "engine" / "data", (0, 0))
    cache.prune(days=30)
    assert (False, True, True) == (old.exists(), new.exists(), (tmp_path / "engine" / "data").exists())


def test_prune_of_one_kind_keeps_the_others(cache):
    mine, other = (cache.provide(kind, {"a": 1}, lambda target: None) for kind in ("mine", "other"))
    for each in (mine, other):
        os.utime(each, (0, 0))
    cache.prune(1, "mine")
    assert (False, True) == (mine.exists(), other.exists())
