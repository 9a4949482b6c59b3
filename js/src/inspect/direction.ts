import type { Edit, End, Forwarding } from '../../component/interfaces/websocket-protocol-inspector.js';
import { concat } from '../payload.js';
import { Held } from './held.js';

const NOTHING = new Uint8Array();

/**
 * One direction of a connection: held bytes, and what the inspector has decided on.
 *
 * Positions count the bytes that the side has sent, as in the inspector. No connection reaches 2^53, where they round.
 */
export class Direction {
  /** How many of the next bytes needn't be checked. */
  skippable = 0;
  /** How many of them were received and not reported to the inspector yet. */
  skipped = 0;
  /** How many bytes after them the inspector can process at once. */
  wanted = 0;
  /** The last frame was long, so the next one may be, too. */
  isByHeader = false;
  /** Input to check once the other half of the handshake was received. It is held, too. */
  rest: Uint8Array = NOTHING;
  readonly #held = new Held();
  #position = 0;
  #to = 0;
  /** Edits whose position was not reached yet. */
  #edits: Edit[] = [];
  #end: End = 'none';
  #isFinal = false;

  /** How many bytes are held. */
  get held(): number {
    return this.#held.length;
  }

  /** How to end the transport to the receiver, once everything was forwarded. */
  get end(): End {
    const isAwaited = this.#position < this.#to || this.#edits.length > 0;
    return this.#end === 'shutdown' && isAwaited ? 'none' : this.#end;
  }

  /** Skips what needn't be checked. Returns the rest of the input. */
  skip(input: Uint8Array): Uint8Array {
    const count = Math.min(this.skippable, input.length);
    this.skippable -= count;
    this.skipped += count;
    return input.subarray(count);
  }

  /** Records what may be forwarded. */
  note({ to, edits, end, isFinal }: Forwarding): void {
    this.#to = Math.max(this.#to, Number(to));
    this.#edits.push(...edits);
    this.#end = end;
    this.#isFinal = isFinal;
  }

  /** Returns a copy of what may be forwarded of the held bytes and of `input`, which follows them. Holds the rest. */
  forward(input: Uint8Array): Uint8Array<ArrayBuffer> {
    const isFresh = this.#held.length === 0;
    if (!isFresh) this.#held.append(input);
    const bytes = isFresh ? input : this.#held.bytes;
    const parts: Uint8Array[] = [];
    const count = this.#pass(bytes, parts);
    const output = concat(parts);
    if (!isFresh) this.#held.drop(this.#isFinal ? bytes.length : count);
    else if (!this.#isFinal && count < bytes.length) this.#held.append(bytes.subarray(count));
    return output;
  }

  /** Adds what may be forwarded of these bytes to `parts`. Returns how many were forwarded or dropped. */
  #pass(bytes: Uint8Array, parts: Uint8Array[]): number {
    let at = 0;
    const take = (position: number): Uint8Array => {
      const start = at;
      at += Math.max(0, Math.min(position - this.#position, bytes.length - at));
      this.#position += at - start;
      return bytes.subarray(start, at);
    };
    for (;;) {
      const [edit] = this.#edits;
      const next = edit ? Number(edit.at) : this.#to;
      parts.push(take(next));
      if (!edit || this.#position < next) return at;
      this.#edits.shift();
      parts.push(edit.insert);
      take(Number(edit.at + edit.skip));
    }
  }
}
