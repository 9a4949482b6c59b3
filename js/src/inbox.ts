/** No more is read while more than this many bytes of messages are queued. */
const HIGH_WATER = 1 << 18;

/** How long the program may take to answer messages before the connection ends, in milliseconds. */
const GRACE = 1000;

/** A source of messages that can be paused. */
interface Deliverer {
  pause(): void;
  resume(): void;
}

/** The queue of received messages. */
export class Inbox {
  readonly #deliverer: Deliverer;
  #messages: (string | Uint8Array)[] = [];
  #size = 0;
  #takers: { resolve: (next: IteratorResult<string | Uint8Array>) => void; reject: (error: Error) => void }[] = [];
  #pipe: ((message: string | Uint8Array) => void) | undefined;
  #onPiped: (then: () => void) => void = (then) => then();
  #onDrained: (() => void) | undefined;
  /** The program is iterating over messages. */
  #isTaking = false;
  #hasEnded = false;
  #error: Error | undefined;

  constructor(deliverer: Deliverer) {
    this.#deliverer = deliverer;
  }

  /** How many messages are queued for a program that takes them. */
  get waiting(): number {
    return this.#isTaking ? this.#messages.length : 0;
  }

  put(message: string | Uint8Array): void {
    if (this.#pipe) return this.#pipe(message);
    const taker = this.#takers.shift();
    if (taker) return taker.resolve({ done: false, value: message });
    this.#messages.push(message);
    this.#size += message.length;
    if (this.#size > HIGH_WATER) this.#deliverer.pause();
  }

  /**
   * Calls back, once, when the program asks for another message after the last one, and so had time to answer it, or
   * stops iterating; at the latest after a second.
   */
  onDrained(then: () => void): void {
    if (this.#pipe) return this.#onPiped(then);
    const isNobodyAtWork = this.#messages.length === 0 && !this.#isTaking;
    if (this.#takers.length > 0 || isNobodyAtWork) return then();
    const timer = setTimeout(() => this.#taken(), GRACE);
    this.#onDrained = () => {
      clearTimeout(timer);
      then();
    };
  }

  #taken(): void {
    const then = this.#onDrained;
    this.#onDrained = undefined;
    then?.();
  }

  /** Ends the queue, with or without an error. */
  end(error: Error | undefined): void {
    this.#taken();
    this.#hasEnded = true;
    this.#error = error;
    for (const { resolve, reject } of this.#takers.splice(0)) {
      // The first waiting call gets the error, the others the end.
      if (this.#error) reject(this.#error);
      else resolve({ done: true, value: undefined });
      this.#error = undefined;
    }
  }

  next(): Promise<IteratorResult<string | Uint8Array>> {
    this.#isTaking = true;
    // The callback may end the queue.
    if (this.#messages.length === 0) this.#taken();
    const message = this.#messages.shift();
    if (message !== undefined) {
      const wasFull = this.#size > HIGH_WATER;
      this.#size -= message.length;
      if (wasFull && this.#size <= HIGH_WATER && !this.#hasEnded) this.#deliverer.resume();
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#error) {
      const error = this.#error;
      this.#error = undefined;
      return Promise.reject(error);
    }
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
    });
  }

  /** The program has stopped iterating. */
  leave(): void {
    this.#isTaking = false;
    if (this.#messages.length === 0) this.#taken();
  }

  /** Passes all queued and later messages to a listener. `whenDone` calls back when it had time to answer them. */
  pipe(to: (message: string | Uint8Array) => void, whenDone = this.#onPiped): void {
    this.#pipe = to;
    this.#onPiped = whenDone;
    for (const message of this.#messages.splice(0)) to(message);
    if (this.#size > HIGH_WATER && !this.#hasEnded) this.#deliverer.resume();
    this.#size = 0;
    this.#taken();
  }
}
