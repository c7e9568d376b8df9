"""The servers that are known to live."""

from __future__ import annotations

from socketio_asgi.adapters.cluster.members import MAX_GOODBYES, Members


def members() -> Members:
    return Members(lambda _: None, lambda _: None)


def test_goodbyes_of_ours_are_for_good() -> None:
    known = members()
    known.said_goodbye("ours", None)
    known.forget_goodbye("ours", "/")
    assert known.has_said_goodbye("ours", "/")
    assert known.has_said_goodbye("ours", "/chat")
    assert not known.has_said_goodbye("other", "/")


def test_goodbyes_of_official_servers_are_of_a_namespace() -> None:
    known = members()
    known.said_goodbye("official", "/chat")
    assert known.has_said_goodbye("official", "/chat")
    assert not known.has_said_goodbye("official", "/")
    known.forget_goodbye("official", "/chat")
    assert not known.has_said_goodbye("official", "/chat")


def test_goodbyes_are_bounded() -> None:
    known = members()
    for number in range(MAX_GOODBYES + 1):
        known.said_goodbye(str(number), None)
    assert not known.has_said_goodbye("0", "/")
    assert known.has_said_goodbye("1", "/")
