// Stands in for src/index.js of the official sample: no server is started here, the tests are led to
// one of ours, which runs already ($CHAT_URL), and to its database ($CHAT_DATABASE).
import pg from "pg";
import { createLogger } from "winston";

export const logger = createLogger();

export async function createApp(httpServer) {
  httpServer.listen = (...args) => args.at(-1)();
  httpServer.address = () => ({ port: Number(new URL(process.env.CHAT_URL).port) });
  const pgPool = new pg.Pool({ connectionString: process.env.CHAT_DATABASE });
  return { pgPool, close: () => pgPool.end() };
}
