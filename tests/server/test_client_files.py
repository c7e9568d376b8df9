"""The JavaScript client's files, served beside the endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from socketio_asgi import Server
from tests.support.clients import RawResponse, connect_raw

from .conftest import Serving

NAMES = ("socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js", "socket.io.esm.min.js")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(f"// {name}")
        (folder / f"{name}.map").write_text("{}")
    (folder / "other.js").write_text("// not served")
    (tmp_path / "secret.txt").write_text("the secret")
    return folder


@pytest.fixture
async def http(serving: Serving, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    served = await serving(Server(serve_client=folder))
    async with httpx.AsyncClient(base_url=f"{served.url}/socket.io/", trust_env=False) as client:
        yield client


@pytest.mark.parametrize("name", NAMES)
async def test_files_and_their_types(http: httpx.AsyncClient, name: str) -> None:
    response = await http.get(name)
    assert (response.status_code, response.text) == (200, f"// {name}")
    assert response.headers["content-type"] == "application/javascript; charset=utf-8"
    assert (await http.get(name, params={"version": "1"})).text == response.text
    source_map = await http.get(f"{name}.map")
    assert source_map.headers["content-type"] == "application/json; charset=utf-8"


async def test_a_file_that_the_client_has_already(http: httpx.AsyncClient, folder: Path) -> None:
    first = await http.get(NAMES[0])
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=0"
    for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await http.get(NAMES[0], headers={"If-None-Match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert (await http.get(NAMES[0], headers={"If-None-Match": '"other"'})).status_code == 200
    (folder / NAMES[0]).write_text("// changed")
    changed = await http.get(NAMES[0], headers={"If-None-Match": etag})
    assert (changed.status_code, changed.text) == (200, "// changed")


async def test_head(http: httpx.AsyncClient) -> None:
    response = await http.head(NAMES[0], headers={"Accept-Encoding": "identity"})
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len(f"// {NAMES[0]}")


@pytest.mark.parametrize(
    ("accept", "encoding"), [("gzip, br", "gzip"), ("br", None), ("gzip;q=0", None)]
)
async def test_compressed_files(
    http: httpx.AsyncClient, folder: Path, accept: str, encoding: str | None
) -> None:
    for text in ("// first " * 100, "// second " * 100):  # a file may change
        (folder / NAMES[0]).write_text(text)
        response = await http.get(NAMES[0], headers={"Accept-Encoding": accept})
        assert response.text == text
        assert response.headers.get("content-encoding") == encoding
        assert response.headers["vary"] == "Accept-Encoding"
        assert (int(response.headers["content-length"]) < len(text)) is (encoding is not None)


async def test_nothing_is_compressed_when_that_is_off(serving: Serving, folder: Path) -> None:
    served = await serving(Server(serve_client=folder, http_compression=False))
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.get(f"{served.url}/socket.io/{NAMES[0]}")
    assert "content-encoding" not in response.headers


async def test_pages_of_permitted_origins(serving: Serving, folder: Path) -> None:
    """A script of type "module" is loaded from another origin only with its permission."""
    served = await serving(Server(serve_client=folder, cors="https://good.example"))
    async with httpx.AsyncClient(trust_env=False) as http:
        for origin, allowed in (("https://good.example", True), ("https://bad.example", False)):
            url = f"{served.url}/socket.io/{NAMES[3]}"
            response = await http.get(url, headers={"Origin": origin})
            assert response.status_code == 200
            header = response.headers.get("access-control-allow-origin")
            assert header == (origin if allowed else None)
            assert "Origin" in response.headers["vary"]


async def test_other_methods(http: httpx.AsyncClient) -> None:
    response = await http.post(NAMES[0], content=b"x")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"


async def test_a_file_that_is_missing(http: httpx.AsyncClient, folder: Path) -> None:
    (folder / NAMES[3]).unlink()
    assert (await http.get(NAMES[3])).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "other.js",
        "../secret.txt",
        "..%2Fsecret.txt",
        "%2e%2e/secret.txt",
        "..\\secret.txt",
        "socket.io.js/../../secret.txt",
        "dist/socket.io.js",
        "/etc/passwd",
        "socket.io.js%00",
        "SOCKET.IO.JS",
        "socket.io.js/",
    ],
)
async def test_no_other_file_is_reached(serving: Serving, folder: Path, name: str) -> None:
    served = await serving(Server(serve_client=folder))
    response = await get(served.url, f"/socket.io/{name}")
    assert response.status in (400, 404)
    assert b"secret" not in response.body


async def get(url: str, target: str) -> RawResponse:
    """A GET whose path is sent as it is."""
    async with connect_raw(url) as raw:
        await raw.send_request("GET", target)
        return await raw.read_response()


async def test_the_endpoint_is_still_there(http: httpx.AsyncClient) -> None:
    response = await http.get("", params={"EIO": "4", "transport": "polling"})
    assert response.text.startswith("0{")


async def test_nothing_is_served_by_default(serving: Serving) -> None:
    served = await serving(Server())
    assert (await get(served.url, "/socket.io/socket.io.js")).status == 404


def test_a_folder_without_the_client(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="npm install"):
        Server(serve_client=tmp_path)
