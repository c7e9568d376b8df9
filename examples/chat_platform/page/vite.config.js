import { defineConfig } from "vite";

// `npm run dev` serves the page and hands everything else to the Python server, so that the browser sees
// one origin: the cookie is sent, and no CORS is needed. In production that server serves the built page.
const SERVER = "http://localhost:8000";

export default defineConfig({
  server: {
    proxy: {
      "/signup": SERVER,
      "/login": SERVER,
      "/logout": SERVER,
      "/self": SERVER,
      "/socket.io": { target: SERVER, ws: true },
    },
  },
});
