// Many clients of several workers: who gets what, and whom the end of a worker disturbs.
//
// Options: clients, transports, upgrade; ports, of servers that get the requests in turn. Commands: talk {rounds, shouts}, watch {pid}, count, finish.

import { Agent } from "node:http";
import { io } from "socket.io-client";
import { command, options, report, scenario, url } from "../harness.mjs";

const ACK_TIMEOUT = 10_000;

// Every connection goes to the next server, and no connection serves two requests.
class Alternating extends Agent {
  next = 0;

  createConnection(to, done) {
    const port = options.ports[this.next++ % options.ports.length];
    return super.createConnection({ ...to, port }, done);
  }
}
const agent = options.ports && new Alternating({ keepAlive: false });

class Client {
  constructor(number) {
    this.number = number;
    this.pid = null;
    this.heard = [];
    this.events = [];
    this.socket = io(url, {
      forceNew: true,
      transports: options.transports,
      upgrade: options.upgrade ?? true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      ...(agent && { agent }),
      auth: { number },
    });
    this.socket.on("connect_error", (error) => this.events.push(`connect_error: ${error.message}`));
    this.socket.on("disconnect", (reason) => this.events.push(`disconnect: ${reason}`));
    this.socket.on("heard", (number) => this.heard.push(number));
    this.socket.on("connect", () => {
      this.socket.io.engine.on("upgradeError", (error) =>
        this.events.push(`upgradeError: ${error.message}`),
      );
    });
  }

  async connected() {
    while (!this.socket.connected) await tick();
    this.pid = await this.socket.timeout(ACK_TIMEOUT).emitWithAck("pid");
  }

  async echo(value) {
    try {
      return (await this.socket.timeout(ACK_TIMEOUT).emitWithAck("echo", value)) === value;
    } catch {
      return false;
    }
  }

  get transport() {
    return this.socket.io.engine?.transport?.name;
  }
}

function tick() {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

function count(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function events(clients) {
  return count(clients.flatMap((client) => client.events));
}

await scenario(async () => {
  // A few at a time: a worker that is awake takes all that wait.
  const clients = [];
  while (clients.length < options.clients) {
    const few = Array.from({ length: 4 }, (_, index) => new Client(clients.length + index));
    clients.push(...few);
    await Promise.all(few.map((client) => client.connected()));
  }
  report("connected", { pids: count(clients.map((client) => client.pid)), events: events(clients) });

  const commands = {
    // Every client emits in every round; some have all the others told.
    async talk({ rounds, shouts }) {
      let failed = 0;
      const said = [];
      for (const client of clients) client.heard = [];
      for (let round = 0; round < rounds; round++) {
        const speakers = clients.filter((_, index) => index % Math.ceil(clients.length / shouts) === 0);
        const answers = await Promise.all([
          ...clients.map((client) => client.echo(`${client.number}/${round}`)),
          ...speakers.map(async (client) => {
            const number = `${client.number}:${round}`;
            said.push(number);
            await client.socket.timeout(ACK_TIMEOUT).emitWithAck("shout", number);
            return true;
          }),
        ]);
        failed += answers.filter((answer) => !answer).length;
      }
      const deadline = Date.now() + 5000;
      while (Date.now() < deadline && clients.some((client) => client.heard.length < said.length)) {
        await tick();
      }
      let missing = 0, doubled = 0, disordered = 0;
      for (const { heard } of clients) {
        const counts = count(heard);
        missing += said.filter((number) => counts[number] === undefined).length;
        doubled += Object.values(counts).filter((times) => times > 1).length;
        const last = {};
        for (const number of heard) {
          const [speaker, round] = number.split(":").map(Number);
          if (round < (last[speaker] ?? -1)) disordered++;
          last[speaker] = round;
        }
      }
      report("talked", {
        failed, missing, doubled, disordered,
        said: said.length,
        events: events(clients),
        transports: count(clients.map((client) => client.transport)),
        pids: count(clients.map((client) => client.pid)),
      });
    },
    async count() {
      const counters = {};
      const all = await clients[0].socket.timeout(ACK_TIMEOUT).emitWithAck("counters");
      for (const [name, value] of all.flatMap(Object.entries)) {
        counters[name] = (counters[name] ?? 0) + value;
      }
      report("counted", { counters });
    },
    // A worker is about to end: its clients are back when all are connected, with another worker.
    async watch({ pid }) {
      const affected = clients.filter((client) => client.pid === pid);
      const others = clients.filter((client) => client.pid !== pid);
      for (const client of clients) client.events = [];
      report("watching", { affected: affected.length });
      const gone = () => affected.every((client) => client.events.length > 0);
      while (!gone()) await tick();
      const began = Date.now();
      const answers = Promise.all(others.map((client) => client.echo("meanwhile")));
      await Promise.all(affected.map((client) => client.connected()));
      const back = Date.now() - began;
      report("back", {
        back,
        failedOfOthers: (await answers).filter((answer) => !answer).length,
        events: events(affected),
        eventsOfOthers: events(others),
        pids: count(clients.map((client) => client.pid)),
      });
    },
  };
  for (;;) {
    const item = await Promise.race(
      ["talk", "watch", "count", "finish"].map((name) => waitFor(name)),
    );
    if (item.command === "finish") break;
    await commands[item.command](item);
  }
  for (const client of clients) client.socket.disconnect();
});

function waitFor(name) {
  waitFor.pending ??= {};
  waitFor.pending[name] ??= command(name).then((item) => {
    delete waitFor.pending[name];
    return item;
  });
  return waitFor.pending[name];
}
