// Two people on the page of the official sample, whose server is killed and started in the middle of their talk.

import assert from "node:assert/strict";
import { command, PASSWORD, play, report, Tab, url } from "./people.mjs";

const TEXT = "ol li:not(.mt-3)"; // the others are headers

class OfficialTab extends Tab {
  static async signUp(name) {
    const tab = await OfficialTab.open();
    await tab.page.goto(`${url}/signup`);
    await tab.page.getByLabel("Username").fill(name);
    await tab.page.getByLabel("Password").fill(PASSWORD);
    await tab.page.getByRole("button", { name: "Sign up" }).click();
    await tab.page.waitForURL("**/c/*");
    return tab;
  }

  get field() {
    return this.page.locator("textarea");
  }

  async sees(text) {
    await this.page.locator(TEXT).getByText(text, { exact: true }).first().waitFor();
  }

  async all() {
    return (await this.page.locator(TEXT).allInnerTexts()).map((text) => text.trim());
  }
}

await play({
  async talk() {
    const ann = await OfficialTab.signUp("Ann");
    const ben = await OfficialTab.signUp("Ben");
    await ann.page.getByRole("button", { name: "Add user" }).click();
    await ann.page.locator(".modal.show input").fill("Be");
    await ann.page.locator(".modal.show li").filter({ hasText: "Ben" }).getByRole("button").click();
    await ann.page.locator(".modal.show").waitFor({ state: "detached" });
    await ann.say("one");
    await ben.page.getByRole("link", { name: "Ann 1" }).waitFor(); // unread
    await ben.page.getByRole("link", { name: "Ann" }).click();
    await ben.sees("one");
    await ann.field.fill("t");
    await ben.page.getByText("Ann is typing").waitFor();
    await ann.say("two");
    await ben.sees("two");
    await ben.say("three");
    await ann.sees("three");

    report("talking");
    await command("killed");
    // One of them alone: this page asks for what came behind its own last message, and does not see, before
    // it is loaded again, what the other has written before that.
    await ann.say("four", "five");
    report("offline");
    await command("started");
    await Promise.all(["four", "five"].map((text) => ben.sees(text)));
    await ben.say("six");
    await ann.sees("six");
    await ann.say("seven");
    await ben.sees("seven");
    const expected = ["one", "two", "three", "four", "five", "six", "seven"].sort();
    assert.deepEqual((await ann.all()).sort(), expected);
    assert.deepEqual((await ben.all()).sort(), expected);
    await ben.page.reload();
    await ben.sees("seven");
    const stored = await ben.all();
    assert.deepEqual([...stored].sort(), expected);
    assert.ok(stored.indexOf("four") < stored.indexOf("five"));
  },
});
