import { type Failure, failureOf } from "../host";

const SHOWN_AT_MOST = 3;

export interface Shown extends Failure {
  id: number;
}

/** Commands that failed, newest last, until the trader has read them. The same failure twice is shown once. */
class Failures {
  shown = $state.raw<Shown[]>([]);
  #next = 1;

  add(thrown: unknown) {
    const failure = failureOf(thrown);
    const others = this.shown.filter((shown) => shown.code !== failure.code);
    this.shown = [...others, { ...failure, id: this.#next++ }].slice(-SHOWN_AT_MOST);
  }

  dismiss(id: number) {
    this.shown = this.shown.filter((shown) => shown.id !== id);
  }
}

export const failures = new Failures();
