import type { Outgoing, OutgoingKind } from '../component/interfaces/websocket-protocol-session.js';
import type { WebSocketError } from './error.js';
import { concat } from './payload.js';

/** Something to send. */
export interface Send {
  kind: OutgoingKind;
  bytes: Uint8Array;
  /** It was written, or why it was not. */
  done: ((error?: Error) => void) | undefined;
}

/** Records for the session, and the payload that they point into. */
interface Packed {
  outgoing: Outgoing[];
  payload: Uint8Array;
}

const NOTHING: Packed = { outgoing: [], payload: new Uint8Array() };

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

  /** All that waits, as the session takes it; nothing unless `canSend`. */
  records(canSend: boolean): Packed {
    if (!canSend || this.#waiting.length === 0) return NOTHING;
    let start = 0;
    const outgoing = this.#waiting.map(({ kind, bytes }) => {
      const record = { kind, start, length: bytes.length };
      start += bytes.length;
      return record;
    });
    const [first] = this.#waiting;
    const payload = first && outgoing.length === 1 ? first.bytes : concat(this.#waiting.map(({ bytes }) => bytes));
    return { outgoing, payload };
  }

  /** The session has queued the first `accepted` records, and refused the next if there is an error. */
  taken(accepted: number, refused: WebSocketError | undefined): void {
    // There is room for it once what waits has been written.
    const isRefused = refused !== undefined && refused.rule !== 'queue-full';
    for (const { bytes, done } of this.#waiting.splice(0, accepted)) {
      this.#size -= bytes.length;
      if (done) this.#written.push(done);
    }
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
