// Two people on the page, and what may happen to them.

import assert from "node:assert/strict";
import { Bot, command, DESKTOP, options, PASSWORD, PHONE, play, report, Tab, url } from "./people.mjs";

const device = options.device === "phone" ? PHONE : DESKTOP;

const scenarios = {
  async conversation() {
    const ann = await Tab.signUp("Ann", device);
    const ben = await Tab.signUp("Ben");
    await ben.page.getByRole("heading", { level: 1, name: "General" }).waitFor();

    // A private conversation appears at the other person's at once, with what is unread.
    await ann.find("Ben");
    await ann.say("Hello Ben", "Are you there?");
    await ben.unread("Ann (online)", 2);
    await assert.doesNotReject(ben.page.waitForFunction(() => document.title === "(2) Chat"));
    await ben.go("Ann");
    await ben.allRead();
    assert.deepEqual(await ben.texts("Are you there?"), ["Hello Ben", "Are you there?"]);
    await ben.field.pressSequentially("Yes");
    await ann.page.getByText("Ben is typing…").waitFor();
    await ben.field.press("Enter");
    await ann.page.getByText("Ben is typing…").waitFor({ state: "detached" });
    assert.deepEqual(await ann.texts("Yes"), ["Hello Ben", "Are you there?", "Yes"]);
    assert.equal(await ann.page.locator("li.mine").count(), 2);

    // What was read stays read, and what came in the meantime does not.
    await ann.go("General");
    await ben.page.reload();
    await ben.link("Ann (online)").waitFor();
    await ben.allRead();
    await ben.page.context().close();
    const back = ann.page.getByRole("link", { name: "All conversations" });
    if (await back.isVisible()) await back.click();
    await ann.link("Ben (offline)").waitFor();
    await ann.go("Ben");
    await ann.say("See you");
    await ann.texts("See you");
    const again = await Tab.open();
    await again.fillIn("Ben", PASSWORD, "Log in");
    await again.unread("Ann (online)", 1);
    if (await back.isVisible()) await back.click();
    await ann.link("Ben (online)").waitFor();
    const overflow = await ann.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(overflow, 0);
  },

  async channels() {
    const ann = await Tab.signUp("Ann", device);
    const ben = await Tab.signUp("Ben", device);
    const add = async (tab, name) => {
      const back = tab.page.getByRole("link", { name: "All conversations" });
      if (await back.isVisible()) await back.click();
      await tab.page.getByRole("button", { name: "Add a channel" }).click();
      await tab.page.getByLabel("Name of the channel").fill(name);
    };
    await add(ann, "Tea % coffee");
    await ann.page.getByText("Nothing is found.").waitFor();
    await ann.page.getByRole("button", { name: "Create" }).click();
    await ann.page.getByRole("heading", { level: 1, name: "Tea % coffee" }).waitFor();
    await ann.say("Welcome");
    await add(ben, "Tea % coffee");
    await ben.page.getByRole("button", { name: "Create" }).click();
    await ben.page.getByText("Perhaps this name is taken.").waitFor();
    await ben.page.getByLabel("Name of the channel").fill("tea");
    await ben.page.getByRole("button", { name: "Join: Tea % coffee" }).click();
    await ben.page.getByText("2 members").waitFor();
    assert.deepEqual(await ben.texts("Welcome"), ["Welcome"]);
    await ben.say("<b>Thanks</b>\n");
    assert.deepEqual(await ann.texts("<b>Thanks</b>"), ["Welcome", "<b>Thanks</b>"]);
  },

  async restart() {
    const ann = await Tab.signUp("Ann", device);
    const ben = await Tab.signUp("Ben");
    await ann.find("Ben");
    await ann.say("1");
    await ben.go("Ann");
    await ben.say("2");
    await ann.texts("2");
    report("talking");
    // Some of these are stored and not acknowledged when the server is killed, others not even sent.
    await ann.say("3", "4", "5");
    await command("killed");
    const lost = "The connection is lost.";
    await Promise.all([ann, ben].map(({ page }) => page.getByText(lost).waitFor()));
    await ann.say("6");
    await ann.page.locator("li.waiting").getByText("6").waitFor();
    await ann.page.reload().catch(() => undefined); // also the page is gone: nobody serves it
    await ben.say("7");
    report("offline");
    await command("started");
    await ann.page.goto(`${url}/${new URL(ben.page.url()).hash}`);
    await ann.page.getByRole("heading", { level: 1, name: "Ben" }).waitFor();
    await Promise.all([ann, ben].map(({ page }) => page.getByText(lost).waitFor({ state: "detached" })));
    await ann.page.locator("[role=log]").getByText("7", { exact: true }).waitFor();
    await ben.page.locator("[role=log]").getByText("6", { exact: true }).waitFor();
    await ben.say("8");
    const [texts, others] = await Promise.all([ann.texts("8"), ben.texts("8")]);
    assert.deepEqual(texts, others);
    // Nobody knows which of the two came first, but each kept its order.
    assert.deepEqual(texts.filter((text) => text !== "7"), ["1", "2", "3", "4", "5", "6", "8"]);
    assert.equal(texts.filter((text) => text === "7").length, 1);
    await ben.page.reload();
    assert.deepEqual(await ben.texts("8"), texts);
  },

  async lost_acknowledgement() {
    const ann = await Tab.open(device);
    let open = true; // whether acknowledgements pass
    let sent = 0;
    const count = (text) => (sent += Number(text.includes('"message:send"')));
    ann.page.on("request", (request) => count(request.postData() ?? ""));
    const upgrade = await ann.watchWebSockets({
      onMessage: count,
      passes: (message) => open || !message.startsWith("43"),
    });
    await ann.page.reload();
    await ann.page.getByRole("button", { name: "Sign up" }).click();
    await ann.fillIn("Ann", PASSWORD, "Sign up");
    await ann.go("General");
    const { socket } = await upgrade.done;
    const ben = await Tab.signUp("Ben");
    await ben.go("General");
    await ann.say("Before");
    await ann.texts("Before");
    open = false;
    await ann.say("Once");
    await ben.texts("Once"); // it is stored
    await ann.page.locator("li.waiting").getByText("Once").waitFor();
    open = true;
    await socket.close({ code: 1001 });
    assert.deepEqual(await ann.texts("Once"), ["Before", "Once"]);
    await ben.say("After");
    assert.deepEqual(await ann.texts("After"), ["Before", "Once", "After"]);
    assert.deepEqual(await ben.texts("After"), ["Before", "Once", "After"]);
    assert.equal(sent, 3);
  },

  /** Answers that come late, behind what has happened since the server wrote them. */
  async overtaken() {
    const ann = await Tab.open(device);
    let held = { what: "nothing is held" };
    const hold = (what) => {
      held = { what };
      held.arrival = new Promise((resolve) => (held.arrived = resolve));
      held.end = new Promise((resolve) => (held.release = resolve));
      return held;
    };
    const watch = (event) => new Promise((resolve) => (watched[event] = resolve));
    const watched = {};
    const upgrade = await ann.watchWebSockets({
      async passes(message) {
        for (const [event, resolve] of Object.entries(watched)) if (message.includes(event)) resolve();
        if (!message.startsWith("43") || !message.includes(held.what)) return true;
        held.arrived();
        await held.end;
        return true;
      },
    });
    await ann.page.reload();
    await ann.page.getByRole("button", { name: "Sign up" }).click();
    await ann.fillIn("Ann", PASSWORD, "Sign up");
    await ann.go("General");
    await upgrade.done;
    const [ben, eve] = [await Bot.signUp("Ben"), await Bot.signUp("Eve")];
    const { id } = (await ben.ask("user:search", { q: "Ann" }))[0];
    const first = await ben.ask("user:reach", { userIds: [id] });
    await ann.link("Ben (online)").waitFor();

    // The list is older than a message, and than a conversation.
    const list = hold('"unreadCount"');
    await ann.link("Ben").click();
    await list.arrival;
    await ann.go("General");
    await ben.say(first.id, "Hello");
    await eve.ask("user:reach", { userIds: [id] });
    await ann.link("Eve (online)").waitFor();
    await ann.unread("Ben (online)", 1);
    list.release();
    await ann.say("The answer is there");
    await ann.texts("The answer is there");
    assert.equal(await ann.link("Eve (online)").count(), 1);
    assert.equal(await ann.link("Ben (online) 1 unread").count(), 1);

    // Who is there when the server looks has gone when its answer comes.
    const state = hold('"isOnline"');
    const gone = watch("user:disconnected");
    const max = await Bot.signUp("Max");
    await max.ask("user:reach", { userIds: [id] });
    await state.arrival;
    max.socket.close();
    await gone;
    state.release();
    await ann.link("Max (offline)").waitFor();
    for (const { socket } of [ben, eve]) socket.close();
  },

  async missed() {
    const ann = await Tab.open(device);
    const upgrade = await ann.watchWebSockets();
    await ann.page.reload();
    await ann.page.getByRole("button", { name: "Sign up" }).click();
    await ann.fillIn("Ann", PASSWORD, "Sign up");
    await ann.go("General");
    const ben = await Bot.signUp("Ben");
    const general = await ben.channel("General");
    const texts = Array.from({ length: 130 }, (_, number) => `${number}.`);
    await ben.say(general, ...texts.slice(0, 20));
    await ann.texts("19.");
    const { server } = await upgrade.done; // a request that waits would live longer
    await ann.page.route("**/socket.io/**", (route) => route.abort());
    await server.close();
    await ann.page.getByText("The connection is lost.").waitFor();
    await ben.say(general, ...texts.slice(20));
    await ann.page.unroute("**/socket.io/**");
    // It tries by itself as well, and may be there already.
    await ann.page.evaluate(() => document.querySelector(".notice button")?.click());
    await ann.page.getByText("The connection is lost.").waitFor({ state: "detached" });
    assert.deepEqual(await ann.texts("129."), texts);
    await ann.allRead();
    ben.socket.close();
  },

  async history() {
    const ben = await Bot.signUp("Ben");
    const general = await ben.channel("General");
    const texts = Array.from({ length: 80 }, (_, number) => `${number}. ${"word ".repeat(number)}`.trim());
    await ben.say(general, ...texts);
    const ann = await Tab.signUp("Ann", device);
    await ann.go("General");
    const scroller = ann.page.getByRole("log");
    const below = () =>
      scroller.evaluate(({ scrollHeight, scrollTop, clientHeight }) =>
        Math.round(scrollHeight - scrollTop - clientHeight));
    assert.deepEqual(await ann.texts(texts[79]), texts.slice(50));
    assert.equal(await below(), 0);

    // A page more, and what is read stays where it is.
    const first = scroller.getByText(texts[50], { exact: true });
    await scroller.evaluate((element) => element.scrollTo(0, 0));
    await scroller.getByText(texts[20], { exact: true }).waitFor({ state: "attached" });
    assert.ok((await first.boundingBox()).y < 200);
    await ben.say(general, "Below the fold");
    await ann.page.getByRole("button", { name: "New messages" }).click();
    assert.equal(await below(), 0);
    await scroller.getByRole("button", { name: "Earlier messages" }).focus();
    await ann.page.keyboard.press("Enter");
    await scroller.getByText(texts[0], { exact: true }).waitFor({ state: "attached" });
    assert.deepEqual(await ann.texts("Below the fold"), [...texts, "Below the fold"]);
    assert.equal(await scroller.getByRole("button", { name: "Earlier messages" }).count(), 0);
    ben.socket.close();
  },

  async tabs() {
    const ann = await Tab.signUp("Ann", device);
    const ben = await Bot.signUp("Ben");
    await ann.go("General");
    const other = await ann.another();
    await other.link("General").waitFor();
    if (device === DESKTOP) await other.go("General");
    await ann.find("Ben");
    await ann.say("Hello");
    await other.go("Ben"); // the conversation has appeared there too
    assert.deepEqual(await other.texts("Hello"), ["Hello"]);
    await other.say("Again");
    assert.deepEqual(await ann.texts("Again"), ["Hello", "Again"]);

    // Neither tab shows General now: it is unread in both, until one of them shows it.
    await ben.say(await ben.channel("General"), "News");
    const lists = [ann, other];
    if (device === PHONE) {
      for (const { page } of lists) await page.getByRole("link", { name: "All conversations" }).click();
    }
    await Promise.all(lists.map((tab) => tab.unread("General", 1)));
    await other.page.bringToFront();
    await other.go("General");
    await Promise.all(lists.map((tab) => tab.allRead()));

    if (device === PHONE) await other.page.getByRole("link", { name: "All conversations" }).click();
    await other.page.getByRole("button", { name: "Log out" }).click();
    await Promise.all(
      lists.map(({ page }) => page.getByRole("heading", { name: "Log in" }).waitFor()),
    );
    // Who logs in next is logged in in both tabs, and sees nothing of Ann.
    await other.fillIn("Ben", PASSWORD, "Log in");
    await Promise.all(lists.map((tab) => tab.page.getByText("Ben", { exact: true }).waitFor()));
    await Promise.all(lists.map((tab) => tab.link("Ann").waitFor()));
    ben.socket.close();
  },

  async mistakes() {
    const ann = await Tab.signUp("Ann", device);
    const ben = await Tab.open(device);
    await ben.page.getByRole("button", { name: "Sign up" }).click();
    await ben.fillIn("Ann", PASSWORD, "Sign up");
    await ben.page.getByText("Perhaps somebody else has it.").waitFor();
    await ben.page.getByRole("button", { name: "Log in" }).click();
    await ben.fillIn("Ann", "wrong", "Log in");
    await ben.page.getByText("do not belong together").waitFor();

    await ann.go("General");
    report("entered");
    await command("killed");
    await ben.fillIn("Ann", PASSWORD, "Log in");
    await ben.page.getByText("The server cannot be reached.").waitFor();
    report("refused");
    await command("started");
    await ben.fillIn("Ann", PASSWORD, "Log in");
    await ben.link("General").waitFor();
    await ben.go("General");
    await ann.page.getByText("The connection is lost.").waitFor({ state: "detached" });

    // The server refuses a text with this character, which its database cannot store.
    await ann.say("No\0thing");
    await ann.page.getByText("Not sent.").waitFor();
    await ann.page.getByRole("button", { name: "Send again" }).click();
    await ann.page.getByText("Not sent.").waitFor();
    await ann.page.getByRole("button", { name: "Discard" }).click();
    await ann.say("Something");
    assert.deepEqual(await ann.texts("Something"), ["Something"]);
  },

  async keyboard() {
    const ann = await Tab.open(device);
    const { keyboard } = ann.page;
    const press = async (...keys) => {
      for (const key of keys) await keyboard.press(key);
    };
    await ann.page.getByRole("button", { name: "Sign up" }).focus();
    await press("Enter", "Shift+Tab", "Shift+Tab", "Shift+Tab");
    await keyboard.type("Ann");
    await press("Tab");
    await keyboard.type(PASSWORD);
    await press("Enter");
    await ann.page.getByRole("button", { name: "Add a channel" }).focus();
    await press("Enter");
    await ann.page.getByRole("dialog").waitFor();
    await press("Escape");
    const label = () => ann.page.evaluate(() => document.activeElement.textContent);
    assert.equal(await label(), "Add a channel");
    // At once: the page may not have heard yet that the browser has closed the dialog.
    await press("Enter", "Escape", "Enter");
    await keyboard.type("Tea");
    await press("Enter");
    await ann.page.getByRole("heading", { level: 1, name: "Tea" }).waitFor();
    await ann.field.focus();
    await keyboard.type("One");
    await press("Shift+Enter");
    await keyboard.type("Two");
    await press("Enter");
    assert.deepEqual(await ann.texts("One\nTwo"), ["One\nTwo"]);

    // A conversation that opens takes the focus from its link, and from nothing else.
    await ann.link("General").focus();
    await press("Enter");
    await ann.page.getByRole("heading", { level: 1, name: "General" }).waitFor();
    await ann.page.locator("textarea:focus").waitFor();
    await ann.page.getByRole("button", { name: "Find somebody" }).focus();
    await ann.page.goBack();
    await ann.page.getByRole("heading", { level: 1, name: "Tea" }).waitFor();
    await ann.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));
    assert.equal(await label(), "Find somebody");
  },
};

await play(scenarios);
