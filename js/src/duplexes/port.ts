import type { Duplex, DuplexListener } from '../duplex.js';
import { alone } from '../payload.js';

/**
 * A duplex over a `MessagePort`, to another thread, page or worker: each message is a `Uint8Array`, and `null` means
 * the end. A port has no backpressure, so writes never wait.
 */
export class PortDuplex implements Duplex {
  readonly #port: MessagePort;
  #listener: DuplexListener | undefined;
  /** Messages that were received while it was paused. */
  #held: (Uint8Array | null)[] = [];
  #paused = false;
  #closed = false;
  #ended = { by: false, to: false };
  readonly writableLength = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  start(listener: DuplexListener): void {
    this.#listener = listener;
    this.#port.addEventListener('message', this.#onmessage);
    // In newer browsers, and in Node.
    this.#port.addEventListener('close', this.#onclose);
    this.#port.start();
  }

  write(bytes: Uint8Array): boolean {
    // The buffer is transferred, so it must contain nothing else.
    const own = alone(bytes);
    this.#port.postMessage(own, [own.buffer]);
    return true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && !this.#closed && this.#held.length > 0) this.#take(this.#held.shift() ?? null);
  }

  end(): void {
    if (this.#ended.to || this.#closed) return;
    this.#ended.to = true;
    this.#port.postMessage(null);
    this.#closeIfDone();
  }

  destroy(): void {
    this.end();
    this.#close();
  }

  readonly #onmessage = ({ data }: MessageEvent<Uint8Array | null>): void => {
    if (this.#paused || this.#held.length > 0) this.#held.push(data);
    else this.#take(data);
  };

  readonly #onclose = (): void => {
    if (!this.#ended.by) this.#listener?.end();
    this.#close();
  };

  #take(data: Uint8Array | null): void {
    if (data === null) {
      this.#ended.by = true;
      this.#listener?.end();
      this.#closeIfDone();
    } else {
      this.#listener?.data(data);
    }
  }

  #closeIfDone(): void {
    if (this.#ended.by && this.#ended.to) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.removeEventListener('message', this.#onmessage);
    this.#port.removeEventListener('close', this.#onclose);
    this.#port.close();
    this.#listener?.closed();
  }
}
