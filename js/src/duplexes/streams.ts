import type { Duplex, DuplexListener } from '../duplex.js';

/** A pair of WHATWG streams, such as a `WebTransportBidirectionalStream`, a serial port or Node's `Duplex.toWeb`. */
export interface StreamPair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** A duplex over WHATWG streams. */
export class StreamDuplex implements Duplex {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #listener: DuplexListener | undefined;
  #resume: (() => void) | undefined;
  #paused: Promise<void> | undefined;
  #closed = false;
  #readEnded = false;
  #writeEnded = false;
  writableLength = 0;

  constructor({ readable, writable }: StreamPair) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
  }

  start(listener: DuplexListener): void {
    this.#listener = listener;
    this.#writer.closed.catch((error: unknown) => this.#close(error));
    void this.#read(listener);
  }

  write(bytes: Uint8Array): boolean {
    const { length } = bytes;
    this.writableLength += length;
    this.#writer.write(bytes).then(
      () => {
        this.writableLength -= length;
      },
      (error: unknown) => this.#close(error),
    );
    const hasRoom = (this.#writer.desiredSize ?? 0) > 0;
    if (!hasRoom) this.#writer.ready.then(() => this.#listener?.drained(), () => {});
    return hasRoom;
  }

  pause(): void {
    this.#paused ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume?.();
    this.#paused = undefined;
  }

  end(): void {
    this.#writer.close().then(
      () => {
        this.#writeEnded = true;
        this.#closeIfDone();
      },
      (error: unknown) => this.#close(error),
    );
  }

  destroy(): void {
    this.#reader.cancel().catch(() => {});
    this.#writer.abort().catch(() => {});
    this.#close();
  }

  async #read(listener: DuplexListener): Promise<void> {
    try {
      for (;;) {
        await this.#paused;
        const { done, value } = await this.#reader.read();
        if (this.#closed) return;
        if (done) break;
        await this.#paused;
        listener.data(value);
      }
      this.#readEnded = true;
      listener.end();
      this.#closeIfDone();
    } catch (error) {
      this.#close(error);
    }
  }

  #closeIfDone(): void {
    if (this.#readEnded && this.#writeEnded) this.#close();
  }

  #close(reason?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.resume();
    this.#listener?.closed(reason === undefined ? undefined : asError(reason));
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
