"""HTTP requests of the client against servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from socketio_asgi.exceptions import TransportError
from tests.support.echo import EchoApp
from tests.support.ports import PortReservation
from tests.support.serving import Served

from .support import MakeNetwork

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]


async def test_requests(serving: Serving, make_network: MakeNetwork) -> None:
    served = await serving(EchoApp())
    network = make_network()
    assert await network.request("GET", f"{served.url}/", {}) == (200, b"ok", "")
    answer = await network.request("POST", f"{served.url}/echo", {}, b"body")
    assert answer == (200, b"body", "")
    await network.close()
    assert await network.request("GET", f"{served.url}/", {}) == (200, b"ok", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_listens(make_network: MakeNetwork, host: str) -> None:
    with PortReservation() as reservation:
        url = f"http://{host}:{reservation.port}"
        with pytest.raises(TransportError) as caught:
            await make_network().request("GET", url, {})
        text = f"cannot reach {host}:{reservation.port}: nothing listens there"
        assert str(caught.value) == text


async def test_no_host_of_that_name(make_network: MakeNetwork) -> None:
    with pytest.raises(TransportError, match=r"cannot reach nowhere\.invalid:80: "):
        await make_network().request("GET", "http://nowhere.invalid/", {})
