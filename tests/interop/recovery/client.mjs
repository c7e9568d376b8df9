// Runs scenario.js in Node, as ../browser.mjs runs it in a page.

import { readFileSync } from "node:fs";
import { io } from "socket.io-client";
import { options, scenario, url } from "../harness.mjs";

const source = readFileSync(new URL("scenario.js", import.meta.url), "utf8");
await scenario(() => (0, eval)(source)({ io, url, options }));
