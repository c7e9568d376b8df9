"""Three servers behind nginx, with a PostgreSQL that is there already. Ctrl-C ends all of them.

DATABASE_URL=postgresql://postgres@localhost/chat python -m chat_platform.cluster

It needs nginx, and nothing else. The settings of the servers are those of ``deploy/chat.env``; the
environment wins over it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from string import Template
from types import FrameType

DEPLOY = Path(__file__).parent / "deploy"
HOST = "127.0.0.1"
STOP_SECONDS = 15.0

# What the image of nginx has around its templates; paths that only root may write are replaced.
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {template}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chat_platform.cluster", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="where nginx listens")
    parser.add_argument(
        "--servers", type=int, nargs=3, default=[8001, 8002, 8003], help="the ports of the servers"
    )
    options = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        parser.error("set DATABASE_URL, such as postgresql://postgres@localhost/chat")
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        parser.error("nginx is not installed")
    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory(prefix="chat-platform-") as folder:
        Path(folder).chmod(0o755)  # started by root, nginx works as another user
        write_nginx_files(Path(folder), options.port, options.servers)
        proxy = [nginx, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"]
        run(options.servers, proxy)


def end(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends it as Ctrl-C does."""
    raise KeyboardInterrupt


def server_command(port: int) -> list[str]:
    """A server on the fast path, which believes nginx whose request it is."""
    return [
        *(sys.executable, "-m", "socketio_asgi", "run", "chat_platform.main:app"),
        *("--host", HOST, "--port", str(port), "--forwarded-allow-ips", HOST),
        *("--timeout-keep-alive", "75", "--no-access-log"),
    ]


def write_nginx_files(folder: Path, port: int, servers: list[int]) -> None:
    template = Template((DEPLOY / "nginx.conf.template").read_text("utf-8"))
    names = {f"SERVER_{n}": f"{HOST}:{server}" for n, server in enumerate(servers, 1)}
    # What is not among these names, such as $http_host, belongs to nginx and stays.
    filled = template.safe_substitute(names, LISTEN=str(port))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, template=filled), "utf-8")
    shutil.copy(DEPLOY / "chat_proxy.conf", folder)


def read_env() -> dict[str, str]:
    """The lines of ``chat.env``, and what the environment says instead."""
    lines = (DEPLOY / "chat.env").read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs} | dict(os.environ)


def run(servers: list[int], proxy: list[str]) -> None:
    """Run the servers, and nginx when they listen, until it ends, or Ctrl-C."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.extend(start(server_command(port)) for port in servers)
        for process, port in zip(processes, servers, strict=True):
            wait_for(process, port)
        processes.append(start(proxy))
        processes[-1].wait()  # a server may be killed, to see what happens
    except KeyboardInterrupt:
        pass
    finally:
        stop(processes)


def start(command: list[str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=read_env(), cwd=DEPLOY.parents[1])  # noqa: S603
    print(f"process {process.pid}: {' '.join(command)}", flush=True)
    return process


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until a server listens, or has ended: the others do without it."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
