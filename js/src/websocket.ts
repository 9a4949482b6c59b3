import { CLOSED, CLOSING, CONNECTING, NO_CLOSE, NO_CODE, OPEN } from './codes.js';
import type { Transport } from './duplexes/index.js';
import { CloseEvent, FailureEvent, TypedTarget } from './events.js';
import { locate } from './handshake.js';
import type { Closed } from './opening.js';
import { type Data, alone, bytesOf } from './payload.js';
import { type SessionOptions, WebSocketSession } from './session.js';

/** The options of a {@link WebSocket} beyond the W3C's constructor. */
export interface WebSocketOptions extends SessionOptions {
  /** What the bytes go over, or a function that opens it. */
  transport: Transport | ((url: URL, signal: AbortSignal) => Transport | PromiseLike<Transport>);
  /** Further fields of the request. */
  headers?: HeadersInit;
}

interface WebSocketEventMap {
  open: Event;
  message: MessageEvent<string | ArrayBuffer | Blob>;
  error: FailureEvent;
  close: CloseEvent;
}

type Handler<E> = ((event: E) => void) | null;
type EventName = keyof WebSocketEventMap;

/** The separators of RFC 9110, section 5.6.2, are not in a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LONGEST_REASON = 123;

/**
 * A client with the interface of the W3C's `WebSocket`, over a transport of the caller's.
 *
 * ```js
 * import { WebSocket } from 'websocket-component';
 *
 * function open(port) {
 *   const socket = new WebSocket('ws://example.com/chat', 'chat', { transport: port });
 *   socket.onmessage = ({ data }) => console.log(data);
 *   socket.onopen = () => socket.send('hello');
 *   return socket;
 * }
 * ```
 */
export class WebSocket extends TypedTarget<WebSocketEventMap> {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = CLOSING;
  static readonly CLOSED = CLOSED;
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = CLOSING;
  readonly CLOSED = CLOSED;
  readonly url: string;
  readonly #handlers = new Map<EventName, { handler: (event: any) => void; listener: (event: Event) => void }>();
  readonly #canceller = new AbortController();
  #binaryType: BinaryType = 'blob';
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  #session: WebSocketSession | undefined;
  /** Blobs are read before they are sent; what is behind one waits for it. */
  #reading: Promise<void> | undefined;
  /** Bytes that wait for a blob, or came too late to be sent. */
  #unsent = 0;

  /** @throws DOMException `SyntaxError` if the URL or a subprotocol is none. */
  constructor(url: string | URL, protocols: string | string[] = [], options: WebSocketOptions) {
    super();
    const located = locate(url);
    const offered = typeof protocols === 'string' ? [protocols] : [...protocols];
    if (!offered.every((name) => TOKEN.test(name)) || new Set(offered).size < offered.length) {
      throw new DOMException(`not a list of distinct subprotocols: ${offered.join(', ')}`, 'SyntaxError');
    }
    this.url = located.href;
    void this.#open(located, offered, options);
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** Bytes that `send` was given and the transport has not taken. They don't go to 0 when the connection closes. */
  get bufferedAmount(): number {
    return this.#unsent + (this.#session?.bufferedAmount ?? 0);
  }

  get protocol(): string {
    return this.#session?.protocol ?? '';
  }

  get extensions(): string {
    return this.#session?.extensions ?? '';
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type;
  }

  /** @throws DOMException `InvalidStateError` before the connection is open. */
  send(data: Data | Blob): void {
    if (this.#readyState === CONNECTING) throw new DOMException('not open yet', 'InvalidStateError');
    const isBlob = data instanceof Blob;
    // The caller may change the bytes when this returns.
    const payload = isBlob || typeof data === 'string' ? data : bytesOf(data).slice();
    const size = isBlob ? data.size : bytesOf(payload as Data).length;
    if (this.#readyState !== OPEN) {
      this.#unsent += size;
      return;
    }
    if (!isBlob && !this.#reading) return this.#pass(payload as Data);
    this.#unsent += size;
    const reading = (this.#reading ?? Promise.resolve()).then(async () => {
      const read = isBlob ? await data.arrayBuffer() : (payload as Data);
      this.#unsent -= size;
      this.#pass(read);
      if (this.#reading === reading) this.#reading = undefined;
    });
    this.#reading = reading;
  }

  /**
   * @param code 1000, or 3000 to 4999.
   * @throws DOMException `InvalidAccessError` if the code is another, `SyntaxError` if the reason has more than 123 bytes.
   */
  close(code?: number, reason = ''): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new DOMException(`a program can't close with ${code}`, 'InvalidAccessError');
    }
    if (bytesOf(reason).length > LONGEST_REASON) {
      throw new DOMException(`the reason has more than ${LONGEST_REASON} bytes`, 'SyntaxError');
    }
    if (this.#readyState === CONNECTING) {
      this.#readyState = CLOSING;
      this.#canceller.abort(new Error('closed before the connection was open'));
    } else if (this.#readyState === OPEN) {
      this.#readyState = CLOSING;
      void (this.#reading ?? Promise.resolve()).then(() => this.#session?.close(code ?? NO_CODE, reason));
    }
  }

  get onopen(): Handler<Event> {
    return this.#handler('open');
  }

  set onopen(handler: Handler<Event>) {
    this.#setHandler('open', handler);
  }

  get onmessage(): Handler<MessageEvent<string | ArrayBuffer | Blob>> {
    return this.#handler('message');
  }

  set onmessage(handler: Handler<MessageEvent<string | ArrayBuffer | Blob>>) {
    this.#setHandler('message', handler);
  }

  get onerror(): Handler<FailureEvent> {
    return this.#handler('error');
  }

  set onerror(handler: Handler<FailureEvent>) {
    this.#setHandler('error', handler);
  }

  get onclose(): Handler<CloseEvent> {
    return this.#handler('close');
  }

  set onclose(handler: Handler<CloseEvent>) {
    this.#setHandler('close', handler);
  }

  #handler(type: EventName): ((event: any) => void) | null {
    return this.#handlers.get(type)?.handler ?? null;
  }

  #setHandler(type: EventName, handler: ((event: any) => void) | null): void {
    const before = this.#handlers.get(type);
    if (before) this.removeEventListener(type, before.listener);
    this.#handlers.delete(type);
    if (typeof handler !== 'function') return;
    const listener = (event: Event): void => handler.call(this, event);
    this.#handlers.set(type, { handler, listener });
    this.addEventListener(type, listener);
  }

  async #open(url: URL, protocols: string[], { transport, signal, ...options }: WebSocketOptions): Promise<void> {
    const cancelled = this.#canceller.signal;
    const either = signal ? AbortSignal.any([signal, cancelled]) : cancelled;
    try {
      const opened = typeof transport === 'function' ? await transport(url, either) : transport;
      const session = await WebSocketSession.connect(opened, { ...options, url, protocols, signal: either });
      void session.closed.then((closed) => this.#closed(closed));
      this.#session = session;
      this.#readyState = OPEN;
      this.dispatchEvent(new Event('open'));
      session.addEventListener('message', ({ data }) => this.#received(data));
    } catch (error) {
      this.#closed({ code: NO_CLOSE, reason: '', wasClean: false, error: error as Error });
    }
  }

  #pass(data: Data): void {
    // What can't be sent any more is told by the end of the connection.
    this.#session?.send(data).catch(() => {});
  }

  #received(message: string | Uint8Array): void {
    if (this.#readyState !== OPEN) return;
    const { origin } = new URL(this.url);
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
}
