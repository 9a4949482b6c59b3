import { CLOSED, CLOSING, CONNECTING, NO_CLOSE, NO_CODE, OPEN } from '../codes.js';
import type { Driver } from '../driver.js';
import type { Transport } from '../duplexes/index.js';
import { CloseEvent, FailureEvent } from '../events.js';
import { extensionsOf, locate } from '../handshake.js';
import { type Closed, type ConnectOptions, type Opening, ask } from '../opening.js';
import { closeOf, messageOf } from '../outbox.js';
import { alone, bytesOf } from '../payload.js';
import { asInterface, clampedUnsignedShort, domString, messageData, needArguments, stringOrSequence } from './conversions.js';
import { Handlers } from './handlers.js';
import { queueTask } from './tasks.js';

/** The events of a {@link WebSocket}. */
export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent<string | ArrayBuffer | Blob>;
  error: FailureEvent;
  close: CloseEvent;
}

type Handler<E> = ((event: E) => void) | null;

/** The W3C's `WebSocket`. */
export interface WebSocket extends EventTarget {
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly url: string;
  readonly readyState: 0 | 1 | 2 | 3;
  /** Bytes passed to `send` that the transport has not accepted. Not reset to 0 when the connection closes. */
  readonly bufferedAmount: number;
  readonly protocol: string;
  readonly extensions: string;
  binaryType: BinaryType;
  onopen: Handler<Event>;
  onmessage: Handler<MessageEvent<string | ArrayBuffer | Blob>>;
  onerror: Handler<FailureEvent>;
  onclose: Handler<CloseEvent>;
  /** @throws DOMException `InvalidStateError` before the connection is open. */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void;
  /**
   * @param code 1000, or 3000 to 4999.
   * @throws DOMException `InvalidAccessError` if the code is another, `SyntaxError` if the reason has more than 123 bytes.
   */
  close(code?: number, reason?: string): void;
  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (event: WebSocketEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** The class, with its constructor's parameters: a URL, subprotocols and options. */
export interface WebSocketClass<Arguments extends [unknown, unknown?, unknown?]> {
  new (...given: Arguments): WebSocket;
  readonly prototype: WebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}

/** How a socket opens its connection. */
export interface Way extends Omit<ConnectOptions, 'url' | 'protocols'> {
  /** Opens the transport. */
  open: (url: URL, signal: AbortSignal) => Transport | PromiseLike<Transport>;
}

/** The separators of RFC 9110, section 5.6.2, are not in a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LONGEST_REASON = 123;
const NORMAL = 1000;
const NOTHING = new Uint8Array();
/** With more bytes than this in messages that wait for their event, reading stops. */
const HIGH_WATER = 1 << 18;

/** Makes the class; `wayOf` takes the argument after the W3C's. */
export function websocketClass<Arguments extends [unknown, unknown?, unknown?]>(
  wayOf: (options: Arguments[2]) => Way,
): WebSocketClass<Arguments> {
  class WebSocket extends EventTarget {
    readonly #url: URL;
    readonly #handlers = new Handlers(this);
    readonly #canceller = new AbortController();
    #binaryType: BinaryType = 'blob';
    #readyState: 0 | 1 | 2 | 3 = CONNECTING;
    #opening: Opening<unknown> | undefined;
    /** Bytes of messages that wait for their event. */
    #waiting = 0;
    /** Blobs are read before they are sent; messages after one wait for it. */
    #reading: Promise<void> | undefined;
    #bufferedAmount = 0;
    /** The part of it that the transport has accepted in this turn of the event loop. */
    #taken = 0;

    constructor(url: unknown, protocols: unknown = [], options?: Arguments[2]) {
      needArguments(arguments.length, 1, 'the constructor of WebSocket');
      const located = locate(domString(url));
      const offered = stringOrSequence(protocols);
      if (!offered.every((name) => TOKEN.test(name)) || new Set(offered).size < offered.length) {
        throw new DOMException(`not a list of distinct subprotocols: ${offered.join(', ')}`, 'SyntaxError');
      }
      const way = wayOf(options);
      super();
      this.#url = located;
      void this.#open(way, offered);
    }

    get url(): string {
      return this.#url.href;
    }

    get readyState(): 0 | 1 | 2 | 3 {
      return this.#readyState;
    }

    get bufferedAmount(): number {
      return this.#bufferedAmount;
    }

    get onopen(): object | null {
      return this.#handlers.get('open');
    }

    set onopen(handler: unknown) {
      this.#handlers.set('open', handler);
    }

    get onerror(): object | null {
      return this.#handlers.get('error');
    }

    set onerror(handler: unknown) {
      this.#handlers.set('error', handler);
    }

    get onclose(): object | null {
      return this.#handlers.get('close');
    }

    set onclose(handler: unknown) {
      this.#handlers.set('close', handler);
    }

    get extensions(): string {
      return this.#readyState === CONNECTING || !this.#opening ? '' : extensionsOf(this.#opening.negotiated.extensions);
    }

    get protocol(): string {
      return this.#readyState === CONNECTING ? '' : (this.#opening?.negotiated.subprotocol ?? '');
    }

    close(code: unknown = undefined, reason: unknown = undefined): void {
      const state = this.#readyState;
      const status = code === undefined ? undefined : clampedUnsignedShort(code);
      const bytes = reason === undefined ? NOTHING : bytesOf(domString(reason));
      if (status !== undefined && status !== NORMAL && !(status >= 3000 && status <= 4999)) {
        throw new DOMException(`a program can't close with ${status}`, 'InvalidAccessError');
      }
      if (bytes.length > LONGEST_REASON) {
        throw new DOMException(`the reason has more than ${LONGEST_REASON} bytes`, 'SyntaxError');
      }
      if (state === CONNECTING) {
        this.#readyState = CLOSING;
        this.#canceller.abort(new Error('closed before the connection was open'));
      } else if (state === OPEN) {
        this.#readyState = CLOSING;
        // A reason needs a code.
        const kind = closeOf(status ?? (bytes.length > 0 ? NORMAL : NO_CODE));
        this.#inTurn(() => this.#driver?.send({ kind, bytes, done: undefined }));
      }
    }

    get onmessage(): object | null {
      return this.#handlers.get('message');
    }

    set onmessage(handler: unknown) {
      this.#handlers.set('message', handler);
    }

    get binaryType(): BinaryType {
      return this.#binaryType;
    }

    set binaryType(type: BinaryType) {
      const name = domString(type);
      if (name === 'blob' || name === 'arraybuffer') this.#binaryType = name;
    }

    send(data: unknown): void {
      needArguments(arguments.length, 1, 'WebSocket.send');
      const message = messageData(data);
      if (this.#readyState === CONNECTING) throw new DOMException('not open yet', 'InvalidStateError');
      if (message instanceof Blob) {
        this.#bufferedAmount += message.size;
        if (this.#readyState === OPEN) this.#read(message);
        return;
      }
      const isText = typeof message === 'string';
      const bytes = bytesOf(message);
      this.#bufferedAmount += bytes.length;
      if (this.#readyState === OPEN) this.#inTurn(() => this.#pass(bytes, isText));
    }

    get #driver(): Driver | undefined {
      return this.#opening?.driver;
    }

    async #open({ open, signal, ...options }: Way, protocols: string[]): Promise<void> {
      const cancelled = this.#canceller.signal;
      const either = signal ? AbortSignal.any([signal, cancelled]) : cancelled;
      try {
        const transport = await open(this.#url, either);
        const asked = { ...options, url: this.#url, protocols, signal: either };
        await ask(transport, asked, (opening) => this.#opened(opening));
      } catch (error) {
        queueTask(() => this.#closed({ code: NO_CLOSE, reason: '', wasClean: false, error: error as Error }));
      }
    }

    #opened(opening: Opening<unknown>): { owner: undefined } {
      queueTask(() => {
        // Set even if the socket was closed meanwhile: `protocol` and `extensions` then have their values.
        this.#opening = opening;
        if (this.#readyState !== CONNECTING) return;
        this.#readyState = OPEN;
        this.dispatchEvent(new Event('open'));
      });
      opening.messages.pipe(
        (message) => this.#queue(opening, message),
        (then) => queueTask(() => {
          // The peer closes, and earlier messages have had their events.
          if (this.#readyState === OPEN) this.#readyState = CLOSING;
          then();
        }),
      );
      void opening.closed.then((closed) => queueTask(() => this.#closed(closed)));
      return { owner: undefined };
    }

    #queue({ driver }: Opening<unknown>, message: string | Uint8Array): void {
      this.#waiting += message.length;
      if (this.#waiting > HIGH_WATER) driver.pause();
      queueTask(() => {
        const wasFull = this.#waiting > HIGH_WATER;
        this.#waiting -= message.length;
        if (wasFull && this.#waiting <= HIGH_WATER) driver.resume();
        this.#received(message);
      });
    }

    #received(message: string | Uint8Array): void {
      if (this.#readyState !== OPEN) return;
      const { origin } = this.#url;
      const data =
        typeof message === 'string' ? message
        : this.#binaryType === 'blob' ? new Blob([alone(message)])
        : alone(message).buffer;
      this.dispatchEvent(new MessageEvent('message', { data, origin }));
    }

    #closed({ code, reason, wasClean, error }: Closed): void {
      this.#readyState = CLOSED;
      if (error) this.dispatchEvent(new FailureEvent('error', error));
      this.dispatchEvent(new CloseEvent('close', { code, reason, wasClean }));
    }

    /** Runs it once the blobs before it have been read. */
    #inTurn(send: () => void): void {
      if (this.#reading) void this.#reading.then(send);
      else send();
    }

    #read(blob: Blob): void {
      const reading = (this.#reading ?? Promise.resolve()).then(async () => {
        try {
          this.#pass(new Uint8Array(await blob.arrayBuffer()), false);
        } catch (error) {
          // The blob can't be read any more.
          this.#driver?.abort(error as Error);
        }
        if (this.#reading === reading) this.#reading = undefined;
      });
      this.#reading = reading;
    }

    #pass(bytes: Uint8Array, isText: boolean): void {
      const done = (error?: Error): void => {
        if (error) return;
        // The amount stays as it is until the next turn of the event loop.
        if (this.#taken === 0) queueTask(() => this.#settle());
        this.#taken += bytes.length;
      };
      this.#driver?.send({ kind: messageOf(isText, true), bytes, done });
    }

    #settle(): void {
      this.#bufferedAmount -= this.#taken;
      this.#taken = 0;
    }
  }
  asInterface(WebSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
  return WebSocket as never;
}
