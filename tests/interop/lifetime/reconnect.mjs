// Clients whose server ends and comes back: they return by themselves and bring what they kept.

import { ask, Client, connected, MODES } from "../cases.mjs";
import { command, once, report, scenario } from "../harness.mjs";
import { OldClient, oldConnected } from "../v2/client.mjs";

const RECONNECT = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 400 };

class Survivor {
  constructor(name, client, wait) {
    this.name = name;
    this.socket = client.open("/", RECONNECT);
    this.heard = [];
    this.socket.on("echo", (text) => this.heard.push(text));
    this.ready = wait(this.socket).then(() => client.upgraded(this.socket));
  }

  /** Why the connection ended; what is sent meanwhile is kept. */
  async lose(round) {
    const [reason] = await once(this.socket, "disconnect", 15_000);
    this.heard = [];
    for (const index of [1, 2, 3]) this.socket.emit("echo", `kept ${round} ${index}`);
    this.answered = ask(this.socket, "echo", `asked ${round}`);
    this.back = once(this.socket, "connect", 30_000);
    return reason;
  }

  async recover() {
    await this.back;
    await this.answered;
    return this.heard;
  }
}

function survivors() {
  return Object.keys(MODES).flatMap((mode) => [
    new Survivor(mode, new Client(mode), connected),
    new Survivor(`${mode} 2.x`, new OldClient(mode), oldConnected),
  ]);
}

async function each(all, act) {
  return Object.fromEntries(await Promise.all(all.map(async (one) => [one.name, await act(one)])));
}

await scenario(async () => {
  const all = survivors();
  await Promise.all(all.map(({ ready }) => ready));
  for (const round of ["kill", "stop"]) {
    const lost = each(all, (one) => one.lose(round));
    // A client that is between two polls when the server ends is told nothing.
    await ask(all.find(({ name }) => name === "websocket").socket, "all reachable");
    report("connected");
    report("disconnected", { reasons: await lost });
    await command("restarted");
    report("reconnected", { heard: await each(all, (one) => one.recover()) });
    await command("next");
  }
});
