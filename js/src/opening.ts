import type { WebsocketSession as Resource } from '../component/interfaces/websocket-protocol-session.js';
import type { Negotiated } from '../component/interfaces/websocket-protocol-types.js';
import { NO_CLOSE } from './codes.js';
import { Driver, type DriverListener } from './driver.js';
import { type Transport, duplexOf } from './duplexes/index.js';
import { Engine } from './engine.js';
import { checked, reasonOf } from './error.js';
import { CloseEvent, ControlEvent } from './events.js';
import {
  type RequestOptions, type ResponseOptions, type UpgradeRequest, type UpgradeResponse, acceptanceOf, refusalOf, requestOf,
  upgradeRequestOf, upgradeResponseOf,
} from './handshake.js';
import { Inbox } from './inbox.js';
import { textOf } from './payload.js';
import { type Settings, withOptions } from './settings.js';
import { now } from './time.js';

/** The options of both sides of a connection. */
export interface SessionOptions extends Settings {
  /** Ends the connection, or its handshake, without a close frame when it is aborted. */
  signal?: AbortSignal;
  /** The sandbox. Default: {@link Engine.shared}. */
  engine?: Engine;
}

/** The options of a client. */
export interface ConnectOptions extends SessionOptions, RequestOptions {}

/** How a server answers. */
export interface Answering {
  /** The supported subprotocols, in order of preference; the first one that the client offers is chosen. */
  protocols?: string[];
  /** Answers the request. Default: accepts all. */
  answer?: (request: UpgradeRequest) => ResponseOptions | void | PromiseLike<ResponseOptions | void>;
}

/** How a connection ended. */
export interface Closed {
  /** The code of the peer's close frame: 1005 if it had no code, 1006 if there was none (RFC 6455, section 7.1.5). */
  readonly code: number;
  readonly reason: string;
  /** Whether both sides sent a close frame. */
  readonly wasClean: boolean;
  /** The rule that was broken, or the transport's error. */
  readonly error: Error | undefined;
}

/** The object that is created when a connection opens. */
export interface Made<Owner> {
  owner: Owner;
  /** Called with pings and pongs, and finally the end. */
  tell?: (event: ControlEvent | CloseEvent) => void;
}

const INTERNAL_SERVER_ERROR = 500;
/** The entropy for mask keys, in bytes. */
const ENTROPY = 32;

/**
 * Makes the handshake as a client.
 *
 * @throws WebSocketError If the server refuses or breaks a rule, or if the request is invalid.
 */
export async function ask<Owner>(
  transport: Transport,
  options: ConnectOptions,
  make: (opening: Opening<Owner>) => Made<Owner>,
): Promise<Owner> {
  const engine = options.engine ?? (await Engine.shared());
  const { WebsocketSession } = engine.component.session;
  const entropy = crypto.getRandomValues(new Uint8Array(ENTROPY));
  const session = withOptions(engine, options, (made) => WebsocketSession.client(made, entropy, now()));
  const opening = new Opening(engine, session, transport, undefined, make);
  return opening.begin(() => session.connect(requestOf(options), now()), options.signal);
}

/** A connection before it opens; then its owner is created. */
export class Opening<Owner> implements DriverListener {
  readonly driver: Driver;
  /** The program owns messages with their buffers. */
  readonly pooled = false;
  readonly messages: Inbox;
  readonly closed: Promise<Closed>;
  negotiated: Negotiated = { extensions: [] };
  response: UpgradeResponse | undefined;
  request: UpgradeRequest | undefined;
  readonly #resource: Resource;
  readonly #answering: Answering;
  readonly #make: (opening: Opening<Owner>) => Made<Owner>;
  readonly #owner: Promise<Owner>;
  #settle!: { resolve: (owner: Owner) => void; reject: (error: unknown) => void };
  #made: Made<Owner> | undefined;
  #close: { code: number; reason: string } | undefined;
  #refusal: unknown;
  #error: Error | undefined;
  #resolveClosed!: (closed: Closed) => void;

  /** `answering` is for a server. */
  constructor(
    engine: Engine,
    resource: Resource,
    transport: Transport,
    answering: Answering | undefined,
    make: (opening: Opening<Owner>) => Made<Owner>,
  ) {
    this.#resource = resource;
    this.#answering = answering ?? {};
    this.#make = make;
    this.driver = new Driver(engine, resource, duplexOf(transport), this);
    this.messages = new Inbox(this.driver);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#owner = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Starts after `prepare` has set up the session. */
  begin(prepare: () => void, signal: AbortSignal | undefined): Promise<Owner> {
    const abort = (): void => this.driver.abort(reasonOf(signal as AbortSignal));
    try {
      signal?.throwIfAborted();
      checked(prepare);
    } catch (error) {
      this.driver.abort(error as Error);
      return this.#owner;
    }
    signal?.addEventListener('abort', abort, { once: true });
    void this.closed.then(() => signal?.removeEventListener('abort', abort));
    this.driver.start();
    return this.#owner;
  }

  requestReceived(): void {
    this.request = upgradeRequestOf(this.#resource.request() as NonNullable<ReturnType<Resource['request']>>);
    void this.#answer(this.request);
  }

  opened(): void {
    this.negotiated = this.#resource.negotiated() as Negotiated;
    const head = this.#resource.response();
    this.response = head && upgradeResponseOf(head);
    this.#made = this.#make(this);
    this.#settle.resolve(this.#made.owner);
  }

  waiting(): number {
    return this.messages.waiting;
  }

  message(bytes: Uint8Array, isText: boolean): void {
    this.messages.put(isText ? textOf(bytes) : bytes);
  }

  ping(bytes: Uint8Array): void {
    this.#made?.tell?.(new ControlEvent('ping', bytes));
  }

  pong(bytes: Uint8Array, roundTrip: number | undefined): void {
    const time = roundTrip === undefined ? undefined : roundTrip / 1e6;
    this.#made?.tell?.(new ControlEvent('pong', bytes, time));
  }

  close(code: number, reason: string): void {
    this.#close = { code, reason };
  }

  whenAnswered(then: () => void): void {
    this.messages.onDrained(then);
  }

  finished(error: Error | undefined): void {
    this.#error = error;
    this.messages.end(error);
    this.#settle.reject(this.#refusal ?? error ?? new Error('the connection has ended'));
  }

  ended(wasClean: boolean): void {
    const { code, reason } = this.#close ?? { code: NO_CLOSE, reason: '' };
    const closed = { code, reason, wasClean, error: this.#error };
    this.#resolveClosed(closed);
    this.#made?.tell?.(new CloseEvent('close', closed));
  }

  async #answer(request: UpgradeRequest): Promise<void> {
    const { answer, protocols = [] } = this.#answering;
    let chosen: ResponseOptions;
    try {
      chosen = (await answer?.(request)) ?? {};
      if (this.driver.state !== 'connecting') return;
      if (chosen.status === undefined) {
        const protocol = chosen.protocol ?? protocols.find((name) => request.protocols.includes(name));
        checked(() => this.#resource.accept(acceptanceOf({ ...chosen, ...(protocol && { protocol }) }), now()));
        this.opened();
      } else {
        this.#refusal = new Error(`the request was refused with status ${chosen.status}`);
        checked(() => this.#resource.refuse(refusalOf(chosen), now()));
      }
    } catch (error) {
      // The program's own mistake isn't reported to the peer.
      this.#refusal = error;
      this.#resource.refuse(refusalOf({ status: INTERNAL_SERVER_ERROR }), now());
    }
    this.driver.answered();
  }
}
