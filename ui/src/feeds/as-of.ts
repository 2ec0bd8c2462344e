/** The moment a query reads as of. */
import { parseJump } from "../shared/time";

/** `deck` follows the deck: all there is while it is live, the tape's cursor in a replay. */
export type AsOfChoice = "deck" | "now" | "time";

export interface DeckMoment {
  live: boolean;
  cursorMs: number;
}

/** Null reads all there is. Undefined: what was typed is no time. */
export function asOfMs(choice: AsOfChoice, typed: string, deck: DeckMoment): number | null | undefined {
  switch (choice) {
    case "now":
      return null;
    case "deck":
      // The cursor of a tape that moves is between two milliseconds, and what is after it is not known yet.
      return deck.live ? null : Math.floor(deck.cursorMs);
    case "time":
      return parseJump(typed, deck.cursorMs) ?? undefined;
  }
}
