"""The cost of an event of another server: ``python -m benchmarks.cluster [CONTENDER ...]``.

One server of a cluster emits, and another one, which is measured, delivers to its clients, or has
none in the room. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
from contextlib import ExitStack

from tests.support.ports import PortReservation

from . import proc
from .load.meter import Sample
from .runner import Failed, Settings, run_load, started
from .servers import FAST, HERE, STOCK, Server, uvicorn
from .situations import show

OURS = {
    "classic": "RedisAdapter",
    "sharded": "RedisShardedAdapter",
    "streams": "RedisStreamsAdapter",
    "postgres": "PostgresAdapter",
    "mongo": "MongoAdapter",
    "nats": "NatsAdapter",
    "rabbitmq": "RabbitMqAdapter",
    "kafka": "KafkaAdapter",
    "workers": "WorkersAdapter",
    "pubsub": "GcpPubSubAdapter",
    "service-bus": "AzureServiceBusAdapter",
    "sqs": "AwsSqsAdapter",
}
"""Adapters by the names of our contenders."""

BROKERS = {
    "postgres": os.environ.get("POSTGRES_URL", "postgresql://127.0.0.1:5432/test"),
    "mongo": os.environ.get("MONGO_URL", "mongodb://127.0.0.1:27017/test"),
    "nats": os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
    "rabbitmq": os.environ.get("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672"),
    "kafka": os.environ.get("KAFKA_ADDRESS", "127.0.0.1:9092"),
    "workers": f"{tempfile.gettempdir()}/benchmark-{os.getpid()}",
    "pubsub": "benchmark",  # a project
    "service-bus": os.environ.get("SERVICE_BUS_CONNECTION", ""),
    "sqs": os.environ.get("AWS_ENDPOINT_URL", ""),
}
NEEDED = {
    "pubsub": "PUBSUB_EMULATOR_HOST",
    "service-bus": "SERVICE_BUS_CONNECTION",
    "sqs": "AWS_ENDPOINT_URL",
}
"""The variables that name brokers which nobody has at hand; without them, they are left out."""

REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
LOAD_TIMEOUT = 120.0  # seconds that connecting may take, besides the window
HEAD = ("", "µs/event", "least", "most", "events/s", "core")


def _ours(name: str, adapter: str) -> Server:
    environment = {"CLUSTER_ADAPTER": adapter, "CLUSTER_BROKER": BROKERS.get(name, REDIS)}
    command = uvicorn("benchmarks.servers.clustered", FAST)
    modules = ("uvicorn", "socketio_asgi")
    return Server(f"ours-{name}", f"ours, {name}", command, modules, environment=environment)


def _node(name: str) -> Server:
    script = str(HERE / "clustered.mjs")
    return Server(
        f"node-{name}",
        f"socket.io on Node, {name}",
        lambda _python, port: ["node", script, str(port), name, REDIS],
        packages=("socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter"),
    )


CONTENDERS = (
    *(
        _ours(name, adapter)
        for name, adapter in OURS.items()
        if name not in NEEDED or os.environ.get(NEEDED[name])
    ),
    *(_node(name) for name in ("classic", "sharded", "streams")),
    Server(
        "python-socketio",
        "python-socketio, Redis",
        uvicorn("benchmarks.servers.clustered_python_socketio", STOCK),
        modules=("uvicorn", "socketio", "redis"),
        environment={"CLUSTER_BROKER": REDIS},
    ),
)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    add = parser.add_argument
    names = ", ".join(server.name for server in CONTENDERS)
    add("contenders", nargs="*", metavar="CONTENDER", help=f"of {names}")
    add("--servers", type=int, default=2, metavar="N", help="servers of a cluster (2)")
    add("--clients", default="1,100,0", metavar="N,M", help="of the measured server (1,100,0)")
    add("--bursts", default="20,1", metavar="N,M", help="events that are emitted at once (20,1)")
    add("--rate", type=float, default=1000, metavar="N", help="events each second (1000)")
    add("--runs", type=int, default=3, metavar="N", help="of each, in turns (3)")
    add("--seconds", type=float, default=2.0, metavar="S", help="of each run (2)")
    add("--warmup", type=float, default=1.0, metavar="S", help="before it (1)")
    add("--python", default=sys.executable, metavar="PATH", help="runs the servers in Python")
    return parser.parse_args()


def measure(server: Server, clients: int, burst: int, options: argparse.Namespace) -> Sample:
    """One run of a cluster of fresh processes.

    Raises:
        Failed: A server did not start, or an event was lost or doubled.
    """
    measured_core, other_core = proc.choose_cores()
    settings = Settings(options.python, options.runs, options.seconds, options.warmup)
    ports: list[int] = []
    pids: list[int] = []
    with ExitStack() as stack:
        for number in range(options.servers):
            reservation = stack.enter_context(PortReservation())
            core = measured_core if number == 1 else other_core
            process = stack.enter_context(started(server, reservation.port, settings, core=core))
            ports.append(reservation.port)
            pids.append(process.pid)
        job = {
            "ports": ports,
            "pid": pids[1],
            "clients": clients,
            "rate": options.rate / max(1, clients / 10),
            "burst": burst,
            "seconds": options.seconds,
            "warmup": options.warmup,
        }
        command = [sys.executable, "-m", "benchmarks.load.spreading", json.dumps(job)]
        timeout = LOAD_TIMEOUT + options.seconds + options.warmup
        return Sample(**json.loads(run_load(command, other_core, timeout)))


def compare(
    servers: list[Server], clients: int, burst: int, options: argparse.Namespace
) -> dict[str, list[Sample]]:
    """Let the contenders take turns."""
    samples: dict[str, list[Sample]] = {server.name: [] for server in servers}
    for _ in range(options.runs):
        for server in servers:
            try:
                samples[server.name].append(measure(server, clients, burst, options))
            except Failed as failure:
                print(f"  {server.title}: {failure}", flush=True)
    return samples


def row(title: str, samples: list[Sample]) -> tuple[str, ...]:
    values = [sample.value for sample in samples]
    rate = statistics.median(sample.units / sample.seconds for sample in samples)
    core = statistics.median(sample.server / sample.seconds for sample in samples)
    figures = (statistics.median(values), min(values), max(values))
    return (title, *(f"{value:.1f}" for value in figures), f"{rate:.0f}", f"{core:.0%}")


def main() -> None:
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stop the servers before
    known = {server.name: server for server in CONTENDERS}
    if unknown := [name for name in options.contenders if name not in known]:
        sys.exit(f"there is no {unknown[0]}")
    servers = [known[name] for name in options.contenders or known]
    for server in list(servers):
        if reason := server.missing(options.python):
            print(f"{server.title} is left out: {reason}")
            servers.remove(server)
    for clients in map(int, options.clients.split(",")):
        for burst in map(int, options.bursts.split(",")):
            to = f"for {clients} clients" if clients else "for clients of other servers"
            print(f"{options.servers} servers, events {to}, {burst} at once", flush=True)
            samples = compare(servers, clients, burst, options)
            rows = [
                row(server.title, samples[server.name])
                for server in servers
                if samples[server.name]
            ]
            show([HEAD, *rows])


if __name__ == "__main__":
    main()
