import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  // Inlined assets would be `data:` addresses, which the console's policy refuses.
  build: { assetsInlineLimit: 0, target: "es2023", modulePreload: { polyfill: false }, reportCompressedSize: true },
  server: { proxy: { "/api": "http://127.0.0.1:5180" } },
});
