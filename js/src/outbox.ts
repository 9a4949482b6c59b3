import { NO_CODE } from './codes.js';
import type { WebSocketError } from './error.js';

/** The contract's `outgoing-kind`: the index of the case, and its values. */
export interface Kind {
  readonly number: number;
  /** For messages, 1 not to compress them; for a close frame, 1 if it has a code. */
  readonly flag: 0 | 1;
  readonly code: number;
}

const kind = (number: number, flag: 0 | 1 = 0): Kind => ({ number, flag, code: 0 });
const both = (number: number): readonly [compressed: Kind, plain: Kind] => [kind(number), kind(number, 1)];

const TEXT = both(0);
const TEXT_FRAGMENT = both(1);
const BINARY = both(2);
const BINARY_FRAGMENT = both(3);
export const PING = kind(4);
export const PONG = kind(5);

/** Returns the kind of a message or of a fragment that is not the last, compressed if negotiated and `compress`. */
export function messageOf(isText: boolean, compress: boolean, isFragment = false): Kind {
  const [compressed, plain] = isFragment ? (isText ? TEXT_FRAGMENT : BINARY_FRAGMENT) : isText ? TEXT : BINARY;
  return compress ? compressed : plain;
}

/** Returns the kind of a close frame with this code, or without one. */
export function closeOf(code: number): Kind {
  return code === NO_CODE ? kind(6) : { number: 6, flag: 1, code };
}

/** Returns the type of a whole message. */
export function wholeOf({ number }: Kind): 'text' | 'binary' | undefined {
  return number === TEXT[0].number ? 'text' : number === BINARY[0].number ? 'binary' : undefined;
}

/** Something to send. */
export interface Send {
  kind: Kind;
  bytes: Uint8Array;
  /** The bytes of a text may not be UTF-8; the session checks them. */
  isUnchecked?: boolean;
  /** Called when it was written, or with the error. */
  done: ((error?: Error) => void) | undefined;
}

const NOTHING: readonly Send[] = [];

/** The queue of what the program sends, without what the session has queued. */
export class Outbox {
  /** What the session has not accepted yet. */
  #waiting: Send[] = [];
  /** What was written, and may still be buffered in the duplex. */
  #written: ((error?: Error) => void)[] = [];
  #size = 0;

  /** How many bytes the session has not accepted yet. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  put(send: Send): void {
    this.#waiting.push(send);
    this.#size += send.bytes.length;
  }

  /** Returns the queue, or nothing unless `canSend`. */
  waiting(canSend: boolean): readonly Send[] {
    return canSend ? this.#waiting : NOTHING;
  }

  /** The only queued entry, if there is exactly one. */
  get alone(): Send | undefined {
    return this.#waiting.length === 1 ? this.#waiting[0] : undefined;
  }

  /** Removes what the session has accepted, and the next entry if that was refused with an error. */
  taken(accepted: number, refused: WebSocketError | undefined): void {
    if (accepted > 0) {
      for (const { bytes, done } of this.#waiting.splice(0, accepted)) {
        this.#size -= bytes.length;
        if (done) this.#written.push(done);
      }
    }
    // It will fit once the queued output is written.
    const isRefused = refused !== undefined && refused.rule !== 'queue-full';
    const next = isRefused ? this.#waiting.shift() : undefined;
    if (!next) return;
    this.#size -= next.bytes.length;
    if (next.done) queueMicrotask(() => next.done?.(refused));
  }

  /** Calls back for everything that was written, which has left the duplex. */
  settle(): void {
    if (this.#written.length === 0) return;
    for (const done of this.#written.splice(0)) queueMicrotask(() => done());
  }

  /** Fails everything that the session has not accepted. */
  refuse(reason: Error): void {
    for (const { done } of this.#waiting.splice(0)) if (done) queueMicrotask(() => done(reason));
    this.#size = 0;
  }

  /** Fails everything that was not written. */
  cancel(reason: Error): void {
    for (const done of this.#written.splice(0)) queueMicrotask(() => done(reason));
  }
}
