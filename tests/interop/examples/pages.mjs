// Pages of an example in Chromium, each of them with a browser context of its own:
//
//   await scenario(() =>
//     withPages(async (open) => {
//       const ann = await open();
//       await ann.getByText("connected").waitFor();
//     }),
//   );
//
// A page that complains on its console fails the scenario.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { url } from "../harness.mjs";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const CLIENT = fileURLToPath(new URL("../node_modules/sio483/dist/", import.meta.url));
// Chromium tells of every attempt to reach a server that is down, and of upgrades that are given up.
const EXPECTED = /ERR_CONNECTION|closed before the connection is established|\b50[234]\b/;

/** Serve the client that pages load from the official CDN. */
async function serveClient(context) {
  await context.route("https://cdn.socket.io/**", (route) => {
    const path = CLIENT + new URL(route.request().url()).pathname.split("/").pop();
    const headers = { "Access-Control-Allow-Origin": "*" };
    return existsSync(path) ? route.fulfill({ path, headers }) : route.abort();
  });
}

export async function withPages(run) {
  const browser = await chromium.launch({
    executablePath: process.env.HARNESS_CHROMIUM,
    args: ARGUMENTS,
  });
  const problems = [];
  const open = async (path = "/", device = {}) => {
    const context = await browser.newContext(device);
    await serveClient(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => problems.push(error.stack));
    page.on("console", (message) => {
      const serious = ["error", "warning"].includes(message.type());
      if (serious && !EXPECTED.test(message.text())) problems.push(message.text());
    });
    await page.goto(new URL(path, url).href);
    return page;
  };
  try {
    const result = await run(open);
    if (problems.length > 0) throw new Error(problems.join("\n"));
    return result;
  } finally {
    await browser.close();
  }
}
