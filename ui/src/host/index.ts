import type { Host } from "./host";

export * from "./host";

/** Loads only the host it needs: the window never carries the made-up market, nor the browser Tauri. */
export async function openHost(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) return (await import("./tauri")).openTauri();
  return (await import("./browser")).openBrowser(new URLSearchParams(location.search));
}
