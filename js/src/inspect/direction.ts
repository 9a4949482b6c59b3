import type { Edit, End, Forwarding } from '../../component/interfaces/websocket-protocol-inspector.js';
import { concat } from '../payload.js';
import { Held } from './held.js';

const NOTHING = new Uint8Array();

/**
 * What one side sends, on its way to the other: what may not go on yet, and what the inspector has said of it.
 *
 * Positions count the bytes that the side has sent, as the inspector's do. They are rounded above 2^53, where none gets.
 */
export class Direction {
  /** How many bytes that come next need not be looked at. */
  skippable = 0;
  /** How many of them came that the inspector doesn't know of yet. */
  skipped = 0;
  /** How many bytes behind them can be looked at together, if they are there. */
  wanted = 0;
  /** The last frame was long, and so the next one may be. */
  isByHeader = false;
  /** What can be looked at once the other half of the handshake has come. It is held too. */
  rest: Uint8Array = NOTHING;
  readonly #held = new Held();
  #position = 0;
  #to = 0;
  /** Those that wait for their position. */
  #edits: Edit[] = [];
  #end: End = 'none';
  #isFinal = false;

  /** How many bytes are held. */
  get held(): number {
    return this.#held.length;
  }

  /** How the transport to the receiver ends, now that all that may go on was given out. */
  get end(): End {
    const isAwaited = this.#position < this.#to || this.#edits.length > 0;
    return this.#end === 'shutdown' && isAwaited ? 'none' : this.#end;
  }

  /** Skips what need not be looked at. Returns the rest of the input. */
  skip(input: Uint8Array): Uint8Array {
    const count = Math.min(this.skippable, input.length);
    this.skippable -= count;
    this.skipped += count;
    return input.subarray(count);
  }

  /** Takes note of what may go on. */
  note({ to, edits, end, isFinal }: Forwarding): void {
    this.#to = Math.max(this.#to, Number(to));
    this.#edits.push(...edits);
    this.#end = end;
    this.#isFinal = isFinal;
  }

  /** What may go on of what is held and of `input`, which follows it, in memory of its own. The rest is held. */
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

  /** Adds what may go on of these bytes to `parts`. Returns how many of them have gone on, or were left out. */
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
