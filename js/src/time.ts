/** The longest time that `setTimeout` takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** The time in nanoseconds of a monotonic clock. */
export function nanoseconds(): number {
  return Math.round(performance.now() * 1e6);
}

/** The same, as the component wants it. */
export function now(): bigint {
  return BigInt(nanoseconds());
}

/** Rings when a deadline is due. A deadline that moves away, as most do with each message, costs no new timer. */
export class Alarm {
  readonly #ring: () => void;
  #deadline: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer goes off. */
  #set = 0;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at this time, and at no other. */
  set(deadline: number | undefined): void {
    this.#deadline = deadline;
    if (deadline === undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined || deadline < this.#set) {
      this.#start(deadline);
    }
  }

  #start(deadline: number): void {
    clearTimeout(this.#timer);
    this.#set = deadline;
    const milliseconds = Math.ceil((deadline - nanoseconds()) / 1e6);
    this.#timer = setTimeout(() => this.#check(), Math.max(0, Math.min(milliseconds, LONGEST)));
    // A connection keeps a program alive by its transport, not by its deadlines.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #check(): void {
    this.#timer = undefined;
    if (this.#deadline === undefined) return;
    if (this.#deadline <= nanoseconds()) this.#ring();
    else this.#start(this.#deadline);
  }
}
