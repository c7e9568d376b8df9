"""The command itself: its help, its version, and what completes it."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest

import socketio_asgi
from socketio_asgi.websocket import speedups
from tests.support.requirements import require_command

from .support import COMMAND, TIMEOUT, run

COMMANDS = ["completion", "connect", "contract", "demo", "emit", "run"]


def test_version() -> None:
    done = run("--version")
    expected = f"socketio-asgi {socketio_asgi.__version__} ({speedups.describe()})\n"
    assert (done.returncode, done.stdout) == (0, expected)


def test_version_without_the_native_piece() -> None:
    done = subprocess.run(
        [COMMAND, "--version"],
        env={**os.environ, speedups.VARIABLE: "0"},
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert b"(pure Python)" in done.stdout


def test_the_installed_command() -> None:
    done = subprocess.run([COMMAND, "--version"], capture_output=True, timeout=TIMEOUT, check=True)
    assert done.stdout.startswith(b"socketio-asgi ")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == COMMANDS
    assert not any(line.endswith("...") for line in listed)  # no sentence is cut off


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: socketio-asgi {command} ")
    assert "\\b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "No such command 'dance'"),
        (["completion"], "Missing argument '{bash|zsh|fish}'"),
        (["completion", "sh"], "'sh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_nothing_at_all_shows_the_help() -> None:
    done = run()
    assert done.returncode == 2
    assert "Usage: socketio-asgi" in done.stdout + done.stderr


def complete(*words: str) -> list[str]:
    """What bash offers behind some words of a command line, with the script that we print."""
    bash = require_command("bash")
    line = shlex.join(["socketio-asgi", *words])
    script = f"""
        eval "$(socketio-asgi completion bash)"
        COMP_WORDS=(socketio-asgi {shlex.join(words)}) COMP_CWORD={len(words)}
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
        function_name=$(complete -p socketio-asgi | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $function_name socketio-asgi
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{COMMAND.parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
        env={"PATH": path},
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_in_bash() -> None:
    assert complete("") == COMMANDS
    assert complete("em") == ["emit"]
    assert complete("run", "main:io", "--reload") == ["--reload", "--reload-dir"]
    assert complete("run", "main:io", "--log-level", "cr") == ["critical"]


@pytest.mark.parametrize(
    ("shell", "word"),
    [("bash", "complete -o"), ("zsh", "#compdef socketio-asgi"), ("fish", "complete")],
)
def test_the_script_of_each_shell(shell: str, word: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert word in done.stdout
    assert f"{shell}_complete" in done.stdout
