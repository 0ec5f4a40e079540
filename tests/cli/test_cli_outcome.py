"""Laws of exit codes and of what is said when something fails."""

from __future__ import annotations

import json

import pytest
from command_line import environment, run, run_apart, start

import tilepack

COMMANDS_ON_A_SOURCE = [["info"], ["levels"], ["ls"], ["tile", 0, 0, 0], ["convert", "made"]]


def words(command: list[object], source: object) -> list[object]:
    return [command[0], source, *command[1:]]


@pytest.mark.parametrize("command", COMMANDS_ON_A_SOURCE, ids=lambda command: command[0])
def test_every_command_fails_with_a_sentence_when_there_is_no_source(tmp_path, command):
    result = run(*words(command, tmp_path / "nichts da"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"tilepack: {tmp_path / 'nichts da'}: ")
    assert "Traceback" not in result.stderr


def test_a_failure_shows_the_notes_of_those_it_came_through(tpkx, monkeypatch):
    error = tilepack.BundleError("a.bundle: is too short")
    error.add_note("while level 3 was read")
    monkeypatch.setattr(tilepack, "open", raising(error))
    assert run("info", tpkx).stderr == "tilepack: a.bundle: is too short\nwhile level 3 was read\n"


def test_a_failure_shows_the_traceback_when_verbose(tmp_path):
    result = run("info", tmp_path / "nothing", "-v")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr


def test_an_unexpected_error_asks_for_a_report_with_its_name(tpkx, monkeypatch):
    monkeypatch.setattr(tilepack, "open", raising(ZeroDivisionError("division by zero")))
    result = run("info", tpkx)
    assert result.exit_code == 1
    assert result.stderr.startswith("tilepack: ZeroDivisionError: division by zero\n")
    assert "report" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_package_that_is_not_installed_is_named_and_is_no_fault_of_tilepack(tpkx, monkeypatch):
    monkeypatch.setattr(tilepack, "open", raising(ModuleNotFoundError("No module named 'pyogrio'", name="pyogrio")))
    result = run("info", tpkx)
    assert result.exit_code == 1
    assert result.stderr.startswith("tilepack: the Python package 'pyogrio', which this needs, is not installed here")
    assert "report" not in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        ["info", ""],
        ["delete", "", "--all"],
        ["convert", "x", ""],
        ["build", "", "x"],
        ["preview", "x", "-o", ""],
        ["status", "report", "x", "--report-folder", ""],
        ["run", ""],
    ],
    ids=" ".join,
)
def test_an_empty_path_is_refused_and_not_taken_for_the_current_folder(tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    result = run(*line)
    assert result.exit_code == 2
    assert "is empty" in result.stderr


def test_an_unexpected_error_shows_the_traceback_when_verbose(tpkx, monkeypatch):
    monkeypatch.setattr(tilepack, "open", raising(ZeroDivisionError("division by zero")))
    assert "Traceback" in run("info", tpkx, "--verbose").stderr


def test_ctrl_c_ends_with_130(tpkx, monkeypatch):
    monkeypatch.setattr(tilepack, "open", raising(KeyboardInterrupt()))
    result = run("info", tpkx)
    assert (result.exit_code, result.stderr) == (130, "tilepack: stopped\n")


def test_messages_hold_no_control_characters_when_a_name_does(tmp_path):
    assert "\x1b" not in run("info", tmp_path / "red\x1b[31m").stderr


@pytest.mark.parametrize("command", COMMANDS_ON_A_SOURCE, ids=lambda command: command[0])
def test_every_command_refuses_quiet_with_verbose(tpkx, command):
    assert run(*words(command, tpkx), "-q", "-v").exit_code == 2


@pytest.mark.parametrize(
    "line",
    [["nonsense"], ["info"], ["tile", "x", "0", "0"], ["tile", "x", "a", "0", "0"], ["info", "x", "--nonsense"]],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(line):
    assert run(*line).exit_code == 2


def test_version_shows_the_version_of_the_library():
    assert run("--version").stdout == f"tilepack {tilepack.__version__}\n"


def test_the_module_runs_as_the_program():
    result = run_apart("--version")
    assert (result.returncode, result.stdout.split()) == (0, [b"tilepack", tilepack.__version__.encode()])


def test_a_process_ends_with_1_when_the_command_failed(tmp_path):
    assert run_apart("info", tmp_path / "nothing").returncode == 1


def test_json_is_valid_when_stdout_is_no_unicode(tpkx):
    import subprocess
    import sys

    result = subprocess.run(
        [sys.executable, "-m", "tilepack_cli", "info", str(tpkx), "--json"],
        stdout=subprocess.PIPE,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
        check=True,
    )
    assert json.loads(result.stdout.decode("ascii"))["path"] == str(tpkx)


def test_text_is_shown_with_escapes_when_stdout_is_no_unicode(exploded):
    import subprocess
    import sys

    result = subprocess.run(
        [sys.executable, "-m", "tilepack_cli", "info", str(exploded)],
        stdout=subprocess.PIPE,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii"),
        check=True,
    )
    assert rb"St\xe4dte" in result.stdout


def raising(error: BaseException):
    def fail(*_args: object, **_options: object):
        raise error

    return fail


def test_stdout_closed_from_the_start_gives_no_traceback(tpkx):
    import os
    import subprocess

    if os.name == "nt":
        pytest.skip("closes a pipe the POSIX way")
    reading, writing = os.pipe()
    os.close(reading)
    process = start("info", tpkx, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, b"")
