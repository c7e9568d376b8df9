import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [vue()],
  // `npm run dev` serves the page, and passes the connections on to `socketio-asgi run main:app`.
  server: { proxy: { "/socket.io": { target: "http://127.0.0.1:8000", ws: true } } },
});
