import pytest

from conformance.offline import apt


@pytest.fixture
def search(tmp_path):
    (tmp_path / "there").touch(mode=0o755)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        pytest.param({"a": "there"}, [], id="a command that is there"),
        pytest.param({"a": "there", "b": "not-there-at-all"}, ["b"], id="one of two"),
        pytest.param({"a": "/proc/self/status"}, [], id="a file that is there"),
        pytest.param({"a": "/no/such/file"}, ["a"], id="a file that is not"),
        pytest.param({}, [], id="nothing needed"),
    ],
)
def test_only_what_is_not_there_is_missing(search, packages, expected):
    assert apt.missing(packages, search) == expected


def test_where_an_engine_answers_no_engine_is_needed(monkeypatch):
    found = []
    for is_there in (True, False):
        monkeypatch.setattr(apt, "answers", lambda host, is_there=is_there: is_there)
        found.append("docker.io" in apt.needed())
    assert [False, True] == found


def test_no_service_is_started_and_the_policy_goes_again(tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(apt, "_POLICY", policy)
    with apt.no_service_starts():
        assert ("#!/bin/sh\nexit 101\n", 0o755) == (policy.read_text(), policy.stat().st_mode & 0o777)
    assert not policy.exists()


def test_a_policy_that_is_there_stays_as_it_is(tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("the machine's own")
    monkeypatch.setattr(apt, "_POLICY", policy)
    with apt.no_service_starts():
        pass
    assert "the machine's own" == policy.read_text()
