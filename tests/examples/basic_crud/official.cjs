// node official.cjs FOLDER: the official server, built by build.mjs; prints its port.
const { createServer } = require("node:http");
const { join } = require("node:path");

const folder = join(process.argv[2], "official/lib");
const { createApplication } = require(join(folder, "app.js"));
const { InMemoryTodoRepository } = require(join(folder, "todo-management/todo.repository.js"));

const server = createServer();
createApplication(server, { todoRepository: new InMemoryTodoRepository() });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
