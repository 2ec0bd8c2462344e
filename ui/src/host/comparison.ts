/** Comparing two sessions of a made-up tape: two curves that part where the later one was begun, and differences to go with them. */
import { type Compared, type Comparing, type ComparisonView, type Difference, type EquityPoint, HostError, type Moment, type SessionRow, type TradeRow } from "./host";
import { pseudoRandom } from "./market";

const TAKES_MS = 2_500;
const POINTS = 2_000;
const MINUTE = 60_000;
const SIZE = 0.05;

const moment = (ms: number): Moment => ({ at_ms: ms, text: new Date(ms).toISOString().slice(0, 23).replace("T", " ") });
const timeOf = (said: string | null): number | null => (said === null ? null : Date.parse(`${said.replace(" ", "T")}Z`));

export class MadeUpComparison {
  #newest: Comparing | null = null;
  #pair: [SessionRow, SessionRow] | null = null;
  #fromMs = 0;
  #startedAt = 0;
  #result: ComparisonView | null = null;

  constructor(
    /** Thousands of differences, and sums of twelve digits. */
    private readonly long: boolean,
    private readonly refuses: boolean,
  ) {}

  start(first: SessionRow, second: SessionRow, fromMs: number) {
    [this.#pair, this.#fromMs, this.#startedAt] = [[first, second], fromMs, performance.now()];
    this.#newest = { run: (this.#newest?.run ?? 0) + 1, first: first.number, second: second.number, state: "running", share: 0, failure: null };
  }

  cancel() {
    if (this.#newest?.state === "running") this.#newest = { ...this.#newest, state: "cancelled" };
  }

  newest(): Comparing | null {
    if (this.#newest?.state !== "running") return this.#newest;
    const share = Math.min(1, (performance.now() - this.#startedAt) / TAKES_MS);
    this.#newest = { ...this.#newest, share };
    if (this.refuses && share > 0.4) {
      const failure = { code: "tape_damaged", what: "The tape could not be read: its block 41 fails its checksum.", kept: "Both sessions are as they were.", do: "Run tapedeck verify to see which ticks are affected." };
      this.#newest = { ...this.#newest, state: "failed", failure };
    } else if (share === 1) {
      this.#newest = { ...this.#newest, state: "done" };
      this.#result = this.#view(this.#newest.run, ...this.#pair!);
    }
    return this.#newest;
  }

  result(): ComparisonView {
    if (!this.#result) throw new HostError({ code: "nothing_compared", what: "No two sessions were compared yet.", kept: "Nothing was changed.", do: "Choose two and compare them." });
    return this.#result;
  }

  #view(run: number, first: SessionRow, second: SessionRow): ComparisonView {
    const from = this.#fromMs;
    const until = Math.max(timeOf(first.reached_at) ?? from, timeOf(second.reached_at) ?? from, from + 30 * MINUTE);
    const alike = first.orders === second.orders;
    const later = Math.max(timeOf(first.left_at) ?? from, timeOf(second.left_at) ?? from);
    const parted = alike ? null : Math.min(until, later + 12_345);
    const scale = this.long ? 900_719 : 1;
    const equity = walk(from, until, parted ?? until, scale);
    const differences = parted === null ? [] : this.#differences(parted, until, this.long ? 6_000 : 18);
    const end = equity.at(-1)!;
    return {
      run,
      first: compared(first, equity.map((point) => point.first), end.first, differences.filter((each) => !each.second), "4f", scale),
      second: compared(second, equity.map((point) => point.second), end.second, differences.filter((each) => each.second), parted === null ? "4f" : "b1", scale),
      parted: parted === null ? null : moment(parted),
      through: moment(until),
      equity,
      differences,
    };
  }

  #differences(from: number, until: number, count: number): Difference[] {
    const random = pseudoRandom(5);
    return Array.from({ length: count }, (_, index) => {
      const at = moment(Math.round(from + (index / count) * (until - from)));
      const second = random() < 0.5;
      const price = (42_000 + random() * 600).toFixed(this.long ? 8 : 2);
      const side = random() < 0.5 ? "buy" : "sell";
      const told = `${side} ${SIZE} BTC-USD limit, limit ${price}${index % 5 ? "" : `, take profit ${price}, stop loss ${price}`}`;
      return index % 2 === 0 ? { at, second, told, fill: null } : { at, second, told: null, fill: fill(index, side, price, at) };
    });
  }
}

/** Nothing is owned until the account is opened; then one curve until they part, and two after it. */
function walk(from: number, until: number, parted: number, scale: number): EquityPoint[] {
  const random = pseudoRandom(11);
  const step = Math.max(MINUTE, (until - from) / POINTS);
  const points: EquityPoint[] = [];
  let [first, second] = [0, 0];
  for (let at = from + step; at <= until; at += step) {
    if (first === 0 && at > from + (until - from) / 20) first = second = 100_000 * scale;
    const move = first === 0 ? 0 : (random() - 0.49) * 40 * scale;
    first += move;
    second += at <= parted || second === 0 ? move : (random() - 0.52) * 50 * scale;
    points.push({ at_ms: at, first, second });
  }
  return points;
}

function compared({ name }: SessionRow, curve: readonly number[], equity: number, own: readonly Difference[], hash: string, scale: number): Compared {
  let [high, fall] = [0, null as number | null];
  for (const value of curve) {
    high = Math.max(high, value);
    if (high > 0) fall = Math.max(fall ?? 0, ((high - value) / high) * 100);
  }
  const fills = own.filter((each) => each.fill !== null).length;
  return { name, equity: equity.toFixed(8), profit: (equity - 100_000 * scale).toFixed(8), fees: (4.2381 * (fills + 3)).toFixed(8), fills: fills + 3, drawdown_pct: fall, ledger_hash: hash.repeat(32) };
}

function fill(index: number, side: string, price: string, { at_ms, text }: Moment): TradeRow {
  const id = index.toString(16).padStart(8, "0").repeat(4);
  const notional = Number(price) * SIZE;
  return { trade_id: id, order_id: `m-${index}`, pair: "BTC-USD", side, price, fill_price: price, quantity: String(SIZE), fee: (notional / 1_000).toFixed(8), slippage: "0", total_cost: (notional * 1.001).toFixed(8), maker: false, assumed: false, source: "sample", event_time: `${text.replace(" ", "T")}Z`, event_time_ms: at_ms };
}
