import { EventEmitter } from 'node:events';
import { type IncomingMessage, STATUS_CODES, type Server, type ServerResponse, createServer } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Header } from '../../component/interfaces/websocket-protocol-types.js';
import { dispose } from '../dispose.js';
import { Engine } from '../engine.js';
import { WebSocketError, checked, uncaught } from '../error.js';
import { field } from '../handshake.js';
import { type DeflateSettings, type Settings, withOptions } from '../settings.js';
import { now } from '../time.js';
import { WebSocketConnection } from './connection.js';

/** The argument of `verifyClient`. */
export interface ClientInfo {
  /** The Origin field. */
  origin: string | undefined;
  /** Whether the request came over TLS. */
  secure: boolean;
  req: IncomingMessage;
}

type Verdict = (accepted: boolean, status?: number, message?: string, headers?: Record<string, string>) => void;

/** The options of a server, with the names of npm's ws. */
export interface ServerOptions extends Omit<Settings, 'deflate' | 'verifyUtf8' | 'allowHttp10Response'> {
  /** The port to listen at, with a new HTTP server. */
  port?: number;
  host?: string;
  backlog?: number;
  /** A server whose `upgrade` events are handled. */
  server?: Server | SecureServer;
  /** Whether the program calls {@link WebSocketServer.handleUpgrade} itself. */
  noServer?: boolean;
  /** The only path that is served. */
  path?: string;
  /** Chooses from the offered subprotocols; false for none. Default: the first. */
  handleProtocols?: (protocols: Set<string>, request: IncomingMessage) => string | false;
  /** Whether to accept a request. With two parameters, the second is called with the verdict. */
  verifyClient?: ((info: ClientInfo) => boolean) | ((info: ClientInfo, verdict: Verdict) => void);
  /** The longest message that is received, in bytes. Default 16 MiB. */
  maxPayload?: number;
  /** The most frames in a message that is received. Default 65536. */
  maxFragments?: number;
  /** How long to wait for the answer to a close frame, and then the socket's end, in milliseconds. Default 10 000. */
  closeTimeout?: number;
  /** Whether permessage-deflate may be used, and how. Default false. */
  perMessageDeflate?: boolean | DeflateSettings;
  /** Whether to skip the UTF-8 check of received text. Default false. */
  skipUTF8Validation?: boolean;
  /** Whether to track `clients`. Default true. */
  clientTracking?: boolean;
  /** The sandbox. Default: {@link Engine.shared}. */
  engine?: Engine;
}

/** The events of a server. */
export interface ServerEvents {
  /** A connection is open. */
  connection: [connection: WebSocketConnection, request: IncomingMessage];
  /** The header lines of a response, before they are written; more may be added. */
  headers: [lines: string[], request: IncomingMessage];
  listening: [];
  /** The server failed. */
  error: [error: Error];
  /** A request breaks a rule. A listener has to answer or end the socket; without one, the server does. */
  wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
  close: [];
}

/** Sockets on which a request is being answered, or was accepted. */
const taken = new WeakSet<Duplex>();

type Callback = (connection: WebSocketConnection, request: IncomingMessage) => void;

/**
 * A server with the interface of npm's ws, on the `upgrade` events of an `http.Server`.
 *
 * ```js
 * import { WebSocketServer } from 'websocket-component/node';
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on('connection', (socket) => {
 *   socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
 * });
 * server.on('listening', () => server.close());
 * ```
 */
export class WebSocketServer extends EventEmitter<ServerEvents> {
  readonly options: ServerOptions;
  /** The open connections, unless `clientTracking` is off. */
  readonly clients: Set<WebSocketConnection> | undefined;
  readonly #server: Server | SecureServer | undefined;
  readonly #ownsServer: boolean;
  readonly #remove: () => void;
  #state: 'running' | 'closing' | 'closed' = 'running';
  /** Called once the last connection has ended. */
  #afterClients: (() => void) | undefined;

  /** @throws TypeError Unless exactly one of `port`, `server` and `noServer` is given. */
  constructor(options: ServerOptions, listening?: () => void) {
    super();
    const { port, server, noServer, clientTracking = true } = options;
    if ([port !== undefined, server !== undefined, noServer === true].filter(Boolean).length !== 1) {
      throw new TypeError('one of the options port, server and noServer has to be given');
    }
    this.options = options;
    this.clients = clientTracking ? new Set() : undefined;
    // Start loading now; errors are reported when the engine is needed.
    if (!options.engine) Engine.shared().catch(() => {});
    this.#ownsServer = port !== undefined;
    this.#server = server ?? (this.#ownsServer ? createServer(upgradeRequired) : undefined);
    this.#remove = this.#server ? this.#take(this.#server) : () => {};
    if (this.#ownsServer) {
      const { host, backlog } = options;
      const where: ListenOptions = { port: port as number, ...(host !== undefined && { host }), ...(backlog !== undefined && { backlog }) };
      this.#server?.listen(where, listening);
    }
  }

  /** The address that it listens at. */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('the server is operated by the program');
    return this.#server?.address() ?? null;
  }

  /**
   * Stops accepting connections. Open ones stay, and `close` is emitted when they have ended. `done` is called then, or
   * with an error if the server was closed before.
   */
  close(done?: (error?: Error) => void): void {
    const closed = (): void => {
      this.#state = 'closed';
      this.emit('close');
    };
    if (this.#state === 'closed') {
      if (done) this.once('close', () => done(new Error('the server is not running')));
      process.nextTick(closed);
      return;
    }
    if (done) this.once('close', () => done());
    if (this.#state === 'closing') return;
    this.#state = 'closing';
    this.#remove();
    if (this.#ownsServer) this.#server?.close(closed);
    else if (this.clients && this.clients.size > 0) this.#afterClients = closed;
    else process.nextTick(closed);
  }

  /** Returns whether this server handles a request, by its path. */
  shouldHandle({ url = '' }: IncomingMessage): boolean {
    const { path } = this.options;
    return path === undefined || url.split('?', 1)[0] === path;
  }

  /**
   * Answers an upgrade request. If it can't be accepted, the socket is closed after the response.
   *
   * @throws Error If the socket was passed to a server before.
   */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, opened: Callback): void {
    socket.on('error', ignore);
    if (request.method !== 'GET') return this.#reject(new Error('The method of a handshake is GET'), 405, socket, request);
    if (!this.shouldHandle(request)) return refuse(socket, 400, 'There is no WebSocket at this path');
    if (taken.has(socket)) throw new Error('handleUpgrade was called more than once with the same socket: are there two servers?');
    taken.add(socket);
    void this.#upgrade(request, socket, head, opened).catch((error: unknown) => {
      if (error instanceof WebSocketError) return this.#reject(error, error.status ?? 400, socket, request);
      refuse(socket, 500, 'The server has failed');
      uncaught(error);
    });
  }

  /** Handles a request that breaks a rule. */
  #reject(error: Error, status: number, socket: Duplex, request: IncomingMessage): void {
    if (!this.emit('wsClientError', error, socket, request)) refuse(socket, status, error.message);
  }

  /** Listens to a server. Returns a function that removes the listeners. */
  #take(server: Server | SecureServer): () => void {
    const listeners = {
      listening: () => void this.emit('listening'),
      error: (error: Error) => void this.emit('error', error),
      upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) =>
        this.handleUpgrade(request, socket, head, (connection) => this.emit('connection', connection, request)),
    };
    for (const [name, listener] of Object.entries(listeners)) server.on(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) server.removeListener(name, listener);
    };
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, opened: Callback): Promise<void> {
    const verdict = await this.#verify(request);
    if (!verdict.accepted) return refuse(socket, verdict.status, verdict.message, verdict.headers);
    const engine = await this.#engine();
    if (!engine) return refuse(socket, 500, 'The server has failed');
    // The client may have disconnected or half-closed meanwhile.
    if (!socket.readable || !socket.writable) return void socket.destroy();
    if (this.#state !== 'running') return refuse(socket, 503, 'The server is closing');
    const { WebsocketSession } = engine.component.session;
    const session = withOptions(engine, this.#settings(), (options) => WebsocketSession.server(options, now()));
    const lines = ['HTTP/1.1 101 Switching Protocols'];
    try {
      const subprotocol = this.#subprotocol(request);
      const acceptance = { extensions: [], headers: [], ...(subprotocol !== undefined && { subprotocol }) };
      const fields = checked(() => session.beginServerHandshake('upgrade', fieldsOf(request), acceptance, now()));
      checked(() => session.endServerHandshake(now()));
      lines.push(...fields.map(lineOf));
      this.emit('headers', lines, request);
    } catch (error) {
      session[dispose]();
      throw error;
    }
    socket.write([...lines, '', ''].join('\r\n'), 'latin1');
    socket.removeListener('error', ignore);
    const tcp: Duplex & Partial<Pick<Socket, 'setTimeout' | 'setNoDelay'>> = socket;
    tcp.setTimeout?.(0);
    tcp.setNoDelay?.(true);
    const connection = new WebSocketConnection(engine, session, socket, session.negotiated() ?? { extensions: [] });
    this.#track(connection);
    try {
      opened(connection, request);
    } catch (error) {
      // The program's listener failed, so the connection isn't handled.
      connection.start(head);
      connection.close(INTERNAL_ERROR);
      uncaught(error);
      return;
    }
    connection.start(head);
  }

  /** Returns the engine, or undefined after an `error` event if it can't be loaded. */
  async #engine(): Promise<Engine | undefined> {
    try {
      return this.options.engine ?? (await Engine.shared());
    } catch (error) {
      queueMicrotask(() => this.emit('error', error as Error));
      return undefined;
    }
  }

  #settings(): Settings {
    const { perMessageDeflate = false, maxPayload, maxFragments, closeTimeout, skipUTF8Validation = false } = this.options;
    const { limits, timeouts, pongs, allowMalformedHost } = this.options;
    const longest = maxPayload !== undefined && { message: maxPayload, frame: maxPayload };
    return {
      deflate: perMessageDeflate,
      verifyUtf8: !skipUTF8Validation,
      limits: { ...longest, ...(maxFragments !== undefined && { fragments: maxFragments }), ...limits },
      timeouts: { ...(closeTimeout !== undefined && { close: closeTimeout }), ...timeouts },
      ...(pongs && { pongs }),
      ...(allowMalformedHost !== undefined && { allowMalformedHost }),
    };
  }

  #subprotocol(request: IncomingMessage): string | undefined {
    const offered = request.headers['sec-websocket-protocol'];
    if (offered === undefined) return undefined;
    // The engine refuses an invalid list.
    const names = new Set(offered.split(',').map((name) => name.trim()).filter((name) => name !== ''));
    const { handleProtocols } = this.options;
    const [first] = names;
    return (handleProtocols ? handleProtocols(names, request) : first) || undefined;
  }

  #verify(req: IncomingMessage): Promise<{ accepted: boolean; status: number; message: string; headers: Record<string, string> }> {
    const { verifyClient } = this.options;
    const info: ClientInfo = {
      origin: req.headers.origin,
      secure: 'encrypted' in req.socket,
      req,
    };
    return new Promise((resolve) => {
      const verdict: Verdict = (accepted, status = 401, message = STATUS_CODES[status] ?? '', headers = {}) =>
        resolve({ accepted, status, message, headers });
      if (!verifyClient) verdict(true);
      else if (verifyClient.length === 2) verifyClient(info, verdict);
      else verdict((verifyClient as (info: ClientInfo) => boolean)(info));
    });
  }

  #track(connection: WebSocketConnection): void {
    const { clients } = this;
    if (!clients) return;
    clients.add(connection);
    connection.once('close', () => {
      clients.delete(connection);
      if (clients.size === 0) this.#afterClients?.();
    });
  }
}

/** RFC 6455, section 7.4.1. */
const INTERNAL_ERROR = 1011;

function ignore(): void {}

/** Answers plain requests to a server that has only WebSockets. */
function upgradeRequired(_: IncomingMessage, response: ServerResponse): void {
  const body = STATUS_CODES[426] as string;
  response.writeHead(426, { 'Content-Length': body.length, 'Content-Type': 'text/plain' }).end(body);
}

function refuse(socket: Duplex, status: number, message: string, headers: Record<string, string> = {}): void {
  const fields = {
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(message),
    ...(status === 426 && { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' }),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  socket.once('finish', () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', message].join('\r\n'));
}

/** Returns the header fields of a request, unchanged. */
function fieldsOf({ rawHeaders }: IncomingMessage): Header[] {
  const fields: Header[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    fields.push(field(rawHeaders[index] as string, rawHeaders[index + 1] as string));
  }
  return fields;
}

function lineOf({ name, value }: Header): string {
  return `${name}: ${Buffer.from(value).toString('latin1')}`;
}
