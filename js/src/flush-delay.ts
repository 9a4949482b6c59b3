import { nanoseconds } from './time.js';

/** How many turns of the microtask queue the program may take for each message. */
const TURNS = 4;
/** The maximum wait in total, in nanoseconds. */
const LONGEST = 1_000_000;

/** Delays output while the program takes one message after the other, to send its answers together. */
export class FlushDelay {
  #waiting = 0;
  #turns = 0;
  #since = 0;

  /** Starts a delay, with this many messages not taken yet. */
  begin(waiting: number): void {
    this.#waiting = waiting;
    this.#turns = TURNS;
    if (waiting > 0) this.#since = nanoseconds();
  }

  /** Returns whether to wait for another turn. */
  lasts(waiting: number): boolean {
    this.#turns = waiting < this.#waiting ? TURNS : this.#turns - 1;
    this.#waiting = waiting;
    return waiting > 0 && this.#turns > 0 && nanoseconds() - this.#since < LONGEST;
  }
}
