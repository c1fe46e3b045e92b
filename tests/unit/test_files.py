"""Files that appear all at once, or not at all."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from conformance.report.files import Files


def there(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Halfway(Exception):
    """What a record that is damaged in its middle does."""


def half() -> Iterator[str]:
    yield "half"
    raise Halfway


def put(folder: Path, texts: dict[str, Iterable[str]], theirs: str = "") -> None:
    """Puts files of these names; `theirs` is made by somebody else before the last of them."""
    with Files() as files:
        for number, (name, parts) in enumerate(texts.items(), 1):
            if theirs and number == len(texts):
                (folder / theirs).touch()
            files.put(folder / name, parts)


def test_what_was_put_is_there_when_all_has_ended_well(tmp_path: Path) -> None:
    with Files() as files:
        files.put(tmp_path / "new" / "one", ["a", "\ud800b"])
        assert ["new", "new/one.new"] == there(tmp_path)

    assert ["new", "new/one"] == there(tmp_path)
    assert "a\\ud800b" == files.paths[0].read_text(encoding="utf-8")


def test_half_a_file_leaves_nothing_and_the_old_ones_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old", encoding="utf-8")
    with pytest.raises(Halfway):
        put(tmp_path, {"old": ["new"], "deep/er/two": half()})

    assert ["old"] == there(tmp_path)
    assert "old" == (tmp_path / "old").read_text(encoding="utf-8")


def test_a_folder_in_which_somebody_has_put_something_stays(tmp_path: Path) -> None:
    with pytest.raises(Halfway):
        put(tmp_path, {"new/one": ["a"], "new/two": half()}, theirs="new/theirs")

    assert ["new", "new/theirs"] == there(tmp_path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    with pytest.raises(IsADirectoryError):
        put(tmp_path, {"one": ["a"], "two": ["b"]})

    assert ["two"] == there(tmp_path)
