/** A key press as one word, `Shift+ArrowLeft`, `Ctrl+k`, `?`; letters are lower case, and ⌘ counts as Ctrl. */
export function keyWord(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const named = key.length > 1;
  const prefix = (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + (event.shiftKey && named ? "Shift+" : "");
  return prefix + key;
}

const LABELS: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** `Shift+ArrowLeft` → `Shift ←` */
export const keyLabel = (word: string): string =>
  word
    .split(/\+(?=.)/)
    .map((part) => LABELS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
