// People with browsers, and bots without one, on the chat platform. The scripts that import this are started
// in the folder tests/interop, where the packages are.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const { command, options, report, scenario, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const { io } = require("socket.io-client");
export const AXE = require.resolve("axe-core/axe.min.js");

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// Chromium reports every attempt to reach a server that is down, every request that is refused (nobody is logged
// in yet), and upgrades that are given up.
const EXPECTED = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_FAILED|status of (400|401|502)|WebSocket connection to/;
const TIMEOUT = 30_000; // milliseconds for each thing that is waited for
export const PASSWORD = "correct horse";
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
export const DESKTOP = { viewport: { width: 1100, height: 700 } };

const problems = []; // what the pages complained about
let browser;

/** A tab of somebody. */
export class Tab {
  constructor(page, device) {
    this.page = page;
    this.device = device;
    page.setDefaultTimeout(TIMEOUT);
    page.on("pageerror", (error) => problems.push(error.stack));
    page.on("console", (message) => {
      if (EXPECTED.test(message.text())) return;
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
  }

  static async open(device = DESKTOP) {
    const context = await browser.newContext(device);
    const tab = new this(await context.newPage(), device);
    await tab.page.goto(url);
    return tab;
  }

  static async signUp(name, device = DESKTOP) {
    const tab = await this.open(device);
    await tab.page.getByRole("button", { name: "Sign up" }).click();
    await tab.fillIn(name, PASSWORD, "Sign up");
    await tab.page.getByRole("link", { name: "General" }).waitFor();
    return tab;
  }

  /** Another tab of the same browser. */
  async another() {
    const tab = new Tab(await this.page.context().newPage(), this.device);
    await tab.page.goto(url);
    return tab;
  }

  /**
   * Look at the WebSockets of this tab: those messages of the server that `passes` resolves to false for are lost,
   * and while it has not resolved, others overtake them. `done` resolves when one has taken over from polling, to
   * both of its sides.
   */
  async watchWebSockets({ onMessage = () => undefined, passes = () => true } = {}) {
    let upgraded;
    const done = new Promise((resolve) => (upgraded = resolve));
    await this.page.routeWebSocket(/socket\.io/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        onMessage(String(message));
        server.send(message);
        if (message === "5") upgraded({ socket, server });
      });
      server.onMessage(async (message) => {
        if (await passes(String(message))) socket.send(message);
      });
    });
    return { done };
  }

  async fillIn(name, password, button) {
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.locator("form").getByRole("button", { name: button }).first().click();
  }

  /** The link of a channel or a person in the list. */
  link(name) {
    return this.page.getByRole("navigation").getByRole("link", { name });
  }

  /** Open a channel; a phone goes back to the list first. */
  async go(name) {
    const back = this.page.getByRole("link", { name: "All conversations" });
    if (await back.isVisible()) await back.click();
    await this.link(name).click();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  /** Begin a private conversation. */
  async find(name) {
    const back = this.page.getByRole("link", { name: "All conversations" });
    if (await back.isVisible()) await back.click();
    await this.page.getByRole("button", { name: "Find somebody" }).click();
    await this.page.getByLabel("Name of the person").fill(name.slice(0, 2).toLowerCase());
    await this.page.getByRole("button", { name: `Talk: ${name}` }).click();
    await this.page.getByRole("heading", { level: 1, name }).waitFor();
  }

  get field() {
    return this.page.getByLabel("Message", { exact: true });
  }

  async say(...texts) {
    for (const text of texts) {
      await this.field.fill(text);
      await this.field.press("Enter");
    }
  }

  /** The texts of all messages, when the last one is this and nothing is under way. */
  async texts(last) {
    const items = this.page.locator("[role=log] li > p");
    await items.last().getByText(last, { exact: true }).waitFor();
    await this.page.locator("li.waiting").first().waitFor({ state: "detached" });
    return items.allInnerTexts();
  }

  async unread(name, count) {
    await this.link(`${name} ${count} unread`).waitFor();
  }

  async allRead() {
    await this.page.locator(".count").first().waitFor({ state: "detached" });
  }
}

/** Somebody with a program. */
export class Bot {
  static async signUp(name) {
    const bot = new Bot();
    const response = await fetch(`${url}/signup`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ username: name, password: PASSWORD }),
    });
    assert.equal(response.status, 200);
    const { id } = await response.json();
    const cookie = response.headers.get("set-cookie").split(";")[0];
    bot.id = id;
    bot.socket = io(url, { extraHeaders: { cookie }, forceNew: true });
    return bot;
  }

  async ask(event, payload = {}) {
    const answer = await this.socket.timeout(10_000).emitWithAck(event, payload);
    assert.equal(answer.status, "OK", `${event}: ${JSON.stringify(answer)}`);
    return answer.data;
  }

  async channel(name) {
    return (await this.ask("channel:list")).find((channel) => channel.name === name).id;
  }

  async say(channelId, ...texts) {
    for (const content of texts) await this.ask("message:send", { channelId, content });
  }
}

/** Run the scenario of this name in a browser. */
export async function play(scenarios) {
  await scenario(async () => {
    browser = await chromium.launch({
      executablePath: process.env.HARNESS_CHROMIUM,
      args: ARGUMENTS,
    });
    try {
      return { ...(await scenarios[options.run]()), problems };
    } finally {
      await browser.close();
    }
  });
}
