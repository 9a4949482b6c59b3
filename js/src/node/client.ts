import * as net from 'node:net';
import * as tls from 'node:tls';

import { locate } from '../handshake.js';
import type { ConnectOptions } from '../opening.js';
import { WebSocketSession } from '../session.js';
import { type WebSocket as Interface, type WebSocketClass, websocketClass } from '../w3c/websocket.js';

/** The options of a client's socket. */
export interface SocketOptions {
  /** Options for `wss:`, such as trusted certificates and the client's own. */
  tls?: tls.ConnectionOptions;
}

/** The options of a client over TCP. */
export interface ClientOptions extends Omit<ConnectOptions, 'url'>, SocketOptions {}

/**
 * Opens a connection over TCP, or TLS if the URL is `wss:`.
 *
 * ```js
 * import { connect } from 'websocket-component/node';
 *
 * async function greet(url) {
 *   const session = await connect(url, { protocols: ['chat'] });
 *   await session.send('hello');
 *   for await (const message of session) console.log(message);
 * }
 * ```
 *
 * @throws Error If the socket can't be opened. WebSocketError If the server refuses or breaks a rule.
 */
export async function connect(url: string | URL, options: ClientOptions = {}): Promise<WebSocketSession> {
  const located = locate(url);
  const socket = await open(located, options.signal, options.tls);
  return WebSocketSession.connect(socket, { ...options, url: located });
}

export interface WebSocket extends Interface {}

/** A client with the interface of the W3C's `WebSocket`, over TCP, or TLS if the URL is `wss:`. */
export const WebSocket: WebSocketClass<
  [url: string | URL, protocols?: string | string[], options?: Omit<ClientOptions, 'protocols'>]
> = websocketClass(({ tls: settings, ...options } = {}) => ({
  ...options,
  open: (url, signal) => open(url, signal, settings),
}));

function open(url: URL, signal: AbortSignal | undefined, settings: tls.ConnectionOptions = {}): Promise<net.Socket> {
  const isSecure = url.protocol === 'wss:';
  // Only URLs have brackets around an IPv6 address.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (isSecure ? 443 : 80);
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const named = net.isIP(host) ? {} : { servername: host };
    const socket = isSecure
      ? tls.connect({ ALPNProtocols: ['http/1.1'], ...named, ...settings, host, port })
      : net.connect({ host, port });
    const abort = (): void => void socket.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    socket.setNoDelay();
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      signal?.removeEventListener('abort', abort);
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
