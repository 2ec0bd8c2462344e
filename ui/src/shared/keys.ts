/** A key press as one word, `Shift+ArrowLeft`, `Ctrl+k`, `Ctrl+Shift+h`, `?`; letters are lower case, and ⌘ counts as Ctrl. */
export function keyWord(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const control = event.ctrlKey || event.metaKey;
  // Shift is part of how a sign is typed, and of no sign's meaning.
  const shift = event.shiftKey && (key.length > 1 || (control && /[a-z]/.test(key)));
  const prefix = (control ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + (shift ? "Shift+" : "");
  return prefix + key;
}

const LABELS: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** `Shift+ArrowLeft` → `Shift ←` */
export const keyLabel = (word: string): string =>
  word
    .split(/\+(?=.)/)
    .map((part) => LABELS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
