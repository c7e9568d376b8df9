"""Mistakes of the person who types: one message, the right status, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ports import listening_socket

from .support import run, run_many

RUN = """\
Usage: socketio-asgi run [OPTIONS] MODULE:NAME
Try 'socketio-asgi run --help' for help.

Error: """


USAGE = {
    "main": "'main' has to name a module and the application in it, such as main:app",
    "main:": "'main:' has to name a module and the application in it, such as main:app",
    "main.py": "main.py is a file: write main:app",
    "./src/main.py:io": "./src/main.py is a file: write src.main:io",
    "main:io --workers 0": "'--workers': 0 is not in the range x>=1.",
    "main:io --workers 2 --reload": "--reload runs one process: leave out --workers",
    "main:io --reload-dir .": "--reload-dir is of use with --reload",
    "main:io --fd 3 --port 80": "--port and --fd exclude each other",
    "main:io --uds s --host ::1": "--host and --uds exclude each other",
    "main:io --ssl-keyfile main.py": "TLS needs a certificate: --ssl-certfile FILE",
    "main:io --ssl-certfile nowhere.pem": "File 'nowhere.pem' does not exist.",
    "main:io --log-level loud": "'loud' is not one of",
    "main:io --app-dir nowhere": "Directory 'nowhere' does not exist.",
    "main:io --adress ::1": "No such option '--adress'",
}

APPLICATIONS = {
    "nowhere:app": "there is no module nowhere in {}; --app-dir names the folder to look in",
    "main.deep:app": "there is no module main.deep in {}; --app-dir names the folder",
    "main:ios": "main has no ios; did you mean main:io?",
    "main:zzz": "main has no zzz; its applications are io, other, app, wrapped",
    "main:os": "main:os is no ASGI application: <module 'os'",
    "main:create": (
        "main:create is no ASGI application, which takes scope, receive and send; if it "
        "makes the application, add --factory"
    ),
    "main:Server": "main:Server is a class: an instance of Server serves requests",
    "main:os --factory": "main:os is no function to make an application: <module 'os'",
    "main:make_server --factory": (
        "calling main:make_server() failed: TypeError: make_server() missing 1 required "
        "positional argument: 'name'"
    ),
    "broken:app": (
        "importing broken failed: ZeroDivisionError: division by zero ({}/broken.py, line 2)"
    ),
    "needy:app": (
        "importing needy failed: ModuleNotFoundError: No module named 'nothere' "
        "({}/needy.py, line 1)"
    ),
    "wrong:app": "importing wrong failed: SyntaxError: ",
    "leaving:app": "importing leaving failed: SystemExit: 3 ({}/leaving.py, line 1)",
    "main:io --fd 99": "--fd 99: the process was started without such a socket",
    "main:io --ssl-certfile main.py": "TLS: main.py and no key: ",
}

BAD = {
    "broken": "def f():\n    return 1 / 0\n\nf()\n",
    "needy": "import nothere\n",
    "wrong": "def f(:\n",
    "leaving": "raise SystemExit(3)\n",
}


def test_wrong_command_lines(folder: Path) -> None:
    done = run_many([["run", *line.split()] for line in USAGE], folder)
    for result, (line, message) in zip(done, USAGE.items(), strict=True):
        assert (result.returncode, result.stdout) == (2, ""), line
        assert result.stderr.startswith(RUN), line
        assert message in result.stderr.removeprefix(RUN), line


def test_applications_that_cannot_be_served(folder: Path) -> None:
    for name, code in BAD.items():
        (folder / f"{name}.py").write_text(code)
    lines = [line if "--fd" in line else f"{line} --port=0" for line in APPLICATIONS]
    done = run_many([["run", *line.split()] for line in lines], folder)
    for result, message in zip(done, APPLICATIONS.values(), strict=True):
        assert result.returncode == 1, message
        assert result.stderr.startswith("socketio-asgi: " + message.format(folder))
        assert result.stderr.count("\n") == 1, result.stderr


def test_an_application_that_no_worker_can_import(folder: Path) -> None:
    done = run("run", "nowhere:app", "--port=0", "--workers=3", folder=folder)
    assert done.returncode == 1
    assert done.stderr.count("socketio-asgi: there is no module nowhere in") == 1
    assert "Traceback" not in done.stderr


def test_the_traceback_for_those_who_want_it(folder: Path) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    done = run("run", "broken:app", "--port=0", "--log-level=debug", folder=folder)
    assert done.returncode == 1
    assert done.stderr.startswith("socketio-asgi: importing broken failed: ZeroDivisionError")
    assert "Traceback" in done.stderr


def test_a_busy_port(folder: Path) -> None:
    with listening_socket() as other:
        port = other.getsockname()[1]
        done = run("run", "main:io", "--port", str(port), folder=folder)
    assert done.returncode == 1
    assert done.stderr == (
        f"socketio-asgi: port {port} on 127.0.0.1 is in use; choose another one with --port\n"
    )


def test_a_lifespan_that_fails(folder: Path) -> None:
    code = "\nfrom contextlib import asynccontextmanager\n"
    code += "@asynccontextmanager\nasync def life(app):\n    raise OSError('no database')\n"
    code += "    yield\nfailing = Starlette(lifespan=life)\n"
    (folder / "main.py").write_text((folder / "main.py").read_text() + code)
    done = run("run", "main:failing", "--port=0", folder=folder)
    assert done.returncode == 1
    assert "no database" in done.stderr


@pytest.mark.parametrize(
    ("hidden", "arguments", "message"),
    [
        ("click", ["run", "main:io"], "it needs click"),
        ("click", [], "it needs click"),
        ("uvicorn", ["run", "main:io"], "run needs uvicorn"),
        ("uvicorn", ["demo"], "the demo needs uvicorn"),
    ],
)
def test_without_the_extra(hidden: str, arguments: list[str], message: str, folder: Path) -> None:
    hide = f"sys.modules[{hidden!r}] = None; "
    main = "from socketio_asgi.cli import main; sys.exit(main())"
    done = run(*arguments, python=hide + main, folder=folder)
    assert done.returncode == 1
    assert done.stderr == f'socketio-asgi: {message}: pip install "socketio-asgi[standard]"\n'
