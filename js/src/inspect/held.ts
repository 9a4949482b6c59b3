const NOTHING = new Uint8Array();

/** Bytes that were read and may not go on yet. */
export class Held {
  #buffer: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Them all, until the next call. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  append(bytes: Uint8Array): void {
    if (this.#end + bytes.length > this.#buffer.length) {
      const length = this.length + bytes.length;
      // Most of what is held goes on with the next read. What doesn't is copied a few times only, however small the reads.
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
