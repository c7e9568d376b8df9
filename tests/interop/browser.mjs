// Runs a scenario inside headless Chromium:
//
//   node browser.mjs URL '{"$scenario": "/path/to/scenario.js", "$page": "http://...", ...}'
//
// The scenario is the text of one function, run in a page that has loaded socket.io.min.js:
//
//   async ({ io, url, options, report, command }) => {
//     const socket = io(url);
//     await new Promise((resolve) => socket.once("connect", resolve));
//     await report("connected", { id: socket.id });
//     return { origin: location.origin };
//   }
//
// Without "$page" the page comes from a server of its own, which makes requests to URL cross-origin.
// With it, the page of that address is opened. "$cookies" (playwright's form) are set before. A page that
// loads the client from the official CDN is given the file of the npm package, which has the same hash.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { command, options, report, scenario, url } from "./harness.mjs";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const CDN = "https://cdn.socket.io/4.8.3/socket.io.min.js";

function clientBundle(name) {
  const entry = createRequire(import.meta.url).resolve(name);
  const root = entry.slice(0, entry.lastIndexOf(name) + name.length);
  return join(root, "dist", "socket.io.min.js");
}

async function blankPage() {
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<!doctype html><title>blank</title>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}/`;
}

async function openPage(browser) {
  const context = await browser.newContext({ bypassCSP: true });
  if (options.$cookies) await context.addCookies(options.$cookies);
  await context.route(CDN, (route) =>
    route.fulfill({
      path: clientBundle("sio483"),
      headers: { "Access-Control-Allow-Origin": "*" },
    }),
  );
  const page = await context.newPage();
  page.on("console", (message) => process.stderr.write(`console: ${message.text()}\n`));
  page.on("pageerror", (error) => process.stderr.write(`page error: ${error.stack}\n`));
  await page.exposeFunction("harnessReport", report);
  await page.exposeFunction("harnessCommand", command);
  await page.goto(options.$page ?? (await blankPage()));
  await page.addScriptTag({ path: clientBundle("socket.io-client") });
  return page;
}

await scenario(async () => {
  const browser = await chromium.launch({
    executablePath: process.env.HARNESS_CHROMIUM,
    args: ARGUMENTS,
  });
  try {
    const page = await openPage(browser);
    const source = readFileSync(options.$scenario, "utf8").trim().replace(/;$/, "");
    const call = `(${source})({
      io: window.io,
      url: ${JSON.stringify(url)},
      options: ${JSON.stringify(options)},
      report: window.harnessReport,
      command: window.harnessCommand,
    })`;
    return { ...(await page.evaluate(call)), browser: browser.version() };
  } finally {
    await browser.close();
  }
});
