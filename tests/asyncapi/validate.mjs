// Prints what the official parser says about the documents in files: file, severity, path and message.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

for (const file of process.argv.slice(2)) {
  const { diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  for (const { severity, path, message } of diagnostics) {
    console.log(JSON.stringify({ file, severity, path: path.join("."), message }));
  }
}
