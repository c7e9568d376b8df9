// Clients that poll, and never come to the same worker twice in a row but by chance: each asks for the
// process that serves it several times, then one of them says something that all have to hear.
// It is started in the folder tests/interop, where the packages are.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { once, options, scenario, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const { io } = createRequire(join(process.cwd(), "package.json"))("socket.io-client");

await scenario(async () => {
  const settings = { transports: options.transports, forceNew: true, reconnection: false };
  const clients = Array.from({ length: options.count }, () => io(url, settings));
  const others = Array.from({ length: 2 }, () => io(url, { ...settings, path: "/other" }));
  const all = [...clients, ...others];
  await Promise.all(all.map((client) => once(client, "connect")));

  const processes = new Set();
  const look = async (client) => {
    const pids = new Set();
    for (let number = 0; number < 5; number += 1) pids.add(await client.emitWithAck("pid"));
    if (pids.size !== 1) throw new Error("a session was in several processes");
    processes.add([...pids][0]);
  };
  for (const client of all) await look(client);
  // Which worker takes a connection is chance, and one may have taken all of them.
  while (processes.size < 2 && clients.length < 300) {
    const client = io(url, settings);
    await once(client, "connect");
    clients.push(client);
    all.push(client);
    await look(client);
  }

  const own = others.map((client) => new Promise((done) => client.once("heard", done)));
  const heard = clients.map((client) => once(client, "heard"));
  await clients[0].emitWithAck("shout", "hello");
  await Promise.all(heard);
  // What the others hear first is their own: nothing of the first server came to them.
  await others[0].emitWithAck("shout", "hello");
  const names = await Promise.all(own);
  const adapter = await clients[0].emitWithAck("path");
  all.forEach((client) => client.disconnect());
  return { processes: processes.size, names, adapter };
});
