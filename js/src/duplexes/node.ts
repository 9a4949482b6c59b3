import type { Duplex, DuplexListener } from '../duplex.js';

/** The required members of Node's `stream.Duplex`, for programs without Node's types. */
export interface NodeStream {
  on(event: string, listener: (...values: any[]) => void): this;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  pause(): unknown;
  resume(): unknown;
  pipe: unknown;
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  readonly errored: Error | null;
  readonly writableLength: number;
}

/** A duplex over a Node stream, such as a `net.Socket` or `tls.TLSSocket`. */
export class NodeDuplex implements Duplex {
  readonly #stream: NodeStream;
  #error: Error | undefined;

  constructor(stream: NodeStream) {
    this.#stream = stream;
  }

  start(listener: DuplexListener): void {
    this.#stream
      .on('data', (bytes: Uint8Array) => listener.data(bytes))
      .on('end', () => listener.end())
      .on('drain', () => listener.drained())
      .on('error', (error: Error) => {
        this.#error = error;
      })
      .on('close', () => listener.closed(this.#error));
    // The stream may have been destroyed, or have ended, before there was a listener.
    if (this.#stream.destroyed) queueMicrotask(() => listener.closed(this.#stream.errored ?? undefined));
    else if (this.#stream.readableEnded) queueMicrotask(() => listener.end());
  }

  get writableLength(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    return this.#stream.destroyed || this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
