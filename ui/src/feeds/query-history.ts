/** Queries that were run, newest first. */
export interface Asked {
  text: string;
  atMs: number;
}

export const REMEMBERED_AT_MOST = 100;
/** A longer one is run, but is no reason to fill the page's storage. */
const LONGEST = 20_000;

/** The same query again moves to the top, and does not fill the list. */
export function remember(asked: readonly Asked[], text: string, atMs: number): Asked[] {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > LONGEST) return [...asked];
  return [{ text: trimmed, atMs }, ...forget(asked, trimmed)].slice(0, REMEMBERED_AT_MOST);
}

export const forget = (asked: readonly Asked[], text: string): Asked[] => asked.filter((query) => query.text !== text);

/** Whatever can be made of what was stored; anything else is left out. */
export function readAsked(stored: unknown): Asked[] {
  if (!Array.isArray(stored)) return [];
  return stored
    .filter((query): query is Asked => typeof query?.text === "string" && query.text.length <= LONGEST && Number.isFinite(query?.atMs))
    .slice(0, REMEMBERED_AT_MOST);
}

/** Steps through the list with the arrows. Below the newest is the draft, as it was when the stepping began. */
export class Walk {
  #at = -1;
  #draft = "";

  /** `by` 1 is older. The text to show, or null at either end. */
  step(asked: readonly Asked[], current: string, by: 1 | -1): string | null {
    // Whoever edited what the list gave has a new draft.
    if (this.#at === -1 || asked[this.#at]?.text !== current) {
      this.#at = -1;
      this.#draft = current;
    }
    // The newest is often what stands there already.
    const skip = this.#at === -1 && by === 1 && asked[0]?.text === current.trim() ? 1 : 0;
    const to = this.#at + by + skip;
    if (to < -1 || to >= asked.length) return null;
    this.#at = to;
    return to === -1 ? this.#draft : asked[to]!.text;
  }
}
