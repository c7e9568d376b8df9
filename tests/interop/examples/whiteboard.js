// Two pages of the whiteboard, the second of them in a frame: one draws, the other shows it.
async ({ io }) => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const frame = document.createElement("iframe");
  frame.src = "/";
  frame.style = "position: fixed; top: 0; width: 400px; height: 300px";
  document.body.append(frame);
  await new Promise((resolve) => (frame.onload = resolve));
  const other = frame.contentDocument;
  const listener = io({ forceNew: true });
  await until(() => listener.connected);
  await until(() =>
    [document, other].every((page) => page.querySelector("#status").value === "connected"),
  );

  const middle = (page) => {
    const canvas = page.querySelector("canvas");
    const context = canvas.getContext("2d");
    return [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data];
  };
  const both = () => [document, other].map(middle);
  const results = { before: both(), quiet: [] };
  listener.onAny((event) => results.quiet.push(event));

  document.querySelector("[value=red]").click();
  const canvas = document.querySelector("canvas");
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.setPointerCapture = () => {}; // these pointers are not those of a device
  const pointer = (type, x, y) =>
    canvas.dispatchEvent(
      new PointerEvent(type, { clientX: x * width, clientY: y * height, pointerId: 1 }),
    );
  const heard = new Promise((resolve) => listener.once("drawing", resolve));
  pointer("pointermove", 0.1, 0.1); // the pen is not down
  pointer("pointerdown", 0.25, 0.5);
  pointer("pointermove", 0.75, 0.5);
  pointer("lostpointercapture", 0.75, 0.5);
  pointer("pointermove", 0.9, 0.9);
  results.heard = await heard;
  await until(() => middle(other)[3] > 0);
  results.after = both();

  frame.style.width = "300px";
  await until(() => other.querySelector("canvas").width === 300 * devicePixelRatio);
  results.resized = middle(other);

  const line = { x0: 0, y0: 0, x1: 1, y1: 1, color: "red" };
  const ask = (value) => listener.timeout(5000).emitWithAck("drawing", value);
  results.invalid = [
    await ask({ ...line, color: "url(evil)" }),
    await ask({ ...line, x0: "0" }),
    await ask("line"),
  ];
  return results;
}
