"""A record leaves a pod through its log: it is found again whatever else stands there, and what is damaged is told."""

import json

import pytest

from conformance.inside.emitted import WIDTH, BrokenLog, Emitted, InvalidName, Kind, check_name, emitted, lines_of, packed

RECORD = json.dumps({"format": "cni-conformance record", "scenarios": [{"name": f"s{number}"} for number in range(20000)]})
PACKED = packed(RECORD.encode())
LINES = list(lines_of("night.1-of-4", PACKED))
LOG = "\n".join(LINES)
FOUND = {"flaps": b"its diagnostics", "leaks": PACKED[:9000]}
MORE = {name: "\n".join(lines_of(name, content, Kind.DIAGNOSTICS)) for name, content in FOUND.items()}


def test_what_was_emitted_is_found_with_its_name():
    assert Emitted("night.1-of-4", PACKED) == emitted(LOG)


def test_equal_records_are_packed_alike():
    assert PACKED == packed(RECORD.encode())


def test_no_line_is_one_that_a_container_runtime_would_cut():
    assert WIDTH >= max(map(len, LINES)) > 1000


@pytest.mark.parametrize(
    "log",
    [
        pytest.param(f"1/3 passed\n{LOG}\nrecord and reports: /work\n", id="other lines before and after"),
        pytest.param("\n".join([*LINES[:2], "WARNING: somebody else's line", "", *LINES[2:]]), id="a line of another stream between"),
        pytest.param("\n".join([*LINES[:2], "finished", "OK", "A" * 4095, *LINES[2:]]), id="lines of letters alone between"),
        pytest.param("\r\n".join(LINES), id="ends of lines of another system"),
        pytest.param(
            f"-----BEGIN CNI-CONFORMANCE RECORD name=a size=1 sha256={64 * '0'}-----\n{LOG}", id="one that was never finished before"
        ),
        pytest.param(f"{LINES[-1]}\n{LOG}", id="the end of another before"),
        pytest.param(f"{LOG}\n{LINES[0]}\n{LINES[1]}", id="one that was never finished after"),
        pytest.param("\n".join([*lines_of("night.1-of-4", packed(b"an older one")), LOG]), id="two of them: the last one counts"),
    ],
)
def test_nothing_that_stands_around_it_confuses(log):
    assert PACKED == emitted(log).packed


@pytest.mark.parametrize(
    ("log", "text"),
    [
        pytest.param("", "holds no record", id="an empty log"),
        pytest.param(
            f"-----BEGIN CNI-CONFORMANCE RECORD name=a size={5000 * '9'} sha256={64 * '0'}-----", "no record", id="a size beyond all"
        ),
        pytest.param(LOG.replace(f"size={len(PACKED)}", "size=٣"), "has only the end", id="digits of another script"),
        pytest.param("nothing enforces policies here\n", "holds no record", id="a run that did not begin"),
        pytest.param(
            "\n".join(LINES[3:]), "has only the end of a record: its beginning was dropped when the log was rotated", id="rotated"
        ),
        pytest.param("\n".join(LINES[:-1]), "has only the beginning of a record: whoever wrote it was killed", id="killed while writing"),
        pytest.param("\n".join([*LINES[:3], *LINES[4:]]), "has a damaged record", id="a line is missing"),
        pytest.param(LOG.replace(LINES[2], LINES[2][:-1]), "has a damaged record", id="a character is missing"),
        pytest.param(LOG.replace(LINES[2], LINES[3]), "has a damaged record", id="a line stands twice"),
        pytest.param(
            LOG.replace("name=night.1-of-4-----", "name=other-----", 1).replace(LINES[-1], ""), "has only the beginning", id="no end"
        ),
    ],
)
def test_a_log_without_a_whole_record_says_what_is_wrong(log, text):
    with pytest.raises(BrokenLog) as trouble:
        emitted(log)
    assert text in str(trouble.value)


@pytest.mark.parametrize(
    ("log", "found"),
    [
        pytest.param(LOG, {}, id="none"),
        pytest.param("\n".join([LOG, *MORE.values(), "the end"]), FOUND, id="all"),
        pytest.param("\n".join([*MORE.values(), LOG]), FOUND, id="before the record"),
        pytest.param("\n".join([LOG, MORE["flaps"], MORE["leaks"][:-1]]), {"flaps": FOUND["flaps"]}, id="killed while writing"),
        pytest.param("\n".join([LOG, MORE["flaps"], MORE["leaks"].replace("A", "B")]), {"flaps": FOUND["flaps"]}, id="damaged"),
        pytest.param(
            f"{LOG}\n{MORE['flaps']}".replace("END CNI-CONFORMANCE DIAGNOSTICS", "END CNI-CONFORMANCE RECORD"), {}, id="another end"
        ),
        pytest.param(
            "\n".join([MORE["leaks"].splitlines()[-1], LOG, MORE["flaps"]]), {"flaps": FOUND["flaps"]}, id="the end of others before"
        ),
    ],
)
def test_diagnostics_are_found_beside_the_record_and_spoil_it_never(log, found):
    assert Emitted("night.1-of-4", PACKED, found) == emitted(log)


@pytest.mark.parametrize(
    ("log", "text"),
    [
        pytest.param(MORE["flaps"], "holds diagnostics without a record: its beginning was dropped when the log was rotated", id="whole"),
        pytest.param("\n".join([LINES[-1], MORE["flaps"]]), "has only the end of a record", id="behind the end of a record"),
        pytest.param("\n".join([*LINES[:-1], MORE["flaps"]]), "has only the beginning of a record", id="behind a record without an end"),
    ],
)
def test_diagnostics_are_never_taken_for_a_record(log, text):
    with pytest.raises(BrokenLog, match=text):
        emitted(log)


@pytest.mark.parametrize("name", ["night", "a", "cilium.3-of-4", "2026-11-22"])
def test_names_that_are_folders_anywhere(name):
    assert name == check_name(name)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "A", "a b", "a\n", "x" * 101, "-a", "ä"])
def test_names_that_are_none(name):
    with pytest.raises(InvalidName):
        check_name(name)
