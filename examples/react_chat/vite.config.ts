import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // `npm run dev` serves the page, and passes the connections on to `socketio-asgi run main:app`.
  server: { proxy: { "/socket.io": { target: "http://127.0.0.1:8000", ws: true } } },
});
