"""Failed tests that run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.reruns import KNOWN, MOST, OPTION, Known, known_tests

from .support import ROOT, Run, plugins, run_pytest, takes_time

pytestmark = takes_time

TESTS = """
    import os
    from pathlib import Path
    import pytest

    HERE = Path(__file__).parent

    def fail_once(name):
        # Alone: no worker of pytest-xdist is there any more.
        with (HERE / name).open("a+") as log:
            log.write(os.environ.get("PYTEST_XDIST_WORKER", "alone") + " ")
            log.seek(0)
            assert len(log.read().split()) > 1, "the weather"

    @pytest.fixture
    def broken_end():
        yield
        fail_once("end")

    def test_stable(): ...

    @pytest.mark.parametrize("value", ["x::y[z] a"])
    def test_unstable(value): fail_once("unstable")

    def test_with_a_fixture(broken_end): ...
"""

BROKEN = """
    def test_broken(): assert not "again"
"""


def run_again(folder: Path, source: str, *options: str, **env: str) -> Run:
    return run_pytest(folder, source, *options, conftest=plugins("reruns"), **env)


def test_what_passes_alone_is_unstable(tmp_path: Path) -> None:
    names = tmp_path / "names"
    run = run_again(tmp_path, TESTS, OPTION, "-n", "2", UNSTABLE_FILE=str(names))
    assert run.code == 0, run.output
    assert "2 passed, 2 unstable in " in run.last, run.output
    assert "the weather" in run.output  # why it failed is shown all the same
    unstable = ["unstable[x::y[z] a]", "with_a_fixture"]
    told = "!!! NOT IN tests/unstable.txt: mend it, or explain it there"
    lines = run.output.splitlines()[-3:-1]
    assert sorted(lines) == [f"test_it.py::test_{name} {told}" for name in unstable]
    assert names.read_text().splitlines() == lines
    for name in ("unstable", "end"):
        assert (tmp_path / name).read_text().split()[1:] == ["alone"]


def test_what_fails_again_is_broken(tmp_path: Path) -> None:
    run = run_again(tmp_path, TESTS.lstrip("\n") + BROKEN, CI="true")
    assert run.code == 1, run.output
    assert "1 failed, 2 passed, 2 unstable in " in run.last, run.output
    assert "FAILED test_it.py::test_broken" in run.output


def test_without_the_option_a_failure_is_a_failure(tmp_path: Path) -> None:
    run = run_again(tmp_path, TESTS)
    assert run.code == 1
    assert "1 failed, 2 passed, 1 error in " in run.last


def test_files_that_cannot_be_imported(tmp_path: Path) -> None:
    run = run_again(tmp_path, "import absent_module", OPTION)
    assert run.code != 0
    assert "1 error in " in run.last


def test_too_many_failures_are_not_the_weather(tmp_path: Path) -> None:
    source = f"""
        import pytest

        @pytest.mark.parametrize("number", range({MOST + 1}))
        def test_it(number): assert not number + 1
    """
    run = run_again(tmp_path, source, OPTION, "--tb=no")
    assert run.code == 1
    assert "failed tests again" not in run.output


def test_what_stopped_early_is_not_run_again(tmp_path: Path) -> None:
    run = run_again(tmp_path, TESTS, OPTION, "-x")
    assert run.code != 0
    assert "unstable in" not in run.last


def test_the_list_of_unstable_tests() -> None:
    for known in known_tests(KNOWN.read_text("utf-8")):
        path, *names = known.test.split("::")
        source = (ROOT / path).read_text("utf-8")
        assert f"def {names[-1]}(" in source, f"{known.test} does not exist"


def test_the_form_of_the_list() -> None:
    text = "# a comment\n\ntests/a/test_b.py::TestC::test_d: it waits for x\n"
    assert list(known_tests(text)) == [Known("tests/a/test_b.py::TestC::test_d", "it waits for x")]
    (known,) = known_tests(text)
    assert known.matches("tests/a/test_b.py::TestC::test_d[asyncio]")
    assert not known.matches("tests/a/test_b.py::TestC::test_e[asyncio]")
    for wrong in ("tests/a/test_b.py::test_c", "tests/a/test_b.py::test_c: ", "test_c: why"):
        with pytest.raises(ValueError, match="not 'TEST: REASON'"):
            list(known_tests(wrong))
