import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  // The window serves dist/ from inside the binary, so every path is relative.
  base: "./",
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  // WebKitGTK 2.50, WKWebView of macOS 14, WebView2.
  // Nothing is inlined as data: so that the page runs under `default-src 'self'`.
  build: { target: "safari17", assetsInlineLimit: 0, chunkSizeWarningLimit: 800 },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
