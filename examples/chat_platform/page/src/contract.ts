// Events of Chat platform 1.0.0, written by socketio-asgi. Do not change this file by hand.
//
//   import { io, type Socket } from "socket.io-client";
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();

export interface AckMessage {
  channelId: string;
  messageId: string;
}

export interface ChannelPage {
  /** @default "OK" */
  status: "OK";
  data: ChannelView[];
  hasMore: boolean;
}

/** A channel, as one user sees it. */
export interface ChannelView {
  id: string;
  /** Null in private channels. */
  name: string | null;
  type: "public" | "private";
  /** The others in a private channel. */
  users: string[];
  userCount: number;
  unreadCount: number;
}

export interface CreateChannel {
  name: string;
}

export interface Done {
  /** @default "OK" */
  status: "OK";
}

/** One problem of a value, as clients are told of it. */
export interface ErrorDetail {
  loc: (string | number)[];
  type: string;
  msg: string;
}

/** The answer to an event that could not be done. */
export interface Failure {
  status: "ERROR";
  errors?: ErrorDetail[];
}

export interface FoundChannels {
  /** @default "OK" */
  status: "OK";
  data: ChannelView[];
}

export interface FoundUsers {
  /** @default "OK" */
  status: "OK";
  data: UserView[];
}

export interface GetUser {
  userId: string;
}

export interface JoinChannel {
  channelId: string;
}

export interface ListChannels {
  /** @default 10 */
  size?: number;
  /** @default "name:asc" */
  orderBy?: "name:asc";
}

export interface ListMessages {
  channelId: string;
  /** Where the last page ended. */
  after?: string | null;
  /** @default 10 */
  size?: number;
  /** @default "id:asc" */
  orderBy?: "id:asc" | "id:desc";
}

export interface MessagePage {
  /** @default "OK" */
  status: "OK";
  data: MessageView[];
  hasMore: boolean;
}

export interface MessageSent {
  /** @default "OK" */
  status: "OK";
  data: Sent;
}

export interface MessageView {
  id: string;
  channelId: string;
  from: string;
  content: string;
}

export interface OneChannel {
  /** @default "OK" */
  status: "OK";
  data: ChannelView;
}

export interface OneUser {
  /** @default "OK" */
  status: "OK";
  data: UserState;
}

export interface ReachUser {
  userIds: string[];
}

export interface Search {
  /**
   * The beginning of a name, in any case.
   * @default ""
   */
  q?: string;
  /** @default 10 */
  size?: number;
}

export interface SendMessage {
  channelId: string;
  content: string;
  /** Made by the client; a message that is sent again keeps it. */
  clientId?: string | null;
}

export interface Sent {
  id: string;
}

export interface SetTyping {
  channelId: string;
  isTyping: boolean;
}

export interface Typing {
  userId: string;
  channelId: string;
  isTyping: boolean;
}

export interface UserState {
  id: string;
  username: string;
  isOnline: boolean;
}

export interface UserView {
  id: string;
  username: string;
}

/** What clients send in /. */
export interface ClientToServerEvents {
  /** Make a public channel, and join it. */
  "channel:create": (payload: CreateChannel, ack: (result: OneChannel | Failure) => void) => void;
  /** Join a channel. */
  "channel:join": (payload: JoinChannel, ack: (result: OneChannel | Failure) => void) => void;
  /** The channels of the user, by name; private ones, which have none, come last. */
  "channel:list": (payload: ListChannels, ack: (result: ChannelPage | Failure) => void) => void;
  /** Public channels whose name begins so, and that the user is not in. */
  "channel:search": (payload: Search, ack: (result: FoundChannels | Failure) => void) => void;
  /** Everything up to this message has been read. */
  "message:ack": (payload: AckMessage, ack: (result: Done | Failure) => void) => void;
  /** A page of the messages in a channel, in either direction. */
  "message:list": (payload: ListMessages, ack: (result: MessagePage | Failure) => void) => void;
  /** Send a message to a channel; one with a clientId that was sent before is not sent again. */
  "message:send": (payload: SendMessage, ack: (result: MessageSent | Failure) => void) => void;
  /** Tell the others that one types. The rooms of the socket know who is a member: no query. */
  "message:typing": (payload: SetTyping, ack?: (error?: Failure) => void) => void;
  /** A user, and from now on whether they come and go. */
  "user:get": (payload: GetUser, ack: (result: OneUser | Failure) => void) => void;
  /** The private channel with another user, which is made if there is none. */
  "user:reach": (payload: ReachUser, ack: (result: OneChannel | Failure) => void) => void;
  /** Users whose name begins so, and whom one has no private channel with. */
  "user:search": (payload: Search, ack: (result: FoundUsers | Failure) => void) => void;
}

/** What clients get in /. */
export interface ServerToClientEvents {
  /** The user is in a new channel, by another tab. */
  "channel:created": (value: ChannelView) => void;
  /** The user has joined a channel, in another tab. */
  "channel:joined": (value: ChannelView) => void;
  /** A message in a channel. */
  "message:sent": (value: MessageView) => void;
  /** Somebody types, or stops. */
  "message:typing": (value: Typing) => void;
  /** A user is there. */
  "user:connected": (value: string) => void;
  /** A user is gone. */
  "user:disconnected": (value: string) => void;
}
