import { asyncDispose, dispose } from './dispose.js';
import type { Driver } from './driver.js';
import type { Transport } from './duplexes/index.js';
import { Engine } from './engine.js';
import { type CloseEvent, type ControlEvent, TypedTarget } from './events.js';
import { type Answered, type Asked, extensionsOf } from './handshake.js';
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
  /** False not to compress it, because it is compressed already or holds a secret. Default true, if that was negotiated. */
  compress?: boolean;
}

export interface SessionEventMap {
  message: MessageEvent<string | Uint8Array>;
  ping: ControlEvent;
  pong: ControlEvent;
  close: CloseEvent;
}

/**
 * One WebSocket connection over any duplex of bytes.
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
  /** The subprotocol that was negotiated, or nothing. */
  readonly protocol: string;
  /** The extensions in use, as in the header. */
  readonly extensions: string;
  /** Of a client: the answer that opened the connection. */
  readonly response: Answered | undefined;
  /** Of a server: the request that it accepted. */
  readonly request: Asked | undefined;
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
   * Asks for a connection, as a client.
   *
   * @throws WebSocketError If the answer breaks a rule or is no acceptance, or a value of the request does.
   */
  static connect(transport: Transport, options: ConnectOptions): Promise<WebSocketSession> {
    return ask(transport, options, WebSocketSession.#make);
  }

  /**
   * Answers the request for a connection that comes over the transport, as a server.
   *
   * @throws WebSocketError If the request breaks a rule; it was refused then. Error If `answer` refused it.
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

  /** Where the connection is in its life, in the words of the W3C's `WebSocket`. */
  get state(): 'connecting' | 'open' | 'closing' | 'closed' {
    return this.#driver.state;
  }

  /** How many bytes of messages wait to be written. */
  get bufferedAmount(): number {
    return this.#driver.bufferedAmount;
  }

  /** The round-trip time of the last ping that was answered, in milliseconds. */
  get roundTripTime(): number | undefined {
    return this.#driver.roundTripTime;
  }

  /**
   * Sends a message: a string as text, anything else as bytes, which must stay as they are until then. It is done when the
   * transport has room for more, so awaiting it keeps a fast writer from filling the memory.
   *
   * @throws WebSocketError If it can't be sent: `already-closing` after a close.
   */
  send(data: Data, { compress = true }: SendOptions = {}): Promise<void> {
    return this.#send(messageOf(typeof data === 'string', compress), bytesOf(data));
  }

  /** Sends a ping of up to 125 bytes. Its pong is an event, and brings `roundTripTime` up to date. */
  ping(data: Data = ''): Promise<void> {
    return this.#send(PING, bytesOf(data));
  }

  /**
   * Closes the connection: what was sent before is still written, and what the peer has sent is still delivered.
   *
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999; 1005 for a close frame without one.
   * @param reason At most 123 bytes of UTF-8.
   * @returns What came of it; see `closed`.
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
   * The messages in order; nothing is read while more than 256 KiB of them wait. Ends when the connection has been closed,
   * and throws what broke it otherwise, behind the last message. Leaving the loop doesn't close the connection.
   *
   * While there are listeners of `message`, they get the messages instead.
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
    this.#messages.pour((data) => this.dispatchEvent(new MessageEvent('message', { data })));
  }

  #send(kind: Kind, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error): void => (error ? reject(error) : resolve());
      this.#driver.send({ kind, bytes, done });
    });
  }
}
