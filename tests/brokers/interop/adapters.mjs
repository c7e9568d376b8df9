// The official adapters, each by its name and options.

import { createAdapter as createRedis, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createMongo } from "@socket.io/mongo-adapter";
import { Emitter as MongoEmitter } from "@socket.io/mongo-emitter";
import { createAdapter as createStreams } from "@socket.io/redis-streams-adapter";
import { createAdapter as createPostgres } from "@socket.io/postgres-adapter";
import { Emitter as PostgresEmitter } from "@socket.io/postgres-emitter";
import { Emitter as RedisEmitter } from "@socket.io/redis-emitter";
import { Redis } from "ioredis";
import { MongoClient } from "mongodb";
import pg from "pg";
import { createClient } from "redis";
import { pubsub, serviceBus, sqs } from "./clouds.mjs";

async function nodeRedis(url) {
  const client = createClient({ url });
  client.on("error", () => {}); // it connects again by itself
  await client.connect();
  return [client, () => client.close()]; // behind what was sent
}

async function ioRedis(url) {
  const client = new Redis(url, { lazyConnect: true });
  client.on("error", () => {});
  await client.connect();
  return [client, () => client.quit()];
}

/** Open one client, or several, of the library that the options name. */
async function openRedis({ url, library }, number) {
  const open = library === "ioredis" ? ioRedis : nodeRedis;
  const opened = await Promise.all(Array.from({ length: number }, () => open(url)));
  return [opened.map(([client]) => client), () => Promise.all(opened.map(([, close]) => close()))];
}

/** Take a collection of the database that the URL names. */
async function openMongo({ url, collection }) {
  // One connection sends, which keeps the order; changes are waited for on another one.
  const clients = [new MongoClient(url, { maxPoolSize: 1 }), new MongoClient(url)];
  await Promise.all(clients.map((client) => client.connect()));
  const [sending, watching] = clients.map((client) => client.db().collection(collection));
  sending.watch = (...args) => watching.watch(...args);
  return [sending, () => Promise.all(clients.map((client) => client.close()))];
}

const ADAPTERS = {
  none: async () => [undefined, () => {}],
  redis: async ({ connection, ...options }) => {
    const [[publisher, subscriber], close] = await openRedis(connection, 2);
    return [createRedis(publisher, subscriber, options), close];
  },
  sharded: async ({ connection, ...options }) => {
    const [[publisher, subscriber], close] = await openRedis(connection, 2);
    return [createShardedAdapter(publisher, subscriber, options), close];
  },
  streams: async ({ connection, ...options }) => {
    const [[client], close] = await openRedis(connection, 1);
    return [createStreams(client, options), close];
  },
  postgres: async ({ connection, ...options }) => {
    // One connection listens, and one sends: several of them would mix up the order.
    const pool = new pg.Pool({ connectionString: connection.url, max: 2 });
    pool.on("error", () => {});
    return [createPostgres(pool, { errorHandler: () => {}, ...options }), () => pool.end()];
  },
  pubsub,
  sqs,
  serviceBus,
  mongo: async ({ connection, ...options }) => {
    const [collection, close] = await openMongo(connection);
    return [createMongo(collection, options), close];
  },
};

/**
 * Make an adapter; returns what a server takes, a function that closes the connections, and, where
 * that takes a while, one that waits until the adapters of a server can send.
 */
export function makeAdapter({ name, ...options }) {
  return ADAPTERS[name](options);
}

const EMITTERS = {
  redis: async ({ connection, ...options }) => {
    const [[client], close] = await openRedis(connection, 1);
    return [(namespace) => new RedisEmitter(client, options, namespace), close];
  },
  postgres: async ({ connection, ...options }) => {
    const pool = new pg.Pool({ connectionString: connection.url, max: 1 }); // keeps the order
    return [(namespace) => new PostgresEmitter(pool, namespace, options), () => pool.end()];
  },
  mongo: async ({ connection, ...options }) => {
    const [collection, close] = await openMongo(connection);
    return [(namespace) => new MongoEmitter(collection, namespace, options), close];
  },
};

/** Make what makes the emitter of a namespace; returns it, and a function that ends it. */
export function makeEmitter({ name, ...options }) {
  return EMITTERS[name](options);
}
