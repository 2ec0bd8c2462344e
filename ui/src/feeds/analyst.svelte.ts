/** The analyst's notes as of the cursor, the one that is looked at, and who writes them. */
import { type Deck, type Failure, failureOf, type Frame, type Host, type Models, type NoteRow, type NoteView, type Pulling, type ScoreRow } from "../host";
import { joined, knownAt, refreshed } from "./analyst";
import { failures } from "./failures.svelte";
import { latestOnly } from "./latest";

const MINUTE = 60_000;
const PAGE = 100;
const HELD_AT_MOST = 2_000;
/** Between two questions, however fast the tape. */
const REST_MS = 250;

type AnalystHost = Pick<Host, "notes" | "note" | "askAnalyst" | "models" | "chooseModel" | "pullModel" | "cancelPull">;

export class AnalystFeed {
  /** Newest first; null until they were read. */
  notes = $state.raw<readonly NoteRow[] | null>(null);
  scores = $state.raw<readonly ScoreRow[]>([]);
  more = $state(false);
  /** The cursor as of which they were read. */
  atMs = $state(0);
  failure = $state.raw<Failure | null>(null);
  reading = $state(false);
  /** Notes of all pairs, and not of the watched one alone. */
  across = $state(false);
  /** The note that is looked at. */
  selected = $state.raw<string | null>(null);
  view = $state.raw<NoteView | null>(null);
  viewFailure = $state.raw<Failure | null>(null);
  /** A note is being made: of which pair, and since when by `performance.now()`. */
  asking = $state.raw<{ pair: string; since: number } | null>(null);
  models = $state.raw<Models | null>(null);
  modelsFailure = $state.raw<Failure | null>(null);
  pulling = $state.raw<Pulling | null>(null);
  #looking = false;
  #deck: Deck | null = null;
  #pair = "";
  #cursorMs = 0;
  #noted = 0;
  #read = "";
  /** Grows when an answer that is under way is nobody's any more. */
  #subject = 0;
  #ask: (wish: null) => Promise<void>;
  #show: (id: string) => Promise<void>;

  constructor(
    private readonly host: AnalystHost,
    restMs = REST_MS,
  ) {
    this.#ask = latestOnly(async () => {
      await this.#readNotes();
      await new Promise((resolve) => setTimeout(resolve, restMs));
    });
    this.#show = latestOnly((id) => this.#readView(id));
  }

  frame({ deck, clock, watch, noted, pulling }: Pick<Frame, "deck" | "clock" | "watch" | "noted" | "pulling">) {
    const other = deck !== this.#deck || (watch.pair !== this.#pair && !this.across);
    const back = clock.at_ms < this.#cursorMs;
    [this.#deck, this.#pair, this.#cursorMs, this.#noted] = [deck, watch.pair, clock.at_ms, noted];
    if (other) this.#forget();
    else if (back) this.#goBack();
    this.#hearPulling(pulling);
    this.#want();
  }

  /** They are read while somebody looks at them. */
  look(looking: boolean) {
    this.#looking = looking;
    if (looking) this.#want();
  }

  again() {
    this.#read = "";
    this.#want();
  }

  switchAcross() {
    this.across = !this.across;
    this.#forget();
    this.#want();
  }

  select(id: string) {
    if (this.selected === id && this.viewFailure === null) return;
    [this.selected, this.view, this.viewFailure] = [id, null, null];
    void this.#show(id);
  }

  async older() {
    const [held, subject] = [this.notes, this.#subject];
    const oldest = held?.at(-1);
    if (!held || !oldest || !this.more || this.reading || held.length >= HELD_AT_MOST) return;
    this.reading = true;
    try {
      // Notes of one moment are of several pairs, and a page may end between them.
      const page = await this.host.notes(this.#about, oldest.as_of_ms + 1, PAGE);
      if (subject === this.#subject) [this.notes, this.more] = [joined(this.notes ?? held, page.notes), page.more];
    } catch (thrown) {
      failures.add(thrown);
    }
    this.reading = false;
  }

  /** Makes a note of the watched pair now, and shows it. */
  async askNow() {
    if (this.asking || this.#pair === "") return;
    const [pair, deck] = [this.#pair, this.#deck];
    const asking = { pair, since: performance.now() };
    this.asking = asking;
    try {
      const id = await this.host.askAnalyst(pair);
      if (this.asking === asking && deck === this.#deck && (pair === this.#pair || this.across)) {
        this.again();
        this.select(id);
      }
    } catch (thrown) {
      failures.add(thrown);
    }
    if (this.asking === asking) this.asking = null;
  }

  /** The note is kept all the same, once it is made; it does not come into view by itself. */
  stopWaiting() {
    this.asking = null;
  }

  async readModels() {
    try {
      [this.models, this.modelsFailure] = [await this.host.models(), null];
    } catch (thrown) {
      this.modelsFailure = failureOf(thrown);
    }
  }

  choose(name: string | null): Promise<void> {
    return this.#tell(() => this.host.chooseModel(name));
  }

  pull(name: string): Promise<void> {
    return this.#tell(() => this.host.pullModel(name));
  }

  cancelPull(): Promise<void> {
    return this.#tell(() => this.host.cancelPull());
  }

  async #tell(what: () => Promise<void>) {
    try {
      await what();
      await this.readModels();
    } catch (thrown) {
      failures.add(thrown);
    }
  }

  get #about(): string | null {
    return this.across ? null : this.#pair;
  }

  #forget() {
    [this.notes, this.scores, this.more, this.failure, this.#read] = [null, [], false, null, ""];
    this.#drop();
    this.#subject += 1;
  }

  /** Nothing of a later moment stays while the notes of the earlier one are read. */
  #goBack() {
    this.#subject += 1;
    this.#read = "";
    if (this.notes) [this.notes, this.scores] = [knownAt(this.notes, this.#cursorMs), []];
    if (this.selected !== null && !this.notes?.some(({ id }) => id === this.selected)) this.#drop();
    const view = this.view;
    if (view) this.view = { ...view, row: knownAt([view.row], this.#cursorMs)[0] ?? view.row };
  }

  #drop() {
    [this.selected, this.view, this.viewFailure] = [null, null, null];
  }

  #hearPulling(pulling: Pulling | null) {
    const before = this.pulling;
    if (JSON.stringify(pulling) === JSON.stringify(before)) return;
    this.pulling = pulling;
    if (pulling?.ended && before && !before.ended && this.models) void this.readModels();
  }

  #want() {
    if (!this.#looking || this.#deck === null || this.#pair === "") return;
    // With each minute too: the hour after a note ends without another note.
    const key = `${this.#noted} ${Math.floor(this.#cursorMs / MINUTE)}`;
    if (key === this.#read) return;
    this.#read = key;
    void this.#ask(null);
  }

  async #readNotes() {
    const [about, atMs, subject] = [this.#about, this.#cursorMs, this.#subject];
    this.reading = true;
    try {
      const page = await this.host.notes(about, null, PAGE);
      if (subject === this.#subject) {
        const notes = page.more ? refreshed(page.notes, this.notes ?? []) : page.notes;
        // Whether what is older than the page goes on was said when it was read.
        if (notes.length === page.notes.length) this.more = page.more;
        [this.notes, this.scores, this.atMs, this.failure] = [notes, page.scores, atMs, null];
      }
    } catch (thrown) {
      if (subject === this.#subject) this.failure = failureOf(thrown);
    }
    this.reading = false;
  }

  async #readView(id: string) {
    if (id !== this.selected) return;
    try {
      const view = await this.host.note(id);
      if (id === this.selected) this.view = view;
    } catch (thrown) {
      if (id === this.selected) this.viewFailure = failureOf(thrown);
    }
  }
}
