// Three people meet in a room with two places: npm start http://localhost:8000
import { connect, enter, say } from "./client.js";

declare const process: { argv: string[] };

const url = process.argv[2] ?? "http://localhost:8000";
const [ann, ben, eve] = [connect(url), connect(url), connect(url)];

const results = {
  outside: await say(ann, "Is anybody here?"),
  ann: await enter(ann, "lobby", "Ann"),
  ben: await enter(ben, "lobby", "Ben"),
  eve: await enter(eve, "lobby", "Eve"),
  heard: await say(ben, "Hello"),
  cleared: await ann.emitWithAck("clear"),
};
console.log(JSON.stringify({ ok: true, ...results }));
for (const chat of [ann, ben, eve]) chat.disconnect();
