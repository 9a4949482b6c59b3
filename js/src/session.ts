import { asyncDispose, dispose } from './dispose.js';
import type { Driver } from './driver.js';
import type { Transport } from './duplexes/index.js';
import { Engine } from './engine.js';
import { type CloseEvent, type ControlEvent, TypedTarget } from './events.js';
import { type UpgradeRequest, type UpgradeResponse, extensionsOf } from './handshake.js';
import type { Inbox } from './inbox.js';
import { type Answering, type Closed, type ConnectOptions, type Made, type SessionOptions, Opening, ask } from './opening.js';
import { type Kind, PING, closeOf, messageOf } from './outbox.js';
import { type Data, bytesOf } from './payload.js';
import { withOptions } from './settings.js';
import { now } from './time.js';

/** The options of a server. */
export interface AcceptOptions extends SessionOptions, Answering {}

/** How a message is sent. */
export interface SendOptions {
  /** Set to false for data that is compressed already or contains a secret. Default true, if negotiated. */
  compress?: boolean;
}

export interface SessionEventMap {
  message: MessageEvent<string | Uint8Array>;
  ping: ControlEvent;
  pong: ControlEvent;
  close: CloseEvent;
}

/**
 * A WebSocket connection over any transport.
 *
 * ```js
 * import { WebSocketSession } from 'websocket-component';
 *
 * const { port1, port2 } = new MessageChannel();
 * const [client, server] = await Promise.all([
 *   WebSocketSession.connect(port1, { url: 'ws://example.com/chat' }),
 *   WebSocketSession.accept(port2),
 * ]);
 * await client.send('hello');
 * for await (const message of server) {
 *   console.log(message); // hello
 *   break;
 * }
 * await client.close();
 * ```
 */
export class WebSocketSession extends TypedTarget<SessionEventMap> implements AsyncIterable<string | Uint8Array> {
  /** The negotiated subprotocol, or an empty string. */
  readonly protocol: string;
  /** The negotiated extensions, as in the header. */
  readonly extensions: string;
  /** For a client: the response that opened the connection. */
  readonly response: UpgradeResponse | undefined;
  /** For a server: the request that it accepted. */
  readonly request: UpgradeRequest | undefined;
  /** Settles when the connection has ended, and is never rejected. */
  readonly closed: Promise<Closed>;
  readonly #driver: Driver;
  readonly #messages: Inbox;
  #isHeard = false;

  private constructor(opening: Opening<WebSocketSession>) {
    super();
    const { subprotocol = '', extensions } = opening.negotiated;
    this.protocol = subprotocol;
    this.extensions = extensionsOf(extensions);
    this.response = opening.response;
    this.request = opening.request;
    this.closed = opening.closed;
    this.#driver = opening.driver;
    this.#messages = opening.messages;
  }

  /**
   * Makes the handshake as a client.
   *
   * @throws WebSocketError If the server refuses or breaks a rule, or if the request is invalid.
   */
  static connect(transport: Transport, options: ConnectOptions): Promise<WebSocketSession> {
    return ask(transport, options, WebSocketSession.#make);
  }

  /**
   * Makes the handshake as a server.
   *
   * @throws WebSocketError If the request breaks a rule, after it was refused. Error If `answer` refused it.
   */
  static async accept(transport: Transport, options: AcceptOptions = {}): Promise<WebSocketSession> {
    const engine = options.engine ?? (await Engine.shared());
    const { WebsocketSession } = engine.component.session;
    const session = withOptions(engine, options, (made) => WebsocketSession.server(made, now()));
    return new Opening(engine, session, transport, options, WebSocketSession.#make).begin(() => {}, options.signal);
  }

  static #make(this: void, opening: Opening<WebSocketSession>): Made<WebSocketSession> {
    const owner = new WebSocketSession(opening);
    return { owner, tell: (event) => void owner.dispatchEvent(event) };
  }

  /** The state of the connection, named as in the W3C's `WebSocket`. */
  get state(): 'connecting' | 'open' | 'closing' | 'closed' {
    return this.#driver.state;
  }

  /** How many bytes of messages were not written yet. */
  get bufferedAmount(): number {
    return this.#driver.bufferedAmount;
  }

  /** The round-trip time of the last answered ping, in milliseconds. */
  get roundTripTime(): number | undefined {
    return this.#driver.roundTripTime;
  }

  /**
   * Sends a message: a string as text, anything else as binary. Resolves when the transport has room for more, so
   * awaiting it keeps a fast writer from filling the memory; don't change the bytes before that.
   *
   * @throws WebSocketError If it can't be sent: `already-closing` after a close.
   */
  send(data: Data, { compress = true }: SendOptions = {}): Promise<void> {
    return this.#send(messageOf(typeof data === 'string', compress), bytesOf(data));
  }

  /** Sends a ping of up to 125 bytes. Its pong is an event, and updates `roundTripTime`. */
  ping(data: Data = ''): Promise<void> {
    return this.#send(PING, bytesOf(data));
  }

  /**
   * Closes the connection. What was sent before is still written, and what the peer has sent is still delivered.
   *
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999; 1005 for a close frame without one.
   * @param reason At most 123 bytes of UTF-8.
   * @returns How the connection ended, as `closed`.
   * @throws WebSocketError If the code or the reason can't be sent.
   */
  async close(code = 1000, reason = ''): Promise<Closed> {
    if (this.state === 'open') await this.#send(closeOf(code), bytesOf(reason));
    return this.closed;
  }

  /** Ends the connection at once, without sending a close frame. */
  abort(): void {
    this.#driver.abort();
  }

  [dispose](): void {
    this.abort();
  }

  /** Closes with 1000, and waits for the end. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Iterates over the messages in order. Nothing is read while more than 256 KiB of them are queued. After the last
   * message the iteration ends, or throws the connection's error. Leaving the loop doesn't close the connection.
   *
   * While there are listeners for `message`, they get the messages instead.
   */
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array> {
    return {
      next: () => this.#messages.next(),
      return: () => {
        this.#messages.leave();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  protected override listened(type: string): void {
    if (type !== 'message' || this.#isHeard) return;
    this.#isHeard = true;
    this.#messages.pipe((data) => this.dispatchEvent(new MessageEvent('message', { data })));
  }

  #send(kind: Kind, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error): void => (error ? reject(error) : resolve());
      this.#driver.send({ kind, bytes, done });
    });
  }
}
