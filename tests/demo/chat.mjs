// The demonstration in real browsers: one scenario of this file per test, named by `options.run`.
// It is started in the folder tests/interop, where the packages are.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { command, options, report, scenario, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// Chromium reports every attempt to reach a server that is down, and upgrades that are given up.
const EXPECTED = /ERR_CONNECTION|closed before the connection is established/;
const problems = []; // what the pages complained about
const closed = new Set(); // sessions that the pages have closed
let browser;

const sessionOf = (address) => URL.canParse(address) && new URL(address).searchParams.get("sid");

/** A person with a browser (and storage) of their own. */
class Person {
  static async open(query = "", device = {}) {
    const person = new Person();
    const context = await browser.newContext(device);
    person.page = await context.newPage();
    person.page.on("pageerror", (error) => problems.push(error.stack));
    person.page.on("request", (request) => {
      if (request.postData() === "1") closed.add(sessionOf(request.url()));
    });
    person.page.on("console", (message) => {
      if (EXPECTED.test(message.text())) return;
      // The client polls once more while it closes a session that it has left in a refusal. These two
      // requests cross on their connections, and a poll that comes last finds the session gone.
      if (/ 400 /.test(message.text()) && closed.has(sessionOf(message.location().url))) return;
      if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
    });
    await person.page.goto(`${url}/${query}`);
    return person;
  }

  static async enter(name, query = "", device = {}) {
    const person = await Person.open(query, device);
    await person.setName(name);
    await person.sees(`Connected via ${query.includes("polling") ? "polling" : "websocket"}`);
    return person;
  }

  async setName(name) {
    await this.page.getByLabel("Name", { exact: true }).fill(name);
    await this.page.keyboard.press("Enter");
  }

  get field() {
    return this.page.getByLabel("Message", { exact: true });
  }

  async say(text) {
    await this.field.fill(text);
    await this.field.press("Enter");
  }

  async sees(text) {
    await this.page.locator("#connection, #online, #typing, .log, dialog").getByText(text).last().waitFor();
  }

  /** Waits for the message with this text; resolves to its element. */
  async message(text, delivery = null) {
    const state = delivery ? `[data-delivery=${delivery}]` : "";
    const item = this.page.locator(`.message${state}`).filter({ hasText: text });
    await item.last().waitFor();
    return item.last();
  }

  async online(count) {
    await this.page.locator("#online-count").getByText(`${count}`, { exact: true }).waitFor();
  }
}

const scenarios = {
  async conversation() {
    const ann = await Person.enter("Ann");
    await ann.online(1);
    const bob = await Person.enter("Bob", "?transports=polling");
    await ann.sees("Bob joined");
    await Promise.all([ann.online(2), bob.online(2)]);

    await bob.field.pressSequentially("I am");
    await ann.sees("Bob is typing…");
    await bob.say("I am Bob");
    await (await ann.message("I am Bob")).getByText("Bob", { exact: true }).waitFor();
    await bob.message("I am Bob", "delivered");
    await ann.page.locator("#typing:not(.active)").waitFor({ state: "attached" });

    await bob.page.getByRole("button", { name: "Change your name, Bob" }).click();
    await bob.setName("Bob 👩‍💻");
    await ann.sees("Bob is now Bob 👩‍💻");
    await bob.page.reload(); // the name is kept
    await bob.sees("Connected via polling");
    await ann.sees("Bob 👩‍💻 joined");

    const third = await Person.enter("Ann");
    await third.page.getByRole("button", { name: "Change your name, Ann 2" }).waitFor();
    await third.page.close();
    await ann.sees("Ann 2 left");
  },

  async safety() {
    const ann = await Person.enter("<i>Ann</i>");
    const bob = await Person.enter("Bob");
    const attack = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;
    await ann.say(attack);
    const received = await bob.message(attack);
    await received.getByText("<i>Ann</i>").waitFor();
    const elements = await bob.page.locator("main :is(img, script, i)").count();
    await ann.say("👩‍👩‍👧‍👦🇨🇭🎉");
    await bob.message("👩‍👩‍👧‍👦🇨🇭🎉");
    return { elements, title: await bob.page.title() };
  },

  async refused_names() {
    const ann = await Person.open();
    await ann.page.keyboard.press("Escape"); // no way around the first question
    await ann.page.evaluate(() => document.getElementById("name").removeAttribute("maxlength"));
    await ann.setName("x".repeat(25));
    await ann.sees("A name has 1 to 24 characters.");
    await ann.setName("Ann");
    await ann.sees("Connected via websocket");
  },

  async reconnection() {
    const ann = await Person.enter("Ann");
    const bob = await Person.enter("Bob", "?transports=polling");
    await report("entered");
    await command("stopped");
    await Promise.all([ann.sees(/Offline. Attempt \d+ in \d s/), bob.sees(/Offline. Attempt/)]);
    await ann.say("Written without a connection");
    await ann.message("Written without a connection", "pending");
    await report("offline");
    await command("started");
    await Promise.all([ann.sees("Reconnected"), bob.sees("Reconnected")]);
    await ann.sees("Connected via websocket");
    await bob.sees("Connected via polling");
    await ann.message("Written without a connection", "delivered");
    await ann.online(2);
    await bob.say("And here");
    await ann.message("And here");
    // Bob reconnects at a time of his own, so Ann's first message may have found nobody.
    return { messages: await ann.page.locator(".message").count() };
  },

  async lost_acknowledgement() {
    const ann = await Person.enter("Ann");
    await report("entered");
    await command("frozen");
    await ann.say("Into the void");
    await ann.message("Into the void", "pending");
    await report("sent");
    const failed = await ann.message("Into the void", "failed");
    await failed.getByText("Perhaps not delivered.").waitFor();
    await report("failed");
    await ann.sees("Reconnected");
    await failed.getByRole("button", { name: "Send again" }).click();
    await ann.message("Into the void", "delivered");
    return { messages: await ann.page.locator(".message").count() };
  },

  async missing_client() {
    const ann = new Person();
    ann.page = await browser.newPage();
    await ann.page.route("**/socket.io.min.js", (route) => route.abort());
    await ann.page.goto(url);
    await ann.sees("The client did not load");
    await ann.sees("npm install socket.io-client");
  },

  async scrolling() {
    const device = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
    const ann = await Person.enter("Ann", "", device);
    const bob = await Person.enter("Bob");
    const scroller = ann.page.locator("#scroller");
    const top = () => scroller.evaluate((element) => element.scrollTop);
    const below = () =>
      scroller.evaluate(({ scrollHeight, scrollTop, clientHeight }) =>
        Math.round(scrollHeight - scrollTop - clientHeight));
    for (let number = 1; number <= 8; number += 1) await bob.say("word ".repeat(60) + number);
    await bob.say("w".repeat(500));
    await ann.message("w".repeat(500));
    const followed = await below();
    await scroller.evaluate((element) => element.scrollTo(0, 100));
    await bob.say("Below the fold");
    await ann.message("Below the fold");
    const stayed = await top();
    await ann.page.getByRole("button", { name: "New messages" }).click();
    const overflow = await ann.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    return { followed, stayed, returned: await below(), overflow };
  },
};

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
