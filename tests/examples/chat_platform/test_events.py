"""The contract of each event, as clients see it; on both databases where their SQL may differ."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.support.processes import ServerProcess
from tests.support.waiting import until

from .chat import Tab, User, Visit, general, some_id, some_name, visiting
from .conftest import mainly_on

pytestmark = pytest.mark.timeout(150)  # the first one of a database starts that, and a server

# -- payloads ------------------------------------------------------------------------------------

INVALID: list[tuple[str, Any]] = [
    ("channel:create", {"name": "a"}),
    ("channel:create", {"name": "a" * 33}),
    ("channel:create", {"name": "a\0b"}),
    ("channel:create", {"name": 5}),
    ("channel:create", {"name": "tea", "type": "private"}),
    ("channel:create", {}),
    ("channel:create", None),
    ("channel:join", {"channelId": "5"}),
    ("channel:join", {"channel_id": some_id()}),
    ("channel:list", {"size": 0}),
    ("channel:list", {"size": 101}),
    ("channel:list", {"size": "5"}),
    ("channel:list", {"size": 1.5}),
    ("channel:list", {"orderBy": "name:desc"}),
    ("channel:list", {"page": 2}),
    ("channel:list", "all"),
    ("channel:search", {"q": None}),
    ("channel:search", {"q": "\0"}),
    ("user:get", {"userId": "x"}),
    ("user:get", {}),
    ("user:reach", {"userIds": []}),
    ("user:reach", {"userIds": [some_id(), some_id()]}),
    ("user:reach", {"userIds": some_id()}),
    ("user:search", {"q": 5}),
    ("message:send", {"channelId": some_id(), "content": ""}),
    ("message:send", {"channelId": some_id(), "content": "x" * 5001}),
    ("message:send", {"channelId": some_id(), "content": "x", "clientId": "1"}),
    ("message:send", {"channelId": some_id(), "content": "x", "id": "1"}),
    ("message:send", {"content": "x"}),
    ("message:list", {"channelId": some_id(), "after": 5}),
    ("message:list", {"channelId": some_id(), "after": "-1"}),
    ("message:list", {"channelId": some_id(), "after": "9223372036854775808"}),
    ("message:list", {"channelId": some_id(), "orderBy": "id"}),
    ("message:ack", {"channelId": some_id(), "messageId": 5}),
    ("message:ack", {"channelId": some_id(), "messageId": "five"}),
    ("message:ack", {"channelId": some_id()}),
]


@mainly_on("postgres")
async def test_invalid_payloads(visit: Visit) -> None:
    tab = await visit.tab(await visit.user())
    for event, payload in INVALID:
        answer = await tab.client.emit_with_ack(event, payload)
        assert answer["status"] == "ERROR", (event, payload, answer)
        assert answer.get("errors"), (event, payload, answer)
        assert {frozenset(each) for each in answer["errors"]} == {frozenset({"loc", "type", "msg"})}
    answer = await tab.client.emit_with_ack("channel:list")
    assert answer["status"] == "ERROR"


UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("channel:join", {"channelId": some_id()}),
    ("user:get", {"userId": some_id()}),
    ("user:reach", {"userIds": [some_id()]}),
    ("message:send", {"channelId": some_id(), "content": "x"}),
    ("message:list", {"channelId": some_id()}),
    ("message:ack", {"channelId": some_id(), "messageId": "1"}),
]


@mainly_on("postgres")
async def test_what_is_not_there(visit: Visit) -> None:
    tab = await visit.tab(await visit.user())
    for event, payload in UNKNOWN:
        assert await tab.client.emit_with_ack(event, payload) == {"status": "ERROR"}, event


@mainly_on("postgres")
async def test_without_an_acknowledgement_nothing_happens(visit: Visit) -> None:
    user = await visit.user()
    tab, other = await visit.tab(user), await visit.tab(user)
    name, channel = some_name("channel"), await general(tab)
    await tab.client.emit("channel:create", {"name": name})
    await tab.client.emit("message:send", {"channelId": channel, "content": "hello"})
    assert [each["name"] for each in await tab.do("channel:list")] == ["General"]
    listed = await tab.do("message:list", channelId=channel, size=100, orderBy="id:desc")
    assert user.id not in [each["from"] for each in listed]
    assert other.told("channel:created") == other.told("message:sent") == []


# -- channels ------------------------------------------------------------------------------------


@mainly_on("postgres")
async def test_create_a_channel(visit: Visit) -> None:
    first, second, user, _ = await visit.both()
    tab, name = await visit.tab(user), some_name("channel")
    channel = await first.do("channel:create", name=name)
    assert channel == {
        "id": channel["id"],
        "name": name,
        "type": "public",
        "users": [],
        "userCount": 1,
        "unreadCount": 0,
    }
    await until(lambda: tab.told("channel:created") == [channel])
    assert first.told("channel:created") == second.told("channel:created") == []
    # Both tabs hear the channel from now on.
    await second.do("channel:join", channelId=channel["id"])
    await second.do("message:send", channelId=channel["id"], content="hello")
    await until(lambda: first.told("message:sent") and tab.told("message:sent"))
    assert await second.ask("channel:create", name=name) == {"status": "ERROR"}


@mainly_on("postgres")
async def test_join_a_channel(visit: Visit) -> None:
    first, second, _, user = await visit.both()
    tab = await visit.tab(user)
    made = await first.do("channel:create", name=some_name("channel"))
    joined = await second.do("channel:join", channelId=made["id"])
    assert joined == {**made, "userCount": 2}
    await until(lambda: tab.told("channel:joined") == [joined])
    assert first.told("channel:joined") == second.told("channel:joined") == []
    assert await second.ask("channel:join", channelId=made["id"]) == {"status": "ERROR"}
    await first.do("message:send", channelId=made["id"], content="hello")
    await until(lambda: second.told("message:sent") and tab.told("message:sent"))


@mainly_on("postgres")
async def test_private_channels_of_others(visit: Visit) -> None:
    """Who knows the id can neither join it, nor read, write or type in it."""
    first, second, _, user = await visit.both()
    third = await visit.tab(await visit.user())
    channel = (await first.do("user:reach", userIds=[user.id]))["id"]
    message = (await first.do("message:send", channelId=channel, content="secret"))["id"]
    for event, payload in [
        ("channel:join", {}),
        ("message:send", {"content": "me too"}),
        ("message:list", {}),
        ("message:ack", {"messageId": message}),
    ]:
        assert await third.ask(event, channelId=channel, **payload) == {"status": "ERROR"}, event
    await third.client.emit("message:typing", {"channelId": channel, "isTyping": True})
    assert await third.do("channel:list", size=100)
    assert len(await second.do("message:list", channelId=channel)) == 1
    assert second.told("message:typing") == []
    assert third.told("message:sent") == []


async def test_list_channels(visit: Visit) -> None:
    first, second, user, other = await visit.both()
    names = sorted(some_name("list") for _ in range(3))
    for name in reversed(names):
        await first.do("channel:create", name=name)
    private = await first.do("user:reach", userIds=[other.id])
    await second.do("message:send", channelId=private["id"], content="hello")
    answer = await first.ask("channel:list", size=100)
    assert [each["name"] for each in answer["data"]] == ["General", *names, None]
    assert answer["hasMore"] is False
    assert answer["data"][-1] == {
        "id": private["id"],
        "name": None,
        "type": "private",
        "users": [other.id],
        "userCount": 2,
        "unreadCount": 1,
    }
    assert (await second.do("channel:list"))[-1]["users"] == [user.id]
    answer = await first.ask("channel:list", size=2)
    assert (len(answer["data"]), answer["hasMore"]) == (2, True)
    answer = await first.ask("channel:list", size=5, orderBy="name:asc")
    assert (len(answer["data"]), answer["hasMore"]) == (5, False)


async def test_search_channels(visit: Visit) -> None:
    first, second, *_ = await visit.both()
    beginning = some_name("s")
    names = [f"{beginning}{end}" for end in ("%a", "_b", "c", "D")]
    for name in names:
        await first.do("channel:create", name=name)

    async def found(q: str, **options: int) -> list[str]:
        return [each["name"] for each in await second.do("channel:search", q=q, **options)]

    assert sorted(await found(beginning.upper())) == sorted(names)
    assert await found(f"{beginning}%") == names[:1]
    assert await found(f"{beginning}_") == names[1:2]
    assert await found(f"{beginning}d") == names[3:]
    assert await found("%") == []
    assert len(await found(beginning, size=3)) == 3
    channel = (await second.do("channel:search", q=names[2]))[0]
    assert (channel["type"], channel["users"], channel["userCount"]) == ("public", [], 1)
    await second.do("channel:join", channelId=channel["id"])
    assert await found(names[2]) == []


# -- messages ------------------------------------------------------------------------------------


@mainly_on("postgres")
async def test_send_a_message(visit: Visit) -> None:
    first, second, user, _ = await visit.both()
    tab = await visit.tab(user)
    channel = await general(first)
    sent = await first.do("message:send", channelId=channel, content="Grüße\n👋")
    assert set(sent) == {"id"}
    assert sent["id"].isdecimal()
    message = {"from": user.id, "channelId": channel, "content": "Grüße\n👋", "id": sent["id"]}
    await until(lambda: message in second.told("message:sent"))
    await until(lambda: message in tab.told("message:sent"))
    assert message not in first.told("message:sent")
    last = await second.do("message:list", channelId=channel, orderBy="id:desc", size=1)
    assert last == [message]


@mainly_on("postgres")
async def test_the_same_message_again(visit: Visit) -> None:
    """What a client sends again, because it got no answer, is neither stored nor told twice."""
    first, second, user, other = await visit.both()
    channel = (await first.do("user:reach", userIds=[other.id]))["id"]
    payload = {"channelId": channel, "content": "once", "clientId": some_id()}
    sent = await first.do("message:send", **payload)
    tab = await visit.tab(user)
    assert await tab.do("message:send", **payload) == sent
    assert await tab.do("message:send", **{**payload, "content": "changed"}) == sent
    # The ids belong to their sender: those of another one are other messages.
    theirs = await second.do("message:send", **payload)
    assert theirs != sent
    await first.do("message:send", channelId=channel, content="last")
    await until(lambda: len(second.told("message:sent")) == 2)
    contents = [each["content"] for each in await second.do("message:list", channelId=channel)]
    assert contents == ["once", "once", "last"]


async def test_the_same_message_at_the_same_moment(visit: Visit) -> None:
    first, second, user, other = await visit.both()
    tabs = [first, await visit.tab(user), await visit.tab(user)]
    channel = (await first.do("user:reach", userIds=[other.id]))["id"]
    for number in range(5):
        payload = {"channelId": channel, "content": f"{number}", "clientId": some_id()}
        answers: list[Any] = []

        async def send(tab: Tab, payload: Any = payload, answers: Any = answers) -> None:
            answers.append(await tab.do("message:send", **payload))

        async with anyio.create_task_group() as tasks:
            for tab in tabs:
                tasks.start_soon(send, tab)
        assert len({each["id"] for each in answers}) == 1
    listed = await second.do("message:list", channelId=channel)
    assert [each["content"] for each in listed] == ["0", "1", "2", "3", "4"]
    await until(lambda: len(second.told("message:sent")) == 5)


async def test_list_messages(visit: Visit) -> None:
    first, second, _, other = await visit.both()
    channel = (await first.do("user:reach", userIds=[other.id]))["id"]
    ids = [
        (await first.do("message:send", channelId=channel, content=f"{number}"))["id"]
        for number in range(5)
    ]

    async def page(**query: Any) -> tuple[list[str], bool]:
        answer = await second.ask("message:list", channelId=channel, **query)
        return [each["id"] for each in answer["data"]], answer["hasMore"]

    assert await page() == (ids, False)
    assert await page(size=2) == (ids[:2], True)
    assert await page(size=2, after=ids[1]) == (ids[2:4], True)
    assert await page(size=2, after=ids[3]) == (ids[4:], False)
    assert await page(size=5) == (ids, False)
    back = ids[::-1]
    assert await page(size=2, orderBy="id:desc") == (back[:2], True)
    assert await page(size=3, orderBy="id:desc", after=back[1]) == (back[2:], False)
    assert await page(after=ids[-1]) == ([], False)


async def test_read_marks(visit: Visit) -> None:
    first, second, user, other = await visit.both()
    channel = (await first.do("user:reach", userIds=[other.id]))["id"]

    async def unread(tab: Tab) -> int:
        channels = await tab.do("channel:list", size=100)
        return int(next(each["unreadCount"] for each in channels if each["id"] == channel))

    ids = [
        (await first.do("message:send", channelId=channel, content=f"{number}"))["id"]
        for number in range(3)
    ]
    assert (await unread(first), await unread(second)) == (0, 3)
    assert await second.ask("message:ack", channelId=channel, messageId=ids[1]) == {"status": "OK"}
    assert await unread(second) == 1
    await second.do("message:ack", channelId=channel, messageId=ids[0])
    assert await unread(second) == 1, "the mark never moves back"
    await second.do("message:send", channelId=channel, content="an answer")
    assert (await unread(first), await unread(second)) == (1, 0)
    # A message of another channel marks nothing here.
    elsewhere = await general(second)
    last = (await second.do("message:send", channelId=elsewhere, content="x"))["id"]
    refused = await first.ask("message:ack", channelId=channel, messageId=last)
    assert refused == {"status": "ERROR"}
    assert await unread(first) == 1
    assert user.id != other.id


@mainly_on("postgres")
async def test_typing(visit: Visit) -> None:
    first, second, user, _ = await visit.both()
    channel = (await first.do("channel:create", name=some_name("channel")))["id"]
    await second.do("channel:join", channelId=channel)
    expected = [{"userId": user.id, "channelId": channel, "isTyping": True}]
    await first.client.emit("message:typing", {"channelId": channel, "isTyping": True})
    await until(lambda: second.told("message:typing") == expected)
    await first.client.emit("message:typing", {"channelId": channel, "isTyping": "yes"})
    await first.client.emit("message:typing", {"channelId": some_id(), "isTyping": True})
    await first.client.disconnect()  # whoever leaves does not type any more
    stopped = {**expected[0], "isTyping": False}
    await until(lambda: stopped in second.told("message:typing"))
    here = [each for each in second.told("message:typing") if each["channelId"] == channel]
    assert here == [*expected, stopped]
    assert first.told("message:typing") == []


# -- users ---------------------------------------------------------------------------------------


@mainly_on("postgres")
async def test_reach_a_user(visit: Visit) -> None:
    first, second, user, other = await visit.both()
    tab = await visit.tab(user)
    channel = await first.do("user:reach", userIds=[other.id])
    assert channel == {
        "id": channel["id"],
        "name": None,
        "type": "private",
        "users": [other.id],
        "userCount": 2,
        "unreadCount": 0,
    }
    await until(lambda: tab.told("channel:created") == [channel])
    # The other one sees it as well, and is in it.
    await until(lambda: second.told("channel:created") == [{**channel, "users": [user.id]}])
    await first.do("message:send", channelId=channel["id"], content="hello")
    await until(lambda: second.told("message:sent") and tab.told("message:sent"))
    # There is one channel of two users, whoever asks, and however often.
    assert (await first.do("user:reach", userIds=[other.id]))["id"] == channel["id"]
    assert (await second.do("user:reach", userIds=[user.id]))["id"] == channel["id"]
    assert len(second.told("channel:created")) == 1
    assert await first.ask("user:reach", userIds=[user.id]) == {"status": "ERROR"}


async def test_two_users_reach_each_other_at_the_same_moment(visit: Visit) -> None:
    first, second, user, other = await visit.both()
    found = []

    async def reach(tab: Tab, whom: User) -> None:
        found.append((await tab.do("user:reach", userIds=[whom.id]))["id"])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reach, first, other)
        tasks.start_soon(reach, second, user)
    assert found[0] == found[1]


async def test_search_users(visit: Visit) -> None:
    beginning = some_name("q")
    names = [f"{beginning}{end}" for end in ("%a", "_b", "c")]
    users = [await visit.user(name) for name in names]
    tab = await visit.tab(users[0])

    async def found(q: str, **options: int) -> list[str]:
        return [each["username"] for each in await tab.do("user:search", q=q, **options)]

    assert await found(beginning.upper()) == sorted(names[1:])
    assert await found(f"{beginning}_") == names[1:2]
    assert await found(f"{beginning}%") == [], "not oneself"
    assert len(await found(beginning, size=1)) == 1
    assert (await tab.do("user:search", q=names[2])) == [{"id": users[2].id, "username": names[2]}]
    await tab.do("user:reach", userIds=[users[2].id])
    assert await found(names[2]) == []


@mainly_on("postgres")
async def test_the_state_of_a_user(visit: Visit) -> None:
    first, second, user, other = await visit.both()
    unasked = await visit.tab(user)
    assert await first.do("user:get", userId=other.id) == {
        "id": other.id,
        "username": other.name,
        "isOnline": True,
    }
    third = await visit.tab(other)
    await second.client.disconnect()
    assert (await first.do("user:get", userId=other.id))["isOnline"] is True
    await third.client.disconnect()
    await until(lambda: first.told("user:disconnected") == [other.id])
    assert (await first.do("user:get", userId=other.id))["isOnline"] is False
    await visit.tab(other)
    await until(lambda: first.told("user:connected") == [other.id])
    assert unasked.told("user:disconnected") == unasked.told("user:connected") == []


async def test_many_events_at_once(server: ServerProcess) -> None:
    """More events than connections with the database: they wait, and none fails."""
    async with visiting(server) as visit:
        tab = await visit.tab(await visit.user())
        channel = await general(tab)
        ids: list[str] = []

        async def send(number: int) -> None:
            sent = await tab.do("message:send", channelId=channel, content=f"{number}")
            ids.append(sent["id"])

        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(send, number)
        assert len(set(ids)) == 60


@pytest.mark.parametrize("transport", ["polling", "websocket"])
@mainly_on("postgres")
async def test_on_one_transport(visit: Visit, transport: str) -> None:
    user = await visit.user()
    tab = await visit.tab(user, transports=[transport])
    other = await visit.tab(user, transports=[transport])
    sent = await tab.do("message:send", channelId=await general(tab), content="hello")
    await until(lambda: [each["id"] for each in other.told("message:sent")] == [sent["id"]])
