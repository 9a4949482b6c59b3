/** Above this many bytes of messages that wait to be consumed, no more is read. */
const HIGH_WATER = 1 << 18;

/** How long messages may be worked on before the connection goes on to its end, in milliseconds. */
const GRACE = 1000;

/** Whoever delivers messages, and can be asked to wait. */
interface Deliverer {
  pause(): void;
  resume(): void;
}

/** Messages that wait for somebody to take them. */
export class Inbox {
  readonly #deliverer: Deliverer;
  #messages: (string | Uint8Array)[] = [];
  #size = 0;
  #takers: { resolve: (next: IteratorResult<string | Uint8Array>) => void; reject: (error: Error) => void }[] = [];
  #pour: ((message: string | Uint8Array) => void) | undefined;
  #whenPoured: (then: () => void) => void = (then) => then();
  #whenTaken: (() => void) | undefined;
  /** Somebody has come for messages, and hasn't left. */
  #isTaking = false;
  #hasEnded = false;
  #error: Error | undefined;

  constructor(deliverer: Deliverer) {
    this.#deliverer = deliverer;
  }

  /** How many messages wait for somebody who takes them. */
  get waiting(): number {
    return this.#isTaking ? this.#messages.length : 0;
  }

  put(message: string | Uint8Array): void {
    if (this.#pour) return this.#pour(message);
    const taker = this.#takers.shift();
    if (taker) return taker.resolve({ done: false, value: message });
    this.#messages.push(message);
    this.#size += message.length;
    if (this.#size > HIGH_WATER) this.#deliverer.pause();
  }

  /**
   * Calls back, once, when whoever takes the messages comes back behind the last one, which has been answered then if it
   * was to be, or has left. If neither happens, after a second.
   */
  whenTaken(then: () => void): void {
    if (this.#pour) return this.#whenPoured(then);
    const isNobodyAtWork = this.#messages.length === 0 && !this.#isTaking;
    if (this.#takers.length > 0 || isNobodyAtWork) return then();
    const timer = setTimeout(() => this.#taken(), GRACE);
    this.#whenTaken = () => {
      clearTimeout(timer);
      then();
    };
  }

  #taken(): void {
    const then = this.#whenTaken;
    this.#whenTaken = undefined;
    then?.();
  }

  /** There are no more, because of an error or not. */
  end(error: Error | undefined): void {
    this.#taken();
    this.#hasEnded = true;
    this.#error = error;
    for (const { resolve, reject } of this.#takers.splice(0)) {
      // Whoever waits first is told what happened, the others that it is over.
      if (this.#error) reject(this.#error);
      else resolve({ done: true, value: undefined });
      this.#error = undefined;
    }
  }

  next(): Promise<IteratorResult<string | Uint8Array>> {
    this.#isTaking = true;
    // It may end all this.
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

  /** Whoever took messages has left. */
  leave(): void {
    this.#isTaking = false;
    if (this.#messages.length === 0) this.#taken();
  }

  /** Whatever waits goes there now, and so does whatever comes. `whenDone` calls back once what came has been answered, if it is. */
  pour(to: (message: string | Uint8Array) => void, whenDone = this.#whenPoured): void {
    this.#pour = to;
    this.#whenPoured = whenDone;
    for (const message of this.#messages.splice(0)) to(message);
    if (this.#size > HIGH_WATER && !this.#hasEnded) this.#deliverer.resume();
    this.#size = 0;
    this.#taken();
  }
}
