"""``socketio-asgi emit``: an event for the clients of a running cluster."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import click

from .errors import CommandError

TIMEOUT = 10  # seconds to reach Redis; the clients of the other brokers have limits of their own

BROKERS = {
    "redis": "Redis",
    "redis_sharded": "Redis",
    "redis_streams": "Redis",
    "postgres": "Postgres",
    "mongo": "MongoDB",
    "nats": "NATS",
    "rabbitmq": "RabbitMQ",
    "kafka": "Kafka",
}

OWN = {
    "jetstream": "nats",
    "stream_count": "redis_streams",
    "subscription_mode": "redis_sharded",
    "table_name": "postgres",
}
"""Options that one broker alone has."""

TALKATIVE = ("aiokafka", "aiormq")
"""Loggers of libraries that tell of an error before they raise it."""


def _broker(name: str, example: str, adapter: str) -> Callable[[Any], Any]:
    return click.option(
        f"--{name.replace('_', '-')}",
        name,
        envvar=f"SOCKETIO_ASGI_{name.upper()}",
        metavar="URL",
        help=f"The broker of servers with {adapter}, such as {example}.",
    )


EXAMPLES = """\b
socketio-asgi emit --redis redis://localhost news '{"title": "Hello"}'
socketio-asgi emit --nats nats://localhost --room kitchen --text order soup
"""


@click.command(short_help="Send an event to the clients of a running cluster.", epilog=EXAMPLES)
@click.argument("event")
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@_broker("redis", "redis://localhost", "RedisAdapter")
@_broker("redis_sharded", "redis://localhost", "RedisShardedAdapter")
@_broker("redis_streams", "redis://localhost", "RedisStreamsAdapter")
@_broker("postgres", "postgresql://localhost/app", "PostgresAdapter")
@_broker("mongo", "mongodb://localhost/app", "MongoAdapter")
@_broker("nats", "nats://localhost", "NatsAdapter")
@_broker("rabbitmq", "amqp://localhost", "RabbitMqAdapter")
@_broker("kafka", "localhost:9092", "KafkaAdapter")
@click.option(
    "--room",
    "rooms",
    multiple=True,
    metavar="NAME",
    help="Room, or id of a socket, several times for several; by default everybody.",
)
@click.option("--except", "excluded", multiple=True, metavar="NAME", help="Room to leave out.")
@click.option("--namespace", default="/", show_default=True, metavar="NAME", help="Namespace.")
@click.option("--text", is_flag=True, help="The values are text, and not JSON.")
@click.option(
    "--to-servers", is_flag=True, help="For on_server_event handlers of servers, and not clients."
)
@click.option(
    "--key",
    metavar="TEXT",
    help="The option key, channel_prefix, stream_name, collection, prefix or topic of the adapter,"
    " if the servers have another one than by default.",
)
@click.option("--jetstream", is_flag=True, help="With --nats: the servers have jetstream=True.")
@click.option(
    "--stream-count",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --redis-streams: the option of the adapter.",
)
@click.option(
    "--subscription-mode",
    type=click.Choice(["static", "dynamic", "dynamic-private"]),
    help="With --redis-sharded: the option of the adapter.",
)
@click.option("--table-name", metavar="NAME", help="With --postgres: the option of the adapter.")
def emit(
    event: str,
    values: tuple[str, ...],
    rooms: tuple[str, ...],
    excluded: tuple[str, ...],
    namespace: str,
    *,
    text: bool,
    to_servers: bool,
    **options: Any,
) -> None:
    """Send an EVENT with VALUEs to the clients of a running cluster.

    Each VALUE is JSON. The address of the broker may be in the environment instead, such as
    SOCKETIO_ASGI_REDIS, where other users of this host do not see its password.
    """
    if to_servers and (rooms or excluded):
        raise click.UsageError("--to-servers takes no rooms")
    arguments = values if text else [_from_json(number, value) for number, value in _count(values)]
    broker = _chosen()
    for name in TALKATIVE:
        logging.getLogger(name).addHandler(logging.NullHandler())
    emitter = _made(broker, options[broker], namespace, options)
    try:
        chosen = emitter.to(*rooms) if rooms else emitter
        chosen = chosen.except_(*excluded) if excluded else chosen
        (chosen.server_side_emit if to_servers else chosen.emit)(event, *arguments)
        emitter.close()
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    except Exception as error:
        url: str = options[broker]
        place = (urlsplit(url).netloc or url).rpartition("@")[2]
        text_of = str(error) or type(error).__name__
        raise CommandError(f"{BROKERS[broker]} at {place}: {text_of}") from error


def _count(values: tuple[str, ...]) -> list[tuple[int, str]]:
    return list(enumerate(values, 1))


def _from_json(number: int, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise click.UsageError(
            f"value {number} is no JSON: {value!r} ({error}); text is '\"...\"', or all values are"
            " text with --text"
        ) from error


def _chosen() -> str:
    """The name of the broker: the one of the command line, or else that of the environment."""
    ctx = click.get_current_context()
    source = click.core.ParameterSource
    for kind in (source.COMMANDLINE, source.ENVIRONMENT):
        named = [name for name in BROKERS if ctx.get_parameter_source(name) == kind]
        if len(named) == 1:
            return named[0]
        if named:
            listed = ", ".join(f"--{name.replace('_', '-')}" for name in named)
            raise click.UsageError(f"one broker is enough: {listed}")
    listed = ", ".join(f"--{name.replace('_', '-')}" for name in BROKERS)
    raise click.UsageError(f"name the broker of the cluster: {listed}")


def _made(broker: str, url: str, namespace: str, options: dict[str, Any]) -> Any:
    """The emitter."""
    from .. import emitters

    for name, own in OWN.items():
        if options[name] and broker != own:
            option, goes_with = name.replace("_", "-"), own.replace("_", "-")
            raise click.UsageError(f"--{option} goes with --{goes_with}")
    kinds: dict[str, tuple[Any, str]] = {
        "redis": (emitters.RedisEmitter, "key"),
        "redis_sharded": (emitters.RedisShardedEmitter, "channel_prefix"),
        "redis_streams": (emitters.RedisStreamsEmitter, "stream_name"),
        "postgres": (emitters.PostgresEmitter, "channel_prefix"),
        "mongo": (emitters.MongoEmitter, "collection"),
        "nats": (emitters.NatsEmitter, "prefix"),
        "rabbitmq": (emitters.RabbitMqEmitter, "prefix"),
        "kafka": (emitters.KafkaEmitter, "topic"),
    }
    kind, key_name = kinds[broker]
    given = {name: options[name] for name in OWN if options[name]}
    if options["key"] is not None:
        given[key_name] = options["key"]
    where = _with_limits(url) if broker.startswith("redis") else url
    try:
        return kind(where, namespace=namespace, **given)
    except ModuleNotFoundError as error:
        raise CommandError(str(error)) from error
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"--{broker.replace('_', '-')}: {error}") from error


def _with_limits(url: str) -> str:
    """An address of Redis by which redis-py does not wait for ever."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    for name in ("socket_connect_timeout", "socket_timeout"):
        query.setdefault(name, str(TIMEOUT))
    return urlunsplit(parts._replace(query=urlencode(query)))
