/** The sessions of the tape on the deck, and what is done with them. */
import type { Deck, Frame, Host, SessionCommand, SessionRow } from "../host";
import { failures } from "./failures.svelte";

export const UNDO_MS = 10_000;
/** Lines of deleted sessions that can be brought back. */
const UNDONE_AT_MOST = 3;

export interface Deleted {
  id: string;
  name: string;
}

export class SessionsFeed {
  /** Null until the core has said. */
  rows = $state.raw<readonly SessionRow[] | null>(null);
  /** Of the last ten seconds, newest last. */
  deleted = $state.raw<readonly Deleted[]>([]);
  /** Something is being done: one thing at a time, for numbers are of the newest frame. */
  busy = $state(false);
  #deck: Deck | null = null;

  constructor(private readonly host: Pick<Host, "session">) {}

  frame({ sessions, deck }: Pick<Frame, "sessions" | "deck">) {
    if (deck !== this.#deck) {
      // Of another tape.
      [this.rows, this.deleted] = [null, []];
      this.#deck = deck;
    }
    if (sessions) this.rows = sessions;
  }

  take(number: number, resume: boolean): Promise<boolean> {
    return this.#do({ action: "take", number, resume });
  }

  rename(number: number, name: string): Promise<boolean> {
    return this.#do({ action: "rename", number, name });
  }

  archive(number: number, archived: boolean): Promise<boolean> {
    return this.#do({ action: "archive", number, archived });
  }

  async delete({ number, name }: SessionRow) {
    const deck = this.#deck;
    await this.#do({ action: "delete", number }, (id) => {
      if (id === null || deck !== this.#deck) return;
      this.deleted = [...this.deleted, { id, name }].slice(-UNDONE_AT_MOST);
      setTimeout(() => this.#forget(id), UNDO_MS);
    });
  }

  async bringBack(id: string) {
    await this.#do({ action: "bring_back", id }, () => this.#forget(id));
  }

  #forget(id: string) {
    this.deleted = this.deleted.filter((deleted) => deleted.id !== id);
  }

  async #do(command: SessionCommand, done: (id: string | null) => void = () => {}): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    try {
      done(await this.host.session(command));
      return true;
    } catch (thrown) {
      failures.add(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
