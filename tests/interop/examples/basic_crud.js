// The page of the CRUD example, twice: what one does, the other shows.
async ({ io }) => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const frame = document.createElement("iframe");
  frame.src = "/";
  document.body.append(frame);
  await new Promise((resolve) => (frame.onload = resolve));
  const other = frame.contentDocument;
  const rows = (page) =>
    [...page.querySelectorAll("li")].map((item) => {
      const [done, title] = item.querySelectorAll("input");
      return [title.value, done.checked];
    });
  const both = (expected) =>
    until(() => [document, other].every((page) => JSON.stringify(rows(page)) === expected));
  const add = (text) => {
    document.querySelector("form input").value = text;
    document.querySelector("form").requestSubmit();
  };
  const change = (index, setting) => {
    const input = other.querySelectorAll("li input")[index];
    Object.assign(input, setting);
    input.dispatchEvent(new Event("change"));
  };

  await until(() => [document, other].every((page) => page.querySelector("#left").textContent));
  add("<b>tea</b>");
  await both('[["<b>tea</b>",false]]');
  add("coffee");
  await both('[["<b>tea</b>",false],["coffee",false]]');
  change(0, { checked: true });
  await both('[["<b>tea</b>",true],["coffee",false]]');
  // Who writes in a title is not disturbed by what others do.
  const title = other.querySelectorAll("li input")[3];
  title.focus();
  title.value = "co";
  add("milk");
  await until(() => rows(other).length === 3);
  const kept = other.activeElement === title && title.value === "co";
  document.querySelectorAll("li button")[2].click();
  await until(() => rows(other).length === 2);
  title.blur();
  change(3, { value: "cocoa" });
  await both('[["<b>tea</b>",true],["cocoa",false]]');
  change(3, { value: "" });
  await until(() => other.querySelector("[role=status]").textContent);
  const refused = other.querySelector("[role=status]").textContent;
  document.querySelector("#clear").click();
  await both('[["cocoa",false]]');
  other.querySelector("li button").click();
  await both("[]");
  return { kept, refused, left: document.querySelector("#left").textContent };
}
