// A small Service Bus for tests: node emulator.mjs AMQP_PORT HTTP_PORT [SEED]
//
// It speaks AMQP 1.0 as Azure Service Bus does (links to topics and subscriptions, tokens by $cbs,
// peek-lock with outcomes, batches), and the part of its administration over HTTP that makes and
// deletes topics and subscriptions. Everything is in memory. With a seed it does what at-least-once
// delivery may do: messages come twice, and in another order.
//
// Microsoft's emulator runs in Docker alone; see docs/cluster for what was tested against which.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import rhea from "rhea";

const [amqpPort, httpPort, seed] = process.argv.slice(2);
const HOST = "127.0.0.1";
const TWICE = 0.3; // the share of messages that come twice
const WINDOW = 5; // messages that change places with one another
const HELD_MS = 50; // the time after which fewer of them are sent as well
const BATCH_FORMAT = 0x80013700;
const LOCK_MS = 60_000;

const topics = new Map(); // by name: subscriptions by name

/** Numbers between 0 and 1, the same for a seed each time. */
function* randomNumbers() {
  for (let turn = 0; ; turn++)
    yield createHash("sha256").update(`${seed}-${turn}`).digest().readUInt32BE() / 2 ** 32;
}
const numbers = randomNumbers();
const random = () => numbers.next().value;

class Subscription {
  waiting = [];
  held = [];
  links = new Set();
  sequence = 0;

  add(message) {
    const numbered = { ...message, sequence: ++this.sequence };
    if (seed === undefined) {
      this.waiting.push(numbered);
      return this.flush();
    }
    this.held.push(numbered);
    if (random() < TWICE) this.held.push(numbered);
    clearTimeout(this.timer);
    if (this.held.length >= WINDOW) this.release();
    else this.timer = setTimeout(() => this.release(), HELD_MS);
  }

  release() {
    const order = this.held.map((message) => [random(), message]).sort(([a], [b]) => a - b);
    this.waiting.push(...order.map(([, message]) => message));
    this.held = [];
    this.flush();
  }

  flush() {
    for (const link of this.links)
      while (this.waiting.length && link.sendable()) this.send(link, this.waiting.shift());
  }

  send(link, message) {
    const annotations = {
      "x-opt-sequence-number": rhea.types.wrap_long(message.sequence),
      "x-opt-enqueued-time": new Date(),
      "x-opt-locked-until": new Date(Date.now() + LOCK_MS),
    };
    const { sequence, ...rest } = message;
    const tag = randomBytes(16); // a lock token
    const delivery = link.send({ ...rest, message_annotations: annotations }, tag);
    link.unsettled.set(delivery.id, message);
  }

  /** A link has ended: what it has not settled is sent again. */
  drop(link) {
    this.links.delete(link);
    this.waiting.unshift(...link.unsettled.values());
    this.flush();
  }
}

const nameOf = (address) => (address || "").replace(/^amqps?:\/\/[^/]+\//, "").toLowerCase();

function subscriptionOf(address) {
  const [topic, subscription] = nameOf(address).split("/subscriptions/");
  return topics.get(topic)?.get(subscription);
}

// -- AMQP ---------------------------------------------------------------------------------------

const container = rhea.create_container({ id: "small-service-bus", autosettle: false });
container.sasl_server_mechanisms.enable_anonymous();
container.sasl_server_mechanisms.MSSBCBS = container.sasl_server_mechanisms.ANONYMOUS;

// The other side receives.
container.on("sender_open", ({ sender, connection }) => {
  const { address } = sender.source;
  const target = sender.target?.address;
  sender.set_source({ address });
  sender.set_target({ address: target });
  sender.unsettled = new Map();
  if (address === "$cbs") {
    connection.tokenLink = sender;
    return;
  }
  const subscription = subscriptionOf(address);
  if (!subscription) return refuse(sender, address);
  sender.subscription = subscription;
  subscription.links.add(sender);
});

container.on("receiver_open", ({ receiver }) => {
  const address = receiver.target?.address;
  receiver.set_target({ address });
  receiver.set_source({ address: receiver.source?.address });
  if (address !== "$cbs" && !topics.has(nameOf(address))) refuse(receiver, address);
});

function refuse(link, address) {
  const description = `the messaging entity '${address}' could not be found`;
  link.close({ condition: "amqp:not-found", description });
}

container.on("sendable", ({ sender }) => sender.subscription?.flush());
container.on("sender_close", ({ sender }) => sender.subscription?.drop(sender));
container.on("disconnected", ({ connection }) => {
  for (const subscriptions of topics.values())
    for (const subscription of subscriptions.values())
      for (const link of [...subscription.links])
        if (link.connection === connection) subscription.drop(link);
});

container.on("message", ({ receiver, message, delivery, connection, format }) => {
  const { address } = receiver.target;
  if (address === "$cbs") {
    return connection.tokenLink.send({
      to: message.reply_to,
      correlation_id: message.message_id,
      application_properties: { "status-code": 202, "status-description": "Accepted" },
      body: "",
    });
  }
  const subscriptions = topics.get(nameOf(address));
  if (!subscriptions) return delivery.reject({ condition: "amqp:not-found" });
  const messages = format === BATCH_FORMAT ? unbatched(message) : [message];
  for (const each of messages) {
    each.message_id ??= randomUUID(); // the official client cannot settle messages without one
    for (const subscription of subscriptions.values()) subscription.add(each);
  }
});

/** The messages of a batch: each is a section of its body. */
function unbatched(batch) {
  const { content, multiple } = rhea.message.decode(batch).body;
  return (multiple ? content : [content]).map((section) => rhea.message.decode(section));
}

for (const outcome of ["accepted", "released", "rejected", "modified"])
  container.on(outcome, ({ sender, delivery }) => {
    if (!sender?.subscription) return;
    const message = sender.unsettled.get(delivery.id);
    sender.unsettled.delete(delivery.id);
    if (outcome !== "accepted" && message) sender.subscription.waiting.unshift(message);
    // The client waits for the answer.
    if (!delivery.settled) delivery.update(true, rhea.message[outcome]().described());
    sender.subscription.flush();
  });

for (const event of ["connection_error", "session_error", "sender_error", "receiver_error", "error"])
  container.on(event, () => {}); // of clients that are gone

// -- administration -----------------------------------------------------------------------------

const ATOM = "http://www.w3.org/2005/Atom";
const BUS = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect";

function entry(name, description) {
  const named = description.replace(/^<(\w+)/, `<$1 xmlns="${BUS}"`);
  const content = `<content type="application/xml">${named}</content>`;
  return `<entry xmlns="${ATOM}"><title>${name}</title>${content}</entry>`;
}

function failed(status, detail) {
  return [status, `<Error><Code>${status}</Code><Detail>${detail}</Detail></Error>`];
}

function administer({ method, url }, body) {
  const path = decodeURIComponent(new URL(url, "http://localhost").pathname).toLowerCase();
  const [topic, subscription] = path.slice(1).split("/subscriptions/");
  const subscriptions = topics.get(topic);
  const [parent, name] = subscription ? [subscriptions, subscription] : [topics, topic];
  if (!parent) return failed(404, "the topic could not be found");
  const found = parent.get(name);
  if (method === "GET" && path === "/") return [200, JSON.stringify(listed())];
  if (method === "PUT" && found) return failed(409, "it exists already");
  if (method === "PUT") {
    const made = subscription ? new Subscription() : new Map();
    [, made.content] = /<(?:\w+:)?content[^>]*>([\s\S]*)<\/(?:\w+:)?content>/.exec(body);
    parent.set(name, made);
    return [201, entry(name, made.content)];
  }
  if (!found) return failed(404, "it could not be found");
  if (method === "GET") return [200, entry(name, found.content)];
  parent.delete(name);
  for (const link of found.links ?? []) refuse(link, name);
  return [200, ""];
}

/** All topics, with the settings of their subscriptions. */
function listed() {
  const named = [...topics].map(([topic, subscriptions]) => {
    const settings = [...subscriptions].map(([name, { content }]) => [name, content]);
    return [topic, Object.fromEntries(settings)];
  });
  return Object.fromEntries(named);
}

const administration = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const [status, text] = administer(request, Buffer.concat(parts).toString());
  response.writeHead(status, { "content-type": "application/atom+xml;charset=utf-8" }).end(text);
});

administration.listen(+httpPort, HOST, () => {
  container.listen({ port: +amqpPort, host: HOST }).on("listening", () => console.log("ready"));
});
