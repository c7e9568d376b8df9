// Adapters for the topics of clouds. The official ones are not in every registry: they are built
// from their repositories (official_package.py). Without them a class here stands in for them, over
// the official base class, with messages like those that were recorded.

import { createRequire } from "node:module";
import { PubSub } from "@google-cloud/pubsub";
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
