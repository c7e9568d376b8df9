// The official client on Node: node node.mjs URL SITUATION CLIENTS SECONDS

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { io } from "socket.io-client";

const DATA = { text: "some words of a chat message", number: 42, list: [1, 2, 3] };
const STORM = 50;
const AT_A_TIME = 50;

const [url, situation, count, seconds] = process.argv.slice(2);

function pss() {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  return Number(/^Pss:\s+(\d+)/m.exec(text)[1]);
}

function connect() {
  const socket = io(url, { transports: ["websocket"], forceNew: true });
  return new Promise((resolve) => socket.once("connect", () => resolve(socket)));
}

async function echo(socket) {
  const answer = await socket.emitWithAck("echo", DATA);
  if (!isDeepStrictEqual(answer, DATA)) {
    throw new Error("a wrong answer");
  }
  return 1;
}

function storm(socket) {
  return new Promise((resolve) => {
    let left = STORM;
    socket.removeAllListeners("news");
    socket.on("news", () => {
      left -= 1;
      if (!left) {
        resolve(STORM);
      }
    });
    socket.emit("storm", STORM, DATA);
  });
}

async function measure(work, sockets, length) {
  const end = Date.now() + length * 1000;
  const begun = process.cpuUsage();
  const counts = await Promise.all(
    sockets.map(async (socket) => {
      let done = 0;
      while (Date.now() < end) {
        done += await work(socket);
      }
      return done;
    }),
  );
  const used = process.cpuUsage(begun);
  return (used.user + used.system) / counts.reduce((sum, each) => sum + each, 0);
}

await connect();
global.gc?.();
const before = pss();
const sockets = [];
while (sockets.length < Number(count)) {
  const size = Math.min(AT_A_TIME, Number(count) - sockets.length);
  sockets.push(...(await Promise.all(Array.from({ length: size }, connect))));
}
const result = {};
if (situation === "idle") {
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  global.gc?.();
  result.kib = (pss() - before) / sockets.length;
} else {
  const work = situation === "echo" ? echo : storm;
  await measure(work, sockets, 1);
  result.us = await measure(work, sockets, Number(seconds));
}
console.log(JSON.stringify(result));
process.exit(0);
