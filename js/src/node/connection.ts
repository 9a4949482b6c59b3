import { isUtf8 } from 'node:buffer';
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

import type { WebsocketSession as Resource } from '../../component/interfaces/websocket-protocol-session.js';
import type { Negotiated } from '../../component/interfaces/websocket-protocol-types.js';
import { CLOSED, CLOSING, CONNECTING, NO_CLOSE, NO_CODE, OPEN } from '../codes.js';
import { Driver, type DriverListener } from '../driver.js';
import { NodeDuplex } from '../duplexes/node.js';
import type { Engine } from '../engine.js';
import { WebSocketError } from '../error.js';
import { extensionsOf } from '../handshake.js';
import { type Kind, PING, PONG, closeOf, messageOf } from '../outbox.js';
import { type Data, bytesOf } from '../payload.js';

/** How a message is sent, as in npm's ws. */
export interface SendOptions {
  /** Whether to send a binary message rather than text. Default: by the type of the data. */
  binary?: boolean;
  /** Whether to compress the message if that was negotiated. Default true. */
  compress?: boolean;
  /** Whether this is the last fragment of a message. Default true. */
  fin?: boolean;
}

type Done = (error?: Error) => void;

/** The events of a connection. */
export interface ConnectionEvents {
  message: [data: Buffer, isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
  /** A rule was broken, or the socket failed. Without a listener nothing happens; `close` follows in any case. */
  error: [error: Error];
  close: [code: number, reason: Buffer];
}

const STATES = { connecting: CONNECTING, open: OPEN, closing: CLOSING, closed: CLOSED } as const;

/** A connection of a {@link WebSocketServer}, with the interface of npm's ws. */
export class WebSocketConnection extends EventEmitter<ConnectionEvents> {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = CLOSING;
  static readonly CLOSED = CLOSED;
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = CLOSING;
  readonly CLOSED = CLOSED;
  /** The negotiated subprotocol, or an empty string. */
  readonly protocol: string;
  /** The negotiated extensions, as in the header. */
  readonly extensions: string;
  readonly #driver: Driver;
  #isPaused = false;
  /** The message in progress, of which fragments were sent. */
  #fragments: { isText: boolean } | undefined;
  #received: { code: number; reason: Buffer } | undefined;

  /** @internal */
  constructor(engine: Engine, session: Resource, socket: Duplex, { subprotocol = '', extensions }: Negotiated) {
    super();
    this.protocol = subprotocol;
    this.extensions = extensionsOf(extensions);
    this.#driver = new Driver(engine, session, new NodeDuplex(socket), this.#listener());
  }

  /** @internal Starts, with what was read after the request. */
  start(head: Buffer): void {
    this.#driver.start(head);
  }

  get readyState(): 0 | 1 | 2 | 3 {
    // It has been open since its request was accepted.
    return this.#driver.state === 'connecting' ? OPEN : STATES[this.#driver.state];
  }

  /** How many bytes were not written yet. */
  get bufferedAmount(): number {
    return this.#driver.bufferedAmount;
  }

  /** The round-trip time of the last answered ping, in milliseconds. */
  get roundTripTime(): number | undefined {
    return this.#driver.roundTripTime;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Sends a message. `done` is called when the socket has room for more; don't change the bytes before that. */
  send(data: Data | number, done?: Done): void;
  send(data: Data | number, options?: SendOptions, done?: Done): void;
  send(data: Data | number, options: SendOptions | Done = {}, done?: Done): void {
    if (typeof options === 'function') return this.send(data, {}, options);
    const { binary = typeof data !== 'string' && typeof data !== 'number', compress = true, fin = true } = options;
    const isText = this.#fragments?.isText ?? !binary;
    this.#fragments = fin ? undefined : { isText };
    this.#send(messageOf(isText, compress, !fin), data, done, isText);
  }

  /** Sends a ping of up to 125 bytes. */
  ping(data: Data | number = '', _mask?: boolean, done?: Done): void {
    this.#send(PING, data, done);
  }

  /** Sends an unsolicited pong. Pings are answered automatically. */
  pong(data: Data | number = '', _mask?: boolean, done?: Done): void {
    this.#send(PONG, data, done);
  }

  /** Closes the connection, after writing everything that was sent before. */
  close(code: number = NO_CODE, reason: string | Uint8Array = ''): void {
    if (this.readyState === OPEN) this.#send(closeOf(code), reason, (error) => error && this.#fail(error));
  }

  /** Ends the connection at once, without sending a close frame. */
  terminate(): void {
    this.#driver.abort();
  }

  /** Stops reading. Messages of input that was read already may still be emitted. */
  pause(): void {
    this.#isPaused = true;
    this.#driver.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#driver.resume();
  }

  #send(kind: Kind, data: Data | number, done: Done | undefined, isText = false): void {
    const bytes = bytesOf(typeof data === 'number' ? String(data) : data);
    const isUnchecked = isText && typeof data === 'object' && !isUtf8(bytes);
    this.#driver.send({ kind, bytes, done, isUnchecked });
  }

  #fail(error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  #listener(): DriverListener {
    return {
      requestReceived: () => {},
      opened: () => {},
      message: (bytes, isText) => this.emit('message', bufferOf(bytes), !isText),
      ping: (bytes) => this.emit('ping', bufferOf(bytes)),
      pong: (bytes) => this.emit('pong', bufferOf(bytes)),
      close: (code, reason) => {
        this.#received = { code, reason: Buffer.from(reason) };
      },
      pooled: true,
      waiting: () => 0,
      // Listeners have returned.
      whenAnswered: (then) => then(),
      finished: (error) => {
        const isLost = error instanceof WebSocketError && error.rule === 'connection-lost';
        if (error && !isLost) this.#fail(error);
      },
      ended: () => {
        const { code, reason } = this.#received ?? { code: NO_CLOSE, reason: Buffer.alloc(0) };
        this.emit('close', code, reason);
      },
    };
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
