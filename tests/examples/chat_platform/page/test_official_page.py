"""The page of the official sample works on our server, as it is there.

It is in the folder ``vue-client`` of https://github.com/socketio/socket.io-chat-platform;
``CHAT_PLATFORM_REPOSITORY`` names a checkout. It is built in a copy, with the packages of its own
lock file, and served as the sample does it: by nginx, which has the server below ``/api/``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from tests.deployment.processes import NginxProcess
from tests.support.node import start_node
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command

from .test_page import HERE, interrupt

BUILD_SECONDS = 240
SECONDS = 100

CONFIGURATION = """
types { text/html html; text/css css; text/javascript js; image/svg+xml svg; }
upstream platform {
    server 10.0.0.1:8000 max_fails=0;
    server 10.0.0.2:8000 max_fails=0;
}
server {
    listen 80;
    root FOLDER;
    location / {
        try_files $uri /index.html;
    }
    location /api/ {
        proxy_pass http://platform/;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
}
"""


@pytest.fixture
def official_page(tmp_path: Path) -> Path:
    """The folder of the official page, built."""
    source = Path(os.environ.get("CHAT_PLATFORM_REPOSITORY", "")) / "vue-client"
    if not (source / "src/App.vue").is_file():
        pytest.skip(
            "needs the official sample: set CHAT_PLATFORM_REPOSITORY to a checkout of"
            " https://github.com/socketio/socket.io-chat-platform"
        )
    folder = tmp_path / "vue-client"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    npm = require_command("npm")
    for arguments in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        done = subprocess.run(
            [npm, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


@pytest.mark.timeout(2 * BUILD_SECONDS + SECONDS)
async def test_the_official_page(
    official_page: Path, platform: ServerProcess, chromium: str, tmp_path: Path
) -> None:
    configuration = CONFIGURATION.replace("FOLDER", str(official_page))
    folder = tmp_path / "nginx"
    await anyio.Path(folder).mkdir()
    async with (
        NginxProcess(configuration, [platform, platform], folder) as proxy,
        start_node(
            HERE / "official_page.mjs",
            proxy.url,
            {"run": "talk"},
            env={"HARNESS_CHROMIUM": chromium},
            timeout=SECONDS,
        ) as script,
    ):
        await interrupt(script, platform, "talking", "offline")
        result = await script.finish(SECONDS)
    assert result == {"ok": True, "problems": []}
    assert "Traceback" not in platform.output
