import { NO_CODE } from './codes.js';
import type { WebSocketError } from './error.js';

/** What is sent, as the contract's `outgoing-kind` has it: the number of the case, and what it holds. */
export interface Kind {
  readonly number: number;
  /** Of messages, 1 not to compress them; of a close frame, 1 if it has a code. */
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

/** A message, or a fragment of one that is not the last. It is compressed if that was negotiated and `compress` says so. */
export function messageOf(isText: boolean, compress: boolean, isFragment = false): Kind {
  const [compressed, plain] = isFragment ? (isText ? TEXT_FRAGMENT : BINARY_FRAGMENT) : isText ? TEXT : BINARY;
  return compress ? compressed : plain;
}

/** A close frame with this code, or without one. */
export function closeOf(code: number): Kind {
  return code === NO_CODE ? kind(6) : { number: 6, flag: 1, code };
}

/** Whether it is a whole message, and which. */
export function wholeOf({ number }: Kind): 'text' | 'binary' | undefined {
  return number === TEXT[0].number ? 'text' : number === BINARY[0].number ? 'binary' : undefined;
}

/** Something to send. */
export interface Send {
  kind: Kind;
  bytes: Uint8Array;
  /** Of a text: the bytes may be no UTF-8, which the session finds out. */
  isUnchecked?: boolean;
  /** It was written, or why it was not. */
  done: ((error?: Error) => void) | undefined;
}

const NOTHING: readonly Send[] = [];

/** What a program has sent and the transport has not taken yet, but for what the session has queued. */
export class Outbox {
  /** What the session has yet to take. */
  #waiting: Send[] = [];
  /** What was written, and may still wait in the duplex. */
  #written: ((error?: Error) => void)[] = [];
  #size = 0;

  /** How many bytes the session has yet to take. */
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

  /** All that waits; nothing unless `canSend`. */
  waiting(canSend: boolean): readonly Send[] {
    return canSend ? this.#waiting : NOTHING;
  }

  /** What waits, if nothing else does. */
  get alone(): Send | undefined {
    return this.#waiting.length === 1 ? this.#waiting[0] : undefined;
  }

  /** The session has queued the first `accepted`, and refused the next if there is an error. */
  taken(accepted: number, refused: WebSocketError | undefined): void {
    if (accepted > 0) {
      for (const { bytes, done } of this.#waiting.splice(0, accepted)) {
        this.#size -= bytes.length;
        if (done) this.#written.push(done);
      }
    }
    // There is room for it once what waits has been written.
    const isRefused = refused !== undefined && refused.rule !== 'queue-full';
    const next = isRefused ? this.#waiting.shift() : undefined;
    if (!next) return;
    this.#size -= next.bytes.length;
    if (next.done) queueMicrotask(() => next.done?.(refused));
  }

  /** The bytes of all that was written have left for the network. */
  settle(): void {
    if (this.#written.length === 0) return;
    for (const done of this.#written.splice(0)) queueMicrotask(() => done());
  }

  /** The session takes no more. */
  refuse(reason: Error): void {
    for (const { done } of this.#waiting.splice(0)) if (done) queueMicrotask(() => done(reason));
    this.#size = 0;
  }

  /** The transport takes no more. */
  cancel(reason: Error): void {
    for (const done of this.#written.splice(0)) queueMicrotask(() => done(reason));
  }
}
