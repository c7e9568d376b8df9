"""``socketio-asgi emit``: mistakes of the person who types. No broker is needed for them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .support import run, run_many

REDIS = "--redis redis://localhost"

MISTAKES: Final = {
    "news": "name the broker of the cluster: --redis, --redis-sharded, --redis-streams,",
    f"{REDIS} --nats nats://localhost news": "one broker is enough: --redis, --nats",
    f"{REDIS}": "Missing argument 'EVENT'.",
    f"{REDIS} news {{title}}": "value 1 is no JSON: '{title}' (",
    f"{REDIS} news 1 hello": "value 2 is no JSON: 'hello' (",
    f"{REDIS} connect": "connect",  # a reserved name
    f"{REDIS} --namespace a,b news": "comma",
    f"{REDIS} --to-servers --room a news": "--to-servers takes no rooms",
    f"{REDIS} --jetstream news": "--jetstream goes with --nats",
    f"{REDIS} --stream-count 2 news": "--stream-count goes with --redis-streams",
    f"{REDIS} --table-name t news": "--table-name goes with --postgres",
    "--redis localhost news": "--redis: ",
    "--nats http://localhost news": "--nats: ",
    "--rabbitmq http://localhost news": "--rabbitmq: ",
    "--kafka localhost news": "--kafka: ",
    "--postgres mysql://localhost news": "--postgres: ",
    "--mongo http://localhost/app news": "--mongo: ",
    "--mongo mongodb://localhost news": "the name of the database is missing",
}


def test_mistakes(tmp_path: Path) -> None:
    done = run_many([["emit", *line.split()] for line in MISTAKES], tmp_path)
    for result, (line, message) in zip(done, MISTAKES.items(), strict=True):
        assert (result.returncode, result.stdout) == (2, ""), line
        assert message in result.stderr.partition("Error: ")[2], line


def test_the_broker_in_the_environment(tmp_path: Path) -> None:
    env = {"SOCKETIO_ASGI_REDIS": "redis://127.0.0.1:1", "SOCKETIO_ASGI_NATS": "nats://127.0.0.1:1"}
    done = run("emit", "news", env=env)
    assert done.returncode == 2
    assert "one broker is enough: --redis, --nats" in done.stderr
    # The command line wins over it.
    done = run("emit", "--redis", "redis://127.0.0.1:2", "news", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith("socketio-asgi: Redis at 127.0.0.1:2: ")


@pytest.mark.parametrize(
    ("hidden", "broker", "extra"),
    [
        ("redis", REDIS, "redis"),
        ("psycopg", "--postgres postgresql://localhost", "postgres"),
        ("pymongo", "--mongo mongodb://localhost/app", "mongo"),
    ],
)
def test_without_the_client_of_the_broker(hidden: str, broker: str, extra: str) -> None:
    hide = f"sys.modules[{hidden!r}] = None; "
    main = "from socketio_asgi.cli import main; sys.exit(main())"
    done = run("emit", *broker.split(), "news", python=hide + main)
    assert done.returncode == 1
    assert f'pip install "socketio-asgi[{extra}]"' in done.stderr
    assert "Traceback" not in done.stderr
