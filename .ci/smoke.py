"""Use an installed distribution from outside the checkout: python smoke.py EXPECTED_VERSION."""

import importlib.metadata
import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

import socketio_asgi
import socketio_asgi.integrations
from socketio_asgi._version import __version__


def main(expected: str) -> None:
    installed = importlib.metadata.version("socketio-asgi")
    assert installed == __version__ == expected, (installed, __version__, expected)

    package = Path(socketio_asgi.__file__).parent
    assert package.is_relative_to(sysconfig.get_path("purelib")), package
    assert Path(socketio_asgi.integrations.__file__).parent == package / "integrations"
    assert not (package / "integrations").is_symlink(), "the wheel carries files, not a symlink"
    assert (package / "py.typed").is_file()
    assert importlib.util.find_spec("integrations") is None, "integrations is importable by itself"

    for name in getattr(socketio_asgi, "__all__", ()):
        assert hasattr(socketio_asgi, name), name

    script = Path(sysconfig.get_path("scripts")) / "socketio-asgi"
    done = subprocess.run(
        [script, "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    if importlib.util.find_spec("click"):
        assert done.returncode == 0, done.stderr
    else:  # the core alone
        assert done.returncode == 1, done.stdout
        assert 'pip install "socketio-asgi[standard]"' in done.stderr, done.stderr
    print(f"socketio-asgi {installed} works on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
