// node build.mjs CHECKOUT FOLDER: the official server and its tests in JavaScript.
//
// FOLDER/official is the server; FOLDER/ours has the same tests, and in place of the modules that start
// a server in this process those in the folder startup/, which use the server at the address OURS.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(join(import.meta.dirname, "../../interop/package.json"));
const { ModuleKind, transpileModule } = require("typescript");
const [checkout, folder] = process.argv.slice(2);
const source = join(checkout, "examples/basic-crud-application/server");
const compilerOptions = { module: ModuleKind.CommonJS, target: "es2022", esModuleInterop: true };

function build(file, target) {
  const text = readFileSync(join(source, file), "utf8");
  const output = join(folder, target, file.replace(/ts$/, "js"));
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, transpileModule(text, { compilerOptions }).outputText);
}

for (const name of ["app", "util", "todo-management/todo.handlers", "todo-management/todo.repository"]) {
  build(`lib/${name}.ts`, "official");
}
build("test/todo-management/todo.tests.ts", "ours");
cpSync(join(import.meta.dirname, "startup"), join(folder, "ours/lib"), { recursive: true });
