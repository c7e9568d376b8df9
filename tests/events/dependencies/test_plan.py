"""What dependencies are called with, how often, and which mistakes are told at registration."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated, Any

import fastapi
import pytest
from fastapi import Cookie, Header, Query, Security, WebSocket
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from pydantic import BaseModel
from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from socketio_asgi import Socket
from socketio_asgi.events.dependencies import Depends
from socketio_asgi.events.dependencies.functions import Kind, kind_of
from socketio_asgi.events.dependencies.markers import uniform_marker
from socketio_asgi.events.dependencies.plan import PlanSettings

from .support import Client, call, make_call, make_handler

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

calls: list[str] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


async def settings() -> dict[str, int]:
    calls.append("settings")
    return {"limit": 3}


Settings = Annotated[dict[str, int], Depends(settings)]


def limit(found: Settings) -> int:
    calls.append("limit")
    return found["limit"]


class Paging:
    def __init__(self, found: Settings, start: int = 10) -> None:
        self.start, self.limit = start, found["limit"]


class Checker:
    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, found: Settings) -> str:
        return f"{self.name} {found['limit']}"


@pytest.mark.parametrize("marker", [Depends, fastapi.Depends])
async def test_in_annotations_and_as_defaults(marker: Any, anyio_backend: str) -> None:
    async def annotated(found: Annotated[int, marker(limit)]) -> int:
        return found

    async def default(found: int = marker(limit)) -> int:
        return found

    assert await call(annotated) == 3
    assert await call(default) == 3


async def test_a_name_in_a_text(anyio_backend: str) -> None:
    async def handler(found: Settings) -> int:
        return found["limit"]

    assert await call(handler) == 3


@pytest.mark.parametrize("marker", [Depends, fastapi.Depends])
async def test_called_once_for_an_event(marker: Any, anyio_backend: str) -> None:
    async def handler(
        a: Any = marker(limit),
        b: Any = marker(settings),
        c: Any = marker(settings, use_cache=False),
        d: Any = marker(limit),
    ) -> list[Any]:
        return [a, b is c, d]

    assert await call(handler) == [3, False, 3]
    assert calls == ["settings", "limit", "settings"]


async def test_classes_and_objects(anyio_backend: str) -> None:
    async def handler(
        a: Annotated[Paging, Depends()],
        b: str = Depends(Checker("at most")),  # type: ignore[assignment]
        c: str = Depends(functools.partial(Checker("no more than"))),  # type: ignore[assignment]
    ) -> Any:
        return a.start, a.limit, b, c

    assert await call(handler) == (10, 3, "at most 3", "no more than 3")


async def test_parameters_by_keyword(anyio_backend: str) -> None:
    async def inner(
        unused: int = 1,
        /,
        left_out: int = 2,
        found: Settings = None,  # type: ignore[assignment]
        *,
        more: Settings,
    ) -> Any:
        return unused, left_out, found is more

    assert await call(lambda a=Depends(inner): a) == (1, 2, True)


# -- what events provide -------------------------------------------------------------------------


async def test_requests(anyio_backend: str) -> None:
    async def connection(of: HTTPConnection) -> HTTPConnection:
        return of

    async def handler(
        request: Request,
        same: HTTPConnection = Depends(connection),  # type: ignore[assignment]
    ) -> Any:
        assert request is same
        request.state.count = 1
        body = await request.body()
        return request.method, body, request.headers["x-token"], request.cookies, request.state

    client = Client()
    method, body, token, cookies, state = await call(handler, client)
    assert (method, body, token, cookies) == ("GET", b"", "secret", {"theme": "dark"})
    assert (state.database, state.count) == ("connected", 1)
    # The state is that of one event.
    assert client.handshake.connection.scope["state"] == {"database": "connected"}


async def test_parameters_of_the_connection(anyio_backend: str) -> None:
    def credentials(theme: Annotated[str, Cookie()], x_token: Annotated[str, Header()]) -> Any:
        return theme, x_token

    async def handler(
        found: Any = fastapi.Depends(credentials),
        EIO: Annotated[int, Query()] = 3,  # noqa: N803
        absent: Annotated[str, Query()] = "nothing",
    ) -> Any:
        return found, EIO, absent

    assert await call(handler) == (("dark", "secret"), 4, "nothing")


async def test_parameters_without_a_marker_are_of_the_query(anyio_backend: str) -> None:
    def revision(EIO: int, limit: int = 7) -> Any:  # noqa: N803
        return EIO, limit

    async def handler(found: Any = fastapi.Depends(revision)) -> Any:
        return found

    assert await call(handler) == (4, 7)


async def test_kept_for_the_connection(monkeypatch: pytest.MonkeyPatch, anyio_backend: str) -> None:
    from socketio_asgi.integrations.fastapi import ConnectionReader

    reads: list[Any] = []
    read = ConnectionReader.read

    async def counting(self: ConnectionReader, request: Any) -> Any:
        reads.append(request)
        return await read(self, request)

    monkeypatch.setattr(ConnectionReader, "read", counting)

    async def scalar(x_token: Annotated[str, Header()]) -> str:
        return x_token

    async def lists(x: Annotated[list[str], Query()] = []) -> list[str]:  # noqa: B006
        x.append("changed")
        return x

    client = Client()
    handler = make_handler(lambda a=Depends(scalar), b=Depends(lists): (a, b))
    for _ in range(3):
        assert await make_call(handler, client).run() == ("secret", ["changed"])
    assert len(reads) == 4  # the text once, what may be changed each time
    other = Client(headers=[(b"x-token", b"other")])
    assert await make_call(handler, other).run() == ("other", ["changed"])


async def test_bearer_tokens_out_of_the_auth(anyio_backend: str) -> None:
    bearer = OAuth2PasswordBearer("token")

    async def handler(
        token: str = fastapi.Depends(bearer), authorization: Annotated[str, Header()] = ""
    ) -> Any:
        return token, authorization

    client = Client({"token": "first"}, headers=[(b"authorization", b"Basic YTpi")])
    plan_settings = PlanSettings(bearer_from_auth="token")
    handler_ = make_handler(handler, settings=plan_settings)
    assert await make_call(handler_, client).run() == ("first", "Bearer first")
    client.handshake.auth["token"] = "second"  # it may be renewed
    assert await make_call(handler_, client).run() == ("second", "Bearer second")
    for token in (None, 5, "a\r\nb", "ü"):
        client.handshake.auth["token"] = token
        with pytest.raises(fastapi.HTTPException):
            await make_call(handler_, client).run()


async def test_scopes(anyio_backend: str) -> None:
    def user(required: SecurityScopes, found: Settings) -> str:
        calls.append("user")
        return required.scope_str

    def admin(found: Annotated[str, Security(user, scopes=["admin"])]) -> str:
        return found

    async def handler(
        a: str = Security(user, scopes=["read"]),
        b: str = Security(admin, scopes=["write"]),
        c: str = Security(user, scopes=["read"]),
        d: str = fastapi.Depends(user),
    ) -> Any:
        return a, b, c, d

    assert await call(handler) == ("read", "write admin", "read", "")
    assert sorted(calls) == ["settings", "user", "user", "user"]


async def test_background_tasks(anyio_backend: str) -> None:
    def inner(tasks: BackgroundTasks) -> BackgroundTasks:
        return tasks

    async def handler(tasks: BackgroundTasks, same: Any = Depends(inner)) -> bool:
        return tasks is same

    assert await call(handler)


async def test_the_socket(anyio_backend: str) -> None:
    def inner(socket) -> Any:  # type: ignore[no-untyped-def]
        return socket

    def typed(client: Socket) -> Any:
        return client

    client = Client()
    assert await call(lambda a=Depends(inner), b=Depends(typed): (a, b), client) == (client, client)


async def test_shared_dependencies_are_called_first(anyio_backend: str) -> None:
    def check() -> None:
        calls.append("check")

    shared = [uniform_marker(fastapi.Depends(check))]
    assert await call(lambda found=Depends(limit): found, shared=shared) == 3
    assert calls == ["check", "settings", "limit"]


# -- mistakes ------------------------------------------------------------------------------------


def first(found: Any = Depends(lambda found: found)) -> None: ...
def needs_text(text: str) -> None: ...
def has_body(body: Annotated[int, fastapi.Body()]) -> None: ...


class Model(BaseModel):
    text: str


def has_model(model: Model) -> None: ...
def has_socket(websocket: WebSocket) -> None: ...
def has_response(response: Response) -> None: ...
def has_unknown(found: Unknown) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def has_two(found: Annotated[int, Depends(limit)] = Depends(limit)) -> None: ...  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("function", "marker", "message"),
    [
        (first, Depends, "nothing supplies the parameter 'found' of the dependency .*lambda"),
        (needs_text, Depends, "nothing supplies the parameter 'text' of the dependency needs_text"),
        (has_body, Depends, "'body' of has_body.* is the body of a request"),
        (has_model, fastapi.Depends, "'model' of has_model.* from the body of a request"),
        (has_socket, Depends, "'websocket' of has_socket.*annotate it with HTTPConnection"),
        (has_response, fastapi.Depends, "events have no response"),
        (has_unknown, Depends, "annotation 'Unknown' of the parameter 'found' of has_unknown"),
        (has_two, Depends, "the parameter 'found' has two dependencies"),
    ],
)
def test_mistakes(
    function: Callable[..., Any], marker: Any, message: str, anyio_backend: str
) -> None:
    with pytest.raises(TypeError, match=message):
        make_handler(lambda found=marker(function): found)


def test_circles(anyio_backend: str) -> None:
    def a(found: Any) -> None: ...
    def b(found: Any = Depends(a)) -> None: ...
    def c(found: Any = Depends(b)) -> None: ...

    a.__defaults__ = (Depends(c),)
    names = " -> ".join(rf"test_circles\.<locals>\.{name}" for name in "acba")
    with pytest.raises(TypeError, match=rf"in a circle: {names}$"):
        make_handler(lambda found=Depends(a): found)


def test_markers_need_functions(anyio_backend: str) -> None:
    with pytest.raises(TypeError, match="Depends takes a function, not 5"):
        Depends(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Depends\(\) of the parameter 'found' has no function"):
        make_handler(lambda found=Depends(): found)
    with pytest.raises(TypeError, match=r"dependencies are written Depends\(function\), not"):
        uniform_marker(limit)


def test_without_a_client(anyio_backend: str) -> None:
    def inner(request: Request) -> None: ...

    with pytest.raises(TypeError, match=r"'request' of .*inner.* needs a client"):
        make_handler(lambda found=Depends(inner): found, settings=PlanSettings(has_client=False))


# -- kinds ---------------------------------------------------------------------------------------


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call


def generator() -> Any:
    yield


async def asynchronous_generator() -> Any:
    yield


class Objects:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...

    def yields(self) -> Any:
        yield


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (limit, Kind.PLAIN),
        (settings, Kind.ASYNC),
        (generator, Kind.GENERATOR),
        (asynchronous_generator, Kind.ASYNC_GENERATOR),
        (Objects, Kind.PLAIN),
        (Objects(), Kind.ASYNC),
        (Objects().method, Kind.ASYNC),
        (Objects().yields, Kind.GENERATOR),
    ],
)
@pytest.mark.parametrize("around", [lambda function: function, functools.partial, decorated])
def test_kinds(function: Any, kind: Kind, around: Any, anyio_backend: str) -> None:
    if around is decorated and isinstance(function, Objects):
        pytest.skip("functools.wraps needs a name")
    assert kind_of(around(function)) is kind


def test_without_fastapi(monkeypatch: pytest.MonkeyPatch, anyio_backend: str) -> None:
    monkeypatch.delitem(sys.modules, "fastapi.params")
    with pytest.raises(TypeError, match="nothing supplies"):
        make_handler(lambda found=Depends(needs_text): found)
