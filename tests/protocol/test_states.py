from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest

from socketio_asgi.protocol import EngineCodecV3, EngineCodecV4, EnginePacketType, PacketType
from socketio_asgi.protocol.states import (
    CLIENT_ACTIONS,
    CLIENT_PACKET_ACTIONS,
    SERVER_ACTIONS,
    SERVER_PACKET_ACTIONS,
    SESSION_TRANSITIONS,
    EngineAction,
    PacketAction,
    SessionInput,
    SessionState,
    SocketState,
)

EngineActions = Mapping[int, Mapping[EnginePacketType, EngineAction]]
PacketActions = Mapping[tuple[SocketState, PacketType], PacketAction]


def test_every_session_state_is_reachable() -> None:
    reached = {SessionState.OPENING}
    for _ in SessionState:
        reached |= {to for (start, _), to in SESSION_TRANSITIONS.items() if start in reached}
    assert reached == set(SessionState)


def test_nothing_leaves_closed() -> None:
    assert not [start for start, _ in SESSION_TRANSITIONS if start is SessionState.CLOSED]


def test_every_session_can_end() -> None:
    for state in set(SessionState) - {SessionState.CLOSED}:
        assert SESSION_TRANSITIONS[state, SessionInput.END] is SessionState.CLOSED


def test_a_closing_session_never_opens_again() -> None:
    ends = {to for (start, _), to in SESSION_TRANSITIONS.items() if start is SessionState.CLOSING}
    assert ends == {SessionState.CLOSED}


def test_no_transition_stays_where_it_is() -> None:
    assert all(start is not to for (start, _), to in SESSION_TRANSITIONS.items())


def test_every_session_input_is_used() -> None:
    assert {given for _, given in SESSION_TRANSITIONS} == set(SessionInput)


def test_only_an_open_session_upgrades() -> None:
    starts = {start for start, given in SESSION_TRANSITIONS if given is SessionInput.PROBE}
    assert starts == {SessionState.OPEN}


@pytest.mark.parametrize("table", [SERVER_ACTIONS, CLIENT_ACTIONS])
def test_engine_actions_cover_every_revision_and_type(table: EngineActions) -> None:
    assert set(table) == {EngineCodecV3.revision, EngineCodecV4.revision}
    for actions in table.values():
        assert set(actions) == set(EnginePacketType)
        assert set(actions.values()) <= set(EngineAction)


def column(table: EngineActions, type_: EnginePacketType) -> dict[int, EngineAction]:
    return {revision: actions[type_] for revision, actions in table.items()}


def test_the_heartbeat_has_one_direction_in_each_revision() -> None:
    pings = column(SERVER_ACTIONS, EnginePacketType.PING)
    pongs = column(SERVER_ACTIONS, EnginePacketType.PONG)
    assert pings == {3: EngineAction.ANSWER, 4: EngineAction.REFUSE}
    assert pongs == {3: EngineAction.REFUSE, 4: EngineAction.HEARTBEAT}


def test_a_client_has_the_other_direction() -> None:
    pings = column(CLIENT_ACTIONS, EnginePacketType.PING)
    pongs = column(CLIENT_ACTIONS, EnginePacketType.PONG)
    assert pings == {3: EngineAction.IGNORE, 4: EngineAction.ANSWER}
    assert pongs == {3: EngineAction.HEARTBEAT, 4: EngineAction.IGNORE}


def test_only_a_client_is_told_the_settings() -> None:
    assert set(column(CLIENT_ACTIONS, EnginePacketType.OPEN).values()) == {EngineAction.OPEN}
    assert all(EngineAction.OPEN not in actions.values() for actions in SERVER_ACTIONS.values())


@pytest.mark.parametrize("table", [SERVER_PACKET_ACTIONS, CLIENT_PACKET_ACTIONS])
def test_packet_actions_name_known_states_and_plain_types(table: PacketActions) -> None:
    plain = set(PacketType) - {PacketType.BINARY_EVENT, PacketType.BINARY_ACK}
    assert {state for state, _ in table} <= set(SocketState)
    assert {type_ for _, type_ in table} <= plain


def test_every_state_and_action_is_used() -> None:
    assert {state for state, _ in SERVER_PACKET_ACTIONS} == set(SocketState)
    used = {*SERVER_PACKET_ACTIONS.values(), *CLIENT_PACKET_ACTIONS.values()}
    assert used == set(PacketAction)


def test_only_connect_is_accepted_before_connect() -> None:
    accepted = {type_ for state, type_ in SERVER_PACKET_ACTIONS if state is SocketState.ABSENT}
    assert accepted == {PacketType.CONNECT}


def test_a_client_that_asked_for_nothing_is_sent_nothing() -> None:
    assert SocketState.ABSENT not in {state for state, _ in CLIENT_PACKET_ACTIONS}


@pytest.mark.parametrize("state", SocketState)
def test_a_server_never_takes_connect_error(state: SocketState) -> None:
    assert (state, PacketType.CONNECT_ERROR) not in SERVER_PACKET_ACTIONS


def test_a_client_may_begin_anew_in_every_state() -> None:
    """The official client says nothing when it leaves before its CONNECT was answered."""
    for state in SocketState:
        assert SERVER_PACKET_ACTIONS[state, PacketType.CONNECT] is PacketAction.CONNECT


def test_events_wait_only_where_an_earlier_answer_may_have_caused_them() -> None:
    holding = {
        item for item, action in SERVER_PACKET_ACTIONS.items() if action is PacketAction.HOLD
    }
    assert holding == {(SocketState.REJOINING, PacketType.EVENT)}


@pytest.mark.parametrize("table", [SERVER_PACKET_ACTIONS, CLIENT_PACKET_ACTIONS])
def test_handlers_and_acknowledgements_need_a_connected_socket(table: PacketActions) -> None:
    busy = {PacketAction.DISPATCH, PacketAction.ACKNOWLEDGE}
    for state, type_ in product(SocketState, PacketType):
        if table.get((state, type_)) in busy:
            assert state is SocketState.CONNECTED
