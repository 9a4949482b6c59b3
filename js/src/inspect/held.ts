const NOTHING = new Uint8Array();

/** Bytes that were read and may not be forwarded yet. */
export class Held {
  #buffer: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** All held bytes, valid until the next call. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) {
      const length = this.length + bytes.length;
      // Most held bytes are forwarded with the next read. Doubling keeps the copies of the others few, even for small
      // reads.
      const room = new Uint8Array(this.length === 0 ? length : 2 * length);
      room.set(this.bytes);
      [this.#buffer, this.#start, this.#end] = [room, 0, this.length];
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Drops the first bytes; with none left, no memory is held either. */
  drop(count: number): void {
    this.#start += count;
    if (this.#start >= this.#end) [this.#buffer, this.#start, this.#end] = [NOTHING, 0, 0];
  }
}
