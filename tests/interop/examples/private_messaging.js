// The page of the private messages, and a user beside it.
async ({ io, options }) => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const $ = (selector, page = document) => page.querySelector(selector);
  const submit = (form, value, page = document) => {
    $(`${form} input`, page).value = value;
    $(form, page).requestSubmit();
  };
  const contents = (page) => [...page.querySelectorAll("li")].map((item) => item.textContent);
  const results = {};

  localStorage.setItem("sessionID", "forgotten");
  const open = async () => {
    const frame = document.createElement("iframe");
    frame.src = "/";
    document.body.replaceChildren(frame);
    await new Promise((resolve) => (frame.onload = resolve));
    return frame.contentDocument;
  };
  const bob = io({ auth: { username: "<b>Bob</b>" }, forceNew: true });
  const heard = [];
  bob.on("private message", (message) => heard.push(message));

  const page = await open();
  await until(() => !$("#enter", page).hidden);
  submit("#enter", "  ", page);
  await until(() => $("#problem", page).textContent);
  results.refused = $("#problem", page).textContent;
  submit("#enter", "Ann", page);
  await until(() => $("nav button.online", page));
  results.users = [...page.querySelectorAll("nav button")].map((item) => item.textContent);
  $("nav button", page).click();
  submit("#write", "hello", page);
  await until(() => contents(page).length === 1 && heard.length === 1);
  const [{ from: ann }] = heard;
  bob.emit("private message", { content: "<i>hi</i>", to: ann }); // as the official page does
  await until(() => contents(page).length === 2);

  const again = await open(); // the page is loaded again
  await until(() => $("nav button", again));
  $("nav button", again).click();
  await until(() => contents(again).length === 2);
  results.contents = contents(again);
  results.own = [...again.querySelectorAll("li")].map((item) => item.classList.contains("own"));
  bob.close();
  await until(() => !$("nav button.online", again));
  return results;
}
