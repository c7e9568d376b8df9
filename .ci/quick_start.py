"""Follow the quick start of the README with an installed wheel: python quick_start.py README.md

Writes its files, runs its command (on a free port), loads its page and sends its event.
"""

import json
import re
import shlex
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from pathlib import Path

DEADLINE = 30.0


def block(text: str, language: str, containing: str) -> str:
    for body in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL):
        if containing in body:
            return body
    raise AssertionError(f"the README has no {language} block with {containing!r}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request(url: str, data: str | None = None) -> str:
    with urllib.request.urlopen(url, data and data.encode(), timeout=DEADLINE) as response:
        return response.read().decode()


def wait_for(url: str) -> str:
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return request(url)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def acknowledged(base: str) -> str:
    """Join the main namespace by long-polling, send the event, and return the acknowledgement."""
    opened = json.loads(request(base)[1:])
    session = f"{base}&sid={opened['sid']}"
    request(session, "40")
    assert request(session).startswith("40{")
    request(session, '427["chat message","hello"]')
    return request(session)


def main(readme: str) -> None:
    text = Path(readme).read_text(encoding="utf-8")
    command = shlex.split(block(text, "console", "socketio-asgi run main:app").partition("$ ")[2])
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(block(text, "python", "FastAPI()"), encoding="utf-8")
        Path(folder, "index.html").write_text(block(text, "html", "io()"), encoding="utf-8")
        program = Path(sysconfig.get_path("scripts"), command[0])
        server = subprocess.Popen([program, *command[1:], f"--port={port}"], cwd=folder)
        try:
            base = f"http://127.0.0.1:{port}"
            assert "emitWithAck" in wait_for(f"{base}/")
            answer = acknowledged(f"{base}/socket.io/?EIO=4&transport=polling")
            assert answer == '437["delivered"]', answer
        finally:
            server.terminate()
            server.wait(DEADLINE)
    print("the quick start of the README works")


if __name__ == "__main__":
    main(*sys.argv[1:])
