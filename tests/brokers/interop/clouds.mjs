// Adapters for the topics of clouds. The official ones are not in every registry: they are built
// from their repositories (official_package.py). Without them a class here stands in for them, over
// the official base class, with messages like those that were recorded.

import { createRequire } from "node:module";
import { decode, encode } from "@msgpack/msgpack";
import { ClusterAdapterWithHeartbeat } from "socket.io-adapter";

const require = createRequire(import.meta.url);
process.env.METADATA_SERVER_DETECTION = "none"; // the client would look for a Google Cloud around

/** Make what makes adapters: publish(attributes, body) sends, and subscribe(receive) listens. */
function standIn({ publish, subscribe, unsubscribe }, options) {
  const adapters = new Map();
  const subscribed = subscribe(({ attributes, body }) =>
    adapters.get(attributes.nsp)?.receive(attributes, body),
  );

  class CloudAdapter extends ClusterAdapterWithHeartbeat {
    get attributes() {
      return { nsp: this.nsp.name, uid: this.uid };
    }

    async init() {
      await subscribed;
      super.init();
    }

    async close() {
      super.close();
      adapters.delete(this.nsp.name);
      if (adapters.size === 0) await unsubscribe();
    }

    async doPublish(message) {
      await publish(this.attributes, encode(message));
    }

    async doPublishResponse(requesterUid, response) {
      await publish({ ...this.attributes, requesterUid }, encode(response));
    }

    receive({ uid, requesterUid }, body) {
      if (uid === this.uid || ![undefined, this.uid].includes(requesterUid)) return;
      if (requesterUid) this.onResponse(decode(body));
      else this.onMessage(decode(body));
    }
  }

  // The server calls it with "new".
  return function (namespace) {
    const adapter = new CloudAdapter(namespace, options);
    adapters.set(namespace.name, adapter);
    return adapter;
  };
}

/** Google Cloud Pub/Sub: the host of an emulator, and the names of a project and a topic. */
export async function pubsub({ bundle, host, project, topic, ...options }) {
  const { PubSub } = await import("@google-cloud/pubsub"); // by far the largest of all packages
  const client = new PubSub({ projectId: project, apiEndpoint: host, emulatorMode: true });
  const [made] = await client.topic(topic).get({ autoCreate: true });
  const close = async () => {
    await made.flush(); // adapters do not wait for their goodbye
    await client.close();
  };
  if (bundle) return [require(bundle).createAdapter(made, options), close];
  const name = `socket.io-${Math.random().toString(16).slice(2)}`;
  const broker = {
    publish: (attributes, body) => made.publishMessage({ data: Buffer.from(body), attributes }),
    async subscribe(receive) {
      const [subscription] = await made.createSubscription(name);
      subscription.on("error", () => {}); // it is deleted under its stream in the end
      subscription.on("message", (message) => {
        receive({ attributes: message.attributes, body: message.data });
        message.ack();
      });
    },
    unsubscribe: () => made.subscription(name).delete(),
  };
  return [standIn(broker, options), close];
}

/** SNS and SQS of AWS: the URL of something that speaks like it, and what clients need. */
export async function sqs({ bundle, endpoint, region, topicName, queuePrefix, ...options }) {
  const { SNS } = await import("@aws-sdk/client-sns");
  const { SQS } = await import("@aws-sdk/client-sqs");
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sns = new SNS({ endpoint, region, credentials });
  // One request after another, or messages would change places; answers may.
  const send = sns.send.bind(sns);
  let last = Promise.resolve();
  sns.send = (command) => {
    if (command.input.MessageAttributes?.requesterUid) return send(command);
    return (last = last.catch(() => {}).then(() => send(command)));
  };
  const queues = new SQS({ endpoint, region, credentials });
  const names = { topicName, queuePrefix };
  const close = async () => {
    await last.catch(() => {}); // adapters do not wait for their goodbye
    sns.destroy();
    queues.destroy();
  };
  if (!bundle) {
    const queue = new Queue(sns, queues, names);
    return [standIn(queue, options), close, () => queue.made];
  }
  const create = require(bundle).createAdapter(sns, queues, { ...names, ...options });
  const started = [];
  function make(namespace) {
    const adapter = create(namespace);
    const { init } = adapter;
    adapter.init = () => started[started.push(init()) - 1];
    return adapter;
  }
  return [make, close, () => Promise.all(started)]; // it sends nothing before that
}

/** A queue at a topic, for one server. */
class Queue {
  publish = async (attributes, body) => {
    const { type, data } = decode(body);
    const MessageAttributes = {};
    for (const [name, StringValue] of Object.entries(attributes))
      MessageAttributes[name] = { DataType: "String", StringValue };
    if (data) MessageAttributes.data = { DataType: "Binary", BinaryValue: encode(data) };
    const { topic: TopicArn } = await this.made;
    await this.sns.publish({ TopicArn, Message: String(type), MessageAttributes });
  };

  subscribe = async (receive) => {
    const { url } = await this.made;
    this.poll(url, receive);
  };

  unsubscribe = async () => {
    this.closed = true;
    const { url: QueueUrl, subscription: SubscriptionArn } = await this.made;
    await this.sns.unsubscribe({ SubscriptionArn });
    await this.queues.deleteQueue({ QueueUrl });
  };

  constructor(sns, queues, { topicName, queuePrefix }) {
    Object.assign(this, { sns, queues, closed: false });
    this.made = this.make(topicName, `${queuePrefix}-${Math.random().toString(16).slice(2)}`);
  }

  async make(Name, QueueName) {
    const { TopicArn } = await this.sns.createTopic({ Name });
    const { QueueUrl } = await this.queues.createQueue({ QueueName });
    const wanted = { QueueUrl, AttributeNames: ["QueueArn"] };
    const { Attributes } = await this.queues.getQueueAttributes(wanted);
    const { SubscriptionArn } = await this.sns.subscribe({
      TopicArn,
      Protocol: "sqs",
      Endpoint: Attributes.QueueArn,
      Attributes: { RawMessageDelivery: "true" },
    });
    return { topic: TopicArn, url: QueueUrl, subscription: SubscriptionArn };
  }

  async poll(QueueUrl, receive) {
    const wanted = { MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageAttributeNames: ["All"] };
    while (!this.closed) {
      const { Messages = [] } = await this.queues
        .receiveMessage({ QueueUrl, ...wanted })
        .catch(() => ({}));
      for (const message of Messages) this.take(message, receive);
      if (Messages.length === 0) continue;
      const Entries = Messages.map(({ MessageId: Id, ReceiptHandle }) => ({ Id, ReceiptHandle }));
      await this.queues.deleteMessageBatch({ QueueUrl, Entries }).catch(() => {});
    }
  }

  take({ Body, MessageAttributes }, receive) {
    const { nsp, uid, requesterUid, data } = MessageAttributes;
    const attributes = { nsp: nsp?.StringValue, uid: uid?.StringValue };
    if (requesterUid) attributes.requesterUid = requesterUid.StringValue;
    const message = { type: parseInt(Body, 10), nsp: attributes.nsp, uid: attributes.uid };
    if (data) message.data = decode(data.BinaryValue);
    receive({ attributes, body: encode(message) });
  }
}

/** The administration of the small Service Bus, which official clients ask over TLS alone. */
class Administration {
  constructor(url) {
    this.url = url;
  }

  async ask(method, path, name) {
    const body = `<entry><content><${name}Description /></content></entry>`;
    const answer = await fetch(`${this.url}/${path}`, { method, ...(name && { body }) });
    if (!answer.ok && answer.status !== 409) throw new Error(`${answer.status} for ${path}`);
  }

  getTopic(topic) {
    return this.ask("GET", topic);
  }

  createTopic(topic) {
    return this.ask("PUT", topic, "Topic");
  }

  createSubscription(topic, name) {
    return this.ask("PUT", `${topic}/subscriptions/${name}`, "Subscription");
  }

  deleteSubscription(topic, name) {
    return this.ask("DELETE", `${topic}/subscriptions/${name}`);
  }
}

/** Azure Service Bus: a connection string, where it is administered, and the name of a topic. */
export async function serviceBus({ bundle, connection, administration, topicName, ...options }) {
  const { ServiceBusClient } = await import("@azure/service-bus");
  const client = new ServiceBusClient(connection);
  const admin = new Administration(administration);
  await admin.createTopic(topicName);
  const close = () => client.close();
  if (bundle) {
    const { createAdapter } = require(bundle);
    return [createAdapter(client, admin, { topicName, ...options }), close];
  }
  const name = `socket.io-${Math.random().toString(16).slice(2)}`;
  const sender = client.createSender(topicName);
  const receiver = client.createReceiver(topicName, name);
  const broker = {
    publish: (applicationProperties, body) => sender.sendMessages({ body, applicationProperties }),
    async subscribe(receive) {
      await admin.createSubscription(topicName, name);
      receiver.subscribe({
        async processMessage({ applicationProperties, body }) {
          receive({ attributes: applicationProperties, body });
        },
        async processError() {}, // it connects again
      });
    },
    async unsubscribe() {
      await receiver.close();
      await admin.deleteSubscription(topicName, name);
    },
  };
  return [standIn(broker, options), close];
}
