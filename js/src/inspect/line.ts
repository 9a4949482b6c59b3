import type { Duplex } from '../duplex.js';

/** What a line reports. */
export interface LineListener {
  data(bytes: Uint8Array): void;
  /** The side sends no more, or is lost, perhaps with an error. */
  end(error?: Error): void;
  /** The side accepts output again. */
  drained(): void;
}

/** The maximum bytes of one write, so that the progress of a slow duplex is noticed. */
const CHUNK = 1 << 16;
/** How long a duplex may take for its next bytes after the connection is over, in milliseconds. */
const FLUSH_TIME = 2000;

/** The transport to one side. */
export class Line {
  readonly #duplex: Duplex;
  #listener: LineListener | undefined;
  /** Output that the duplex has no room for. */
  #waiting: Uint8Array[] = [];
  #isFull = false;
  #isReading = true;
  #isEnding = false;
  #hasEnded = false;
  #hasInputEnded = false;
  #isGone = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(duplex: Duplex) {
    this.#duplex = duplex;
  }

  start(listener: LineListener): void {
    this.#listener = listener;
    this.#try(() => this.#duplex.start({
      data: (bytes) => listener.data(bytes),
      end: () => this.#inputEnded(),
      drained: () => {
        this.#isFull = false;
        this.#flush();
        if (this.#timer !== undefined) this.#startTimer();
        listener.drained();
      },
      closed: (error) => this.#lost(error),
    }));
  }

  /** Whether it accepts no output for now. */
  get isBlocked(): boolean {
    return this.#isFull;
  }

  get hasInputEnded(): boolean {
    return this.#hasInputEnded;
  }

  /** Whether nothing is read or written any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Writes as soon as there is room. */
  write(bytes: Uint8Array): void {
    if (this.#isGone) return;
    this.#waiting.push(bytes);
    this.#flush();
  }

  /** Sets whether to read from the side. Returns whether that has changed. */
  setReading(reads: boolean): boolean {
    if (reads === this.#isReading || this.#isGone) return false;
    this.#isReading = reads;
    this.#try(() => (reads ? this.#duplex.resume() : this.#duplex.pause()));
    return true;
  }

  /** Ends writing, once all output was written. */
  end(): void {
    this.#isEnding = true;
    this.#flush();
  }

  /** Drops the transport at once. */
  destroy(): void {
    if (this.#isGone) return;
    this.#try(() => this.#duplex.destroy());
    this.#lost(undefined);
  }

  /** Ends the line; pending output is still written. */
  finish(): void {
    // The side had time to end.
    if (!this.#hasInputEnded) return this.destroy();
    this.end();
    if (this.#isGone) return;
    this.setReading(true);
    this.#startTimer();
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.destroy(), FLUSH_TIME);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #flush(): void {
    while (!this.#isFull && !this.#isGone) {
      const first = this.#waiting.shift();
      if (!first) break;
      const isLong = first.length > CHUNK;
      if (isLong) this.#waiting.unshift(first.subarray(CHUNK));
      this.#try(() => {
        this.#isFull = !this.#duplex.write(isLong ? first.slice(0, CHUNK) : first);
      });
    }
    if (!this.#isEnding || this.#hasEnded || this.#isGone || this.#waiting.length > 0) return;
    this.#hasEnded = true;
    this.#try(() => this.#duplex.end());
  }

  /** A duplex that throws has lost the connection. */
  #try(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#lost(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #inputEnded(error?: Error): void {
    const isNew = !this.#hasInputEnded;
    this.#hasInputEnded = true;
    if (isNew || error) this.#listener?.end(error);
  }

  #lost(error: Error | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isFull = false;
    this.#waiting = [];
    clearTimeout(this.#timer);
    this.#inputEnded(error);
    // Reading from the other side continues.
    this.#listener?.drained();
  }
}
