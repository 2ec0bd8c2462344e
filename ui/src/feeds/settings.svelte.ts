import { USUAL_HEIGHT } from "../shared/split";

/** What the desk remembers between windows. */
export type Theme = "dark" | "light";
export const DOCK_TABS = ["trades", "ledger", "patterns", "analyst", "sessions", "sql", "pipeline"] as const;
export type DockTab = (typeof DOCK_TABS)[number];
export type SideTab = "trade" | "feed";

interface Remembered {
  theme: Theme;
  pair: string | null;
  interval: string;
  side: boolean;
  sideTab: SideTab;
  sounds: boolean;
  /** Ends of the hours like this one are marked on the chart. */
  matches: boolean;
  /** The analyst's notes are marked on the chart. */
  notes: boolean;
  dockOpen: boolean;
  dockTab: DockTab;
  dockHeight: number;
}

const KEY = "tapedeck.desk";
const WIDE_ENOUGH_FOR_SIDE = 1200;
const TALL_ENOUGH_FOR_DOCK = 900;

function recall(): Remembered {
  const fresh: Remembered = {
    theme: "dark",
    pair: null,
    interval: "1m",
    side: window.innerWidth >= WIDE_ENOUGH_FOR_SIDE,
    sideTab: "trade",
    sounds: false,
    matches: true,
    notes: true,
    dockOpen: window.innerHeight >= TALL_ENOUGH_FOR_DOCK,
    dockTab: "sql",
    dockHeight: USUAL_HEIGHT,
  };
  try {
    return { ...fresh, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Remembered>) };
  } catch {
    return fresh;
  }
}

class Settings {
  #kept = $state<Remembered>(recall());

  constructor() {
    const asked = new URLSearchParams(location.search).get("theme");
    if (asked === "light" || asked === "dark") this.#kept.theme = asked;
    document.documentElement.dataset.theme = this.#kept.theme;
  }

  get theme() {
    return this.#kept.theme;
  }
  set theme(theme: Theme) {
    this.#keep({ theme });
    document.documentElement.dataset.theme = theme;
  }

  get pair() {
    return this.#kept.pair;
  }
  set pair(pair: string | null) {
    this.#keep({ pair });
  }

  get interval() {
    return this.#kept.interval;
  }
  set interval(interval: string) {
    this.#keep({ interval });
  }

  get side() {
    return this.#kept.side;
  }
  set side(side: boolean) {
    this.#keep({ side });
  }

  get sideTab(): SideTab {
    return this.#kept.sideTab === "feed" ? "feed" : "trade";
  }
  set sideTab(sideTab: SideTab) {
    this.#keep({ sideTab });
  }

  get sounds() {
    return this.#kept.sounds;
  }
  set sounds(sounds: boolean) {
    this.#keep({ sounds });
  }

  get matches() {
    return this.#kept.matches;
  }
  set matches(matches: boolean) {
    this.#keep({ matches });
  }

  get notes() {
    return this.#kept.notes;
  }
  set notes(notes: boolean) {
    this.#keep({ notes });
  }

  get dockOpen() {
    return this.#kept.dockOpen;
  }
  set dockOpen(dockOpen: boolean) {
    this.#keep({ dockOpen });
  }

  get dockTab(): DockTab {
    return DOCK_TABS.find((tab) => tab === this.#kept.dockTab) ?? "sql";
  }
  set dockTab(dockTab: DockTab) {
    this.#keep({ dockTab });
  }

  get dockHeight() {
    return this.#kept.dockHeight;
  }
  set dockHeight(dockHeight: number) {
    this.#keep({ dockHeight });
  }

  #keep(change: Partial<Remembered>) {
    Object.assign(this.#kept, change);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // A page that may not store simply forgets.
    }
  }
}

export const settings = new Settings();
