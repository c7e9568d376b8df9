// The page with the table of sizes, and its parser in Node.js.
import { io } from "socket.io-client";
import { once, options, scenario, url } from "../harness.mjs";
import { withPages } from "./pages.mjs";

const { schemaParser } = await import(options.parser);
const { Encoder, Decoder } = schemaParser(options.schema);

/** What the parser in JavaScript makes of packets, and of the messages that the one in Python has made. */
function translate({ packet, message }) {
  const decoder = new Decoder();
  const decoded = [];
  decoder.on("decoded", (item) => decoded.push(item));
  decoder.add(message);
  return { encoded: new Encoder().encode(packet)[0], decoded: decoded[0] };
}

/** What becomes of a client that sends something else. */
async function endOf(message) {
  const socket = io(url, { path: "/schema", parser: schemaParser(options.schema), forceNew: true, reconnection: false });
  await once(socket, "connect");
  const end = once(socket, "disconnect");
  socket.io.engine.write(message);
  return (await end)[0];
}

await scenario(() =>
  withPages(async (open) => {
    const page = await open("/", { viewport: { width: 360, height: 640 } });
    await page.getByText("9 of 9").waitFor();
    const rows = await page.locator("tbody tr").evaluateAll((all) =>
      all.map(({ cells }) => [...cells].map(({ textContent }) => textContent)),
    );
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    const bad = [Uint8Array.of(9, 0, 0, 0, 0, 1, 47), Uint8Array.of(0, 0, 0, 0, 0, 1, 47, 255), "[]"];
    return { rows, width, translated: options.packets.map(translate), ends: await Promise.all(bad.map(endOf)) };
  }),
);
