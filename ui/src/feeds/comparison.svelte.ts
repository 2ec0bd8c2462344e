/** Two sessions that are picked, how comparing them stands, and what came of it. */
import { type Comparing, type ComparisonView, type Deck, type Failure, failureOf, type Frame, type Host, type SessionRow } from "../host";
import { changedSince, foundAgain, pick } from "./comparison";
import { failures } from "./failures.svelte";

interface Asked {
  deck: Deck;
  /** As the list had them. */
  first: SessionRow;
  second: SessionRow;
  /** The newest run of before. */
  after: number;
}

export type Standing = { kind: "running"; share: number; cancelling: boolean } | { kind: "cancelled" } | { kind: "failed"; failure: Failure } | { kind: "done" };

export class ComparisonFeed {
  /** The first of two, by its number in the list. */
  picked = $state.raw<number | null>(null);
  /** It is looked at, and not the list of sessions. */
  open = $state(false);
  /** What came of the pair that was asked for last, and the pair as it was then. While it is run again it stands. */
  #result = $state.raw<{ view: ComparisonView; of: readonly SessionRow[] } | null>(null);
  #asked = $state.raw<Asked | null>(null);
  #newest = $state.raw<Comparing | null>(null);
  /** It could not be asked for, or not be read. */
  #failure = $state.raw<Failure | null>(null);
  #cancelling = $state(false);
  #deck = $state.raw<Deck | null>(null);
  #run = 0;
  /** The run whose result was asked for. */
  #read = 0;

  constructor(private readonly host: Pick<Host, "compare" | "cancelComparison" | "comparison">) {}

  frame({ deck, comparing }: Pick<Frame, "deck" | "comparing">) {
    // Numbers are of another tape.
    if (deck !== this.#deck) [this.#deck, this.picked, this.open] = [deck, null, false];
    this.#run = comparing?.run ?? 0;
    if (!comparing || !this.#isAsked(comparing)) return;
    if (!isSame(this.#newest, comparing)) this.#newest = comparing;
    if (comparing.state !== "running") this.#cancelling = false;
    if (comparing.state === "done" && this.#read !== comparing.run) void this.#readView(comparing.run);
  }

  /** Of the tape on the deck. */
  get pair(): readonly [SessionRow, SessionRow] | null {
    return this.#asked && this.#asked.deck === this.#deck ? [this.#asked.first, this.#asked.second] : null;
  }

  get view(): ComparisonView | null {
    return this.pair && this.#result ? this.#result.view : null;
  }

  get standing(): Standing | null {
    if (!this.pair) return null;
    const newest = this.#newest;
    if (this.#failure) return { kind: "failed", failure: this.#failure };
    if (newest?.failure) return { kind: "failed", failure: newest.failure };
    if (newest?.state === "cancelled") return { kind: "cancelled" };
    if (newest?.state === "done" && this.view?.run === newest.run) return { kind: "done" };
    return { kind: "running", share: newest?.share ?? 0, cancelling: this.#cancelling };
  }

  /** Why what is shown is of before; null while it holds. */
  changed(rows: readonly SessionRow[] | null): string | null {
    return this.pair && this.#result ? changedSince(this.#result.of, rows) : null;
  }

  pick(rows: readonly SessionRow[], row: SessionRow) {
    const picked = pick(rows, this.picked, row);
    if (picked.kind === "pair") void this.compare(picked.first, picked.second);
    else this.picked = picked.kind === "first" ? picked.number : null;
  }

  unpick() {
    this.picked = null;
  }

  async compare(first: SessionRow, second: SessionRow) {
    const [deck, before] = [this.#deck, this.pair];
    if (!deck) return;
    const again = before !== null && foundAgain([first], before[0]) !== null && foundAgain([second], before[1]) !== null;
    if (!again) this.#result = null;
    const asked = { deck, first, second, after: this.#run };
    [this.#asked, this.picked, this.open] = [asked, null, true];
    [this.#newest, this.#failure, this.#cancelling] = [null, null, false];
    try {
      await this.host.compare(first.number, second.number);
    } catch (thrown) {
      if (asked === this.#asked) this.#failure = failureOf(thrown);
    }
  }

  /** The pair as it is now; one that is gone can not be. */
  again(rows: readonly SessionRow[]) {
    const [first, second] = (this.pair ?? []).map((row) => foundAgain(rows, row));
    if (first && second) void this.compare(first, second);
  }

  canAgain(rows: readonly SessionRow[] | null): boolean {
    return rows !== null && this.pair !== null && this.pair.every((row) => foundAgain(rows, row) !== null);
  }

  async cancel() {
    this.#cancelling = true;
    try {
      await this.host.cancelComparison();
    } catch (thrown) {
      this.#cancelling = false;
      failures.add(thrown);
    }
  }

  /** A run of the pair that was asked for, begun after it was. */
  #isAsked({ run, first, second }: Comparing): boolean {
    const asked = this.#asked;
    return asked !== null && run > asked.after && first === asked.first.number && second === asked.second.number;
  }

  async #readView(run: number) {
    this.#read = run;
    const asked = this.#asked;
    try {
      const view = await this.host.comparison();
      // Of a later one a later frame tells.
      if (asked && asked === this.#asked && view.run === run) this.#result = { view, of: [asked.first, asked.second] };
    } catch (thrown) {
      if (asked === this.#asked) this.#failure = failureOf(thrown);
    }
  }
}

const isSame = (one: Comparing | null, other: Comparing): boolean => one !== null && one.run === other.run && one.state === other.state && one.share === other.share;
