import { nanoseconds } from './time.js';

/** How many turns of the microtask queue a program may take from one message to the next. */
const TURNS = 4;
/** The longest wait in all, in nanoseconds. */
const LONGEST = 1_000_000;

/** How long output waits for a program that takes one message after the other, and may answer each of them. */
export class Patience {
  #waiting = 0;
  #turns = 0;
  #since = 0;

  /** Something is to be sent, and so many messages wait to be taken. */
  begin(waiting: number): void {
    this.#waiting = waiting;
    this.#turns = TURNS;
    if (waiting > 0) this.#since = nanoseconds();
  }

  /** Whether to wait for another turn. */
  lasts(waiting: number): boolean {
    this.#turns = waiting < this.#waiting ? TURNS : this.#turns - 1;
    this.#waiting = waiting;
    return waiting > 0 && this.#turns > 0 && nanoseconds() - this.#since < LONGEST;
  }
}
