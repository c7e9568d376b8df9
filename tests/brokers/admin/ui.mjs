// The official pages in Chromium: one scenario of this file per test, named by `options.run`.
// It is started in the folder tests/interop, where the packages of the harness are.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { once, options, scenario, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const { io } = require("socket.io-client");

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const problems = []; // what the pages complained about
let browser;

const settings = { transports: ["websocket"], forceNew: true, reconnection: false };

async function client(address) {
  const socket = io(address, settings);
  await once(socket, "connect");
  return socket;
}

/** The UI in front of somebody; icons and fonts of other hosts are left out. */
class Admin {
  static async open(language = "en") {
    const admin = new Admin();
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: language });
    context.setDefaultTimeout(60_000);
    admin.page = await context.newPage();
    admin.page.on("pageerror", (error) => problems.push(error.stack));
    admin.page.on("console", (message) => {
      if (/Content Security Policy/.test(message.text())) problems.push(message.text());
    });
    await admin.page.route(
      (address) => address.hostname !== "127.0.0.1",
      (route) => route.fulfill({ status: 200, contentType: "text/css", body: "" }),
    );
    await admin.page.goto(`${url}/`);
    return admin;
  }

  async fill(username, password) {
    await this.page.getByLabel("Server URL").fill(url);
    await this.page.getByLabel("Username").fill(username);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Connect" }).click();
  }

  async enter() {
    await this.fill(options.auth.username, options.auth.password);
    await this.inside();
  }

  async inside() {
    await this.page.locator(".v-dialog--active").waitFor({ state: "detached" });
  }

  /** Opens a page of the menu, and waits until the one before has gone. */
  async go(path, title) {
    await this.page.evaluate((hash) => (location.hash = hash), path);
    await this.page.waitForFunction((wanted) => {
      const shown = document.querySelectorAll("main .v-breadcrumbs");
      return shown.length === 1 && shown[0].textContent.trim() === wanted;
    }, title);
  }

  async sees(text) {
    await this.page.locator("main").getByText(text).first().waitFor();
  }

  /** The page of one socket; from that of another one no way leads there. */
  async socket(id) {
    await this.go("/sockets/", "Sockets");
    await this.row(id).getByText(id).click();
    await this.page.locator("main .v-breadcrumbs").getByText("Details").waitFor();
    await this.page.waitForFunction(
      () => document.querySelectorAll("main .v-breadcrumbs").length === 1,
    );
    await this.sees(id);
  }

  row(text) {
    return this.page.locator("main tr").filter({ hasText: text });
  }
}

const scenarios = {
  /** Two servers in one cluster: everything is done to a client of each. */
  async cluster() {
    // Of the namespaces that have sockets, the pages show the main one first.
    const clients = [await client(options.urls[0]), await client(options.urls[1])];
    const admin = await Admin.open();
    await admin.enter();
    await admin.go("/servers/", "Servers");
    for (const name of options.servers) await admin.row(name).getByText("Healthy").waitFor();
    await admin.go("/sockets/", "Sockets");
    for (const { id } of clients) await admin.row(id).waitFor();

    for (const each of clients) {
      await admin.socket(each.id);
      await admin.page.getByLabel("Join a room").fill("vip");
      await admin.page.locator("main form button[type=submit]").click();
      await admin.row("vip").waitFor();
    }
    for (const each of clients) {
      await admin.socket(each.id);
      await admin.row("vip").getByRole("button").click(); // the page of the room opens as well
      await admin.socket(each.id);
      await admin.row("vip").waitFor({ state: "detached" });
    }
    for (const each of clients) {
      const { id } = each;
      await admin.go("/sockets/", "Sockets");
      const disconnected = once(each, "disconnect");
      await admin.row(id).getByRole("button").click();
      const [reason] = await disconnected;
      if (reason !== "io server disconnect") throw new Error(reason);
      await admin.go("/sockets/", "Sockets");
      await admin.row(id).waitFor({ state: "detached" });
    }
    await admin.go("/events/", "Events");
    await admin.sees("server namespace disconnect");
    return {};
  },

  async development() {
    const socket = await client(url);
    const admin = await Admin.open();
    await admin.enter();
    await socket.emitWithAck("move", "lobby", false);
    await socket.emitWithAck("set", "name", "ann");
    await socket.emitWithAck("echo", 1);
    await admin.go("/events/", "Events");
    await admin.sees("echoed");
    await admin.sees("lobby");
    await admin.socket(socket.id);
    await admin.sees('"name": "ann"');
    await admin.go("/rooms/", "Rooms");
    await admin.row("lobby").waitFor();
    return {};
  },

  async production() {
    const admin = await Admin.open();
    await admin.enter();
    await client(url);
    await admin.go("/servers/", "Servers");
    await admin.row("ours").getByText("Healthy").waitFor();
    const menu = await admin.page.locator("nav").innerText();
    return { menu };
  },

  async readonly() {
    const { id } = await client(url);
    const admin = await Admin.open();
    await admin.enter();
    await admin.go("/sockets/", "Sockets");
    await admin.row(id).waitFor();
    return { buttons: await admin.row(id).getByRole("button").count() };
  },

  async passwords() {
    const admin = await Admin.open();
    await admin.fill("admin", "wrong");
    await admin.page.getByText("Invalid credentials").waitFor();
    for (let attempt = 2; attempt <= options.attempts; attempt += 1) {
      await admin.fill("admin", `wrong ${attempt}`);
      await admin.page.getByRole("button", { name: "Connect" }).isEnabled();
    }
    await admin.fill("admin", "wrong again");
    await admin.page.getByText("too many log-ins, try again in a minute").waitFor();
    return {};
  },

  /** A page that is loaded again needs no password. */
  async session() {
    const admin = await Admin.open();
    await admin.enter();
    await admin.page.reload();
    await admin.inside();
    await admin.go("/servers/", "Servers");
    await admin.row("ours").getByText("Healthy").waitFor();
    return {};
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
