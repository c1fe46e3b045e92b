import pytest

from conformance.offline import debian

_SIGNED = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_the_machines_mirror_is_used_from_a_deb822_file(etc):
    (etc / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: https://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main contrib\n"
    )
    assert debian.sources(etc) == [
        f"deb {_SIGNED} http://mirror.example/debian bookworm main",
        f"deb {_SIGNED} https://mirror.example/debian-security bookworm-security main",
        f"deb {_SIGNED} http://mirror.example/debian bookworm-updates main",
    ]


def test_the_machines_mirror_is_used_from_a_one_line_file(etc):
    (etc / "sources.list").write_text(
        "# deb http://old.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/a.gpg] http://mirror.example/debian bookworm main contrib\n"
        "deb-src http://source.example/debian bookworm main\n"
    )
    assert debian.sources(etc) == [f"deb {_SIGNED} http://mirror.example/debian bookworm main"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no entry at all"),
        pytest.param("deb http://archive.example/ubuntu noble main universe\n", id="another distribution"),
        pytest.param("deb https://packages.example/tool stable main\n", id="another publisher"),
        pytest.param("deb http://mirror.example/debian trixie main\n", id="another release of Debian"),
    ],
)
def test_without_an_entry_for_the_release_it_is_debians_own_mirror(etc, text):
    (etc / "sources.list").write_text(text)
    assert debian.sources(etc) == [f"deb {_SIGNED} http://deb.debian.org/debian bookworm main"]


def test_an_entry_that_is_switched_off_is_not_used(etc):
    (etc / "sources.list.d" / "debian.sources").write_text(
        "Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
    )
    assert debian.sources(etc) == [f"deb {_SIGNED} http://deb.debian.org/debian bookworm main"]
