"""What clients send and what they get: the contract, which is exported as TypeScript.

Names are in camelCase there, and Python's here.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from socketio_asgi import Event

# -- values --------------------------------------------------------------------------------------


def without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not have the character NUL")  # which PostgreSQL cannot store
    return text


def of_64_bits(number: str) -> str:
    if int(number) >= 2**63:
        raise ValueError("must be a number of 64 bits")
    return number


Text = Annotated[str, AfterValidator(without_nul)]
Id = Annotated[UUID, Field(strict=False)]  # it comes as text
MessageId = Annotated[str, Field(pattern=r"^[0-9]{1,19}$"), AfterValidator(of_64_bits)]
"""A number, as text: those of JavaScript are exact up to 2 ** 53 alone."""
ChannelName = Annotated[Text, Field(min_length=2, max_length=32)]
Size = Annotated[int, Field(ge=1, le=100)]

# -- what clients send ---------------------------------------------------------------------------


class Payload(BaseModel):
    """The one argument of an event. Unknown fields are errors, and so is "5" for 5."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class CreateChannel(Payload):
    name: ChannelName


class JoinChannel(Payload):
    channel_id: Id


class ListChannels(Payload):
    size: Size = 10
    order_by: Literal["name:asc"] = "name:asc"


class Search(Payload):
    q: Text = Field(default="", description="The beginning of a name, in any case.")
    size: Size = 10


class GetUser(Payload):
    user_id: Id


class ReachUser(Payload):
    user_ids: Annotated[list[Id], Field(min_length=1, max_length=1)]


class SendMessage(Payload):
    channel_id: Id
    content: Annotated[Text, Field(min_length=1, max_length=5000)]
    client_id: Id | None = Field(
        default=None, description="Made by the client; a message that is sent again keeps it."
    )


class ListMessages(Payload):
    channel_id: Id
    after: MessageId | None = Field(default=None, description="Where the last page ended.")
    size: Size = 10
    order_by: Literal["id:asc", "id:desc"] = "id:asc"


class AckMessage(Payload):
    channel_id: Id
    message_id: MessageId


class SetTyping(Payload):
    channel_id: Id
    is_typing: bool


# -- what they get -------------------------------------------------------------------------------


class View(BaseModel):
    """A value of the server."""

    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))


class ChannelView(View):
    """A channel, as one user sees it."""

    id: UUID
    name: str | None = Field(description="Null in private channels.")
    type: Literal["public", "private"]
    users: list[UUID] = Field(description="The others in a private channel.")
    user_count: int
    unread_count: int


class UserView(View):
    id: UUID
    username: str


class UserState(UserView):
    is_online: bool


class MessageView(View):
    id: MessageId
    channel_id: UUID
    sender: UUID = Field(serialization_alias="from")
    content: str


class Typing(View):
    user_id: UUID
    channel_id: UUID
    is_typing: bool


class Sent(View):
    id: MessageId


# -- answers: {status: "OK", ...}; the other one is server.Failure -------------------------------


class Done(View):
    status: Literal["OK"] = "OK"


class OneChannel(Done):
    data: ChannelView


class FoundChannels(Done):
    data: list[ChannelView]


class ChannelPage(FoundChannels):
    has_more: bool


class OneUser(Done):
    data: UserState


class FoundUsers(Done):
    data: list[UserView]


class MessagePage(Done):
    data: list[MessageView]
    has_more: bool


class MessageSent(Done):
    data: Sent


# -- events of the server ------------------------------------------------------------------------

channel_created = Event(
    "channel:created", ChannelView, description="The user is in a new channel, by another tab."
)
channel_joined = Event(
    "channel:joined", ChannelView, description="The user has joined a channel, in another tab."
)
message_sent = Event("message:sent", MessageView, description="A message in a channel.")
message_typing = Event("message:typing", Typing, description="Somebody types, or stops.")
user_connected = Event("user:connected", UUID, description="A user is there.")
user_disconnected = Event("user:disconnected", UUID, description="A user is gone.")
