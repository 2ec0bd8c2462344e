/** Sessions of a made-up tape: what the tab does with them, and none of the trading that makes them. */
import { HostError, type SessionCommand, type SessionRow } from "./host";

const said = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace("T", " ");

export class MadeUpSessions {
  #rows: SessionRow[];
  #deleted = new Map<string, SessionRow>();
  #told = "";

  constructor(name: string) {
    this.#rows = [{ number: 0, id: null, name, left: null, left_at: null, orders: null, reached_at: null, equity: null, archived: false, on_deck: true }];
  }

  /** A tree as a day of trying things leaves it behind. */
  grow(fromMs: number, toMs: number, longNames: boolean) {
    const at = (share: number) => said(fromMs + share * (toMs - fromMs));
    const fork = (number: number, left: number, share: number, reached: number, more: Partial<SessionRow> = {}): SessionRow => ({
      number, id: String(number).padStart(4, "0"), name: `Session ${number}`, left, left_at: at(share), orders: number * 3, reached_at: at(reached), equity: (100_000 + number * 137.4519).toFixed(8), archived: false, on_deck: false, ...more,
    });
    this.#rows = [
      { ...this.#rows[0]!, orders: 4, reached_at: at(0.59), equity: "100011.09" },
      fork(1, 0, 0.2, 0.9, longNames ? { name: "Breakout above the Asian range, with a wide stop and two thirds off at the first target", equity: "-90071992547.12345678", orders: 12_345_678 } : {}),
      fork(2, 1, 0.3, 0.5),
      fork(3, 0, 0.4, 0.41, { name: "No stops", equity: "99012.5", on_deck: false }),
      fork(4, 2, 0.45, 0.8, { archived: true, reached_at: null, equity: null, orders: null }),
      fork(5, 4, 0.5, 0.99),
      // Told the same as the third.
      fork(6, 3, 0.41, 0.41, { name: "No stops, once more", orders: 9, equity: "99012.5" }),
    ];
  }

  /** Null when it is as it was told last; with `fresh` always all of it. */
  frame(fresh: boolean): SessionRow[] | null {
    const now = JSON.stringify(this.#rows);
    if (now === this.#told && !fresh) return null;
    this.#told = now;
    return this.#rows;
  }

  row(number: number): SessionRow {
    const row = this.#rows.find((row) => row.number === number);
    if (!row) throw unknown();
    return row;
  }

  traded(atMs: number, equity: string) {
    this.#change(this.#onDeck.number, { orders: (this.#onDeck.orders ?? 0) + 1, reached_at: said(atMs), equity });
  }

  get #onDeck(): SessionRow {
    return this.#rows.find((row) => row.on_deck) ?? this.#rows[0]!;
  }

  /** `moveTo`: where one that is resumed was left. */
  tell(command: SessionCommand, moveTo: (ms: number) => void): string | null {
    if (command.action === "bring_back") {
      const row = this.#deleted.get(command.id);
      if (!row) throw unknown();
      this.#deleted.delete(command.id);
      this.#rows = [...this.#rows, row].sort((a, b) => a.number - b.number);
      return null;
    }
    const row = this.row(command.number);
    switch (command.action) {
      case "take":
        this.#rows = this.#rows.map((other) => ({ ...other, on_deck: other === row }));
        if (command.resume && row.reached_at) moveTo(Date.parse(`${row.reached_at.replace(" ", "T")}Z`));
        break;
      case "rename":
        if (this.#rows.some(({ name, number }) => name === command.name && number !== row.number)) {
          throw new HostError({ code: "session_name_taken", what: `There is a session “${command.name}” already.`, kept: "The name is as it was.", do: "Choose another name." });
        }
        this.#change(row.number, { name: command.name });
        break;
      case "archive":
        this.#change(row.number, { archived: command.archived });
        break;
      case "delete":
        this.#rows = this.#rows.filter((other) => other !== row).map((other) => (row.on_deck && other.number === 0 ? { ...other, on_deck: true } : other));
        this.#deleted.set(row.id ?? "", { ...row, on_deck: false });
        return row.id;
    }
    return null;
  }

  #change(number: number, change: Partial<SessionRow>) {
    this.#rows = this.#rows.map((row) => (row.number === number ? { ...row, ...change } : row));
  }
}

const unknown = () => new HostError({ code: "unknown_session", what: "There is no such session.", kept: "Nothing was changed.", do: "Choose one of the list." });
