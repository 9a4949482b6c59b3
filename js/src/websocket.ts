import type { Transport } from './duplexes/index.js';
import type { SessionOptions } from './opening.js';
import { type WebSocket as Interface, type WebSocketClass, websocketClass } from './w3c/websocket.js';

/** The options of a {@link WebSocket} beyond the W3C's constructor. */
export interface WebSocketOptions extends SessionOptions {
  /** What the bytes go over, or a function that opens it. */
  transport: Transport | ((url: URL, signal: AbortSignal) => Transport | PromiseLike<Transport>);
  /** Further fields of the request. */
  headers?: HeadersInit;
}

export interface WebSocket extends Interface {}

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
 *
 * @throws DOMException `SyntaxError` if the URL or a subprotocol is none. TypeError If there is no transport.
 */
export const WebSocket: WebSocketClass<
  [url: string | URL, protocols: string | string[] | undefined, options: WebSocketOptions]
> = websocketClass(({ transport, ...options }: Partial<WebSocketOptions> = {}) => {
  if (typeof transport === 'function') return { ...options, open: transport };
  if (typeof transport !== 'object' || transport === null) throw new TypeError('there is no transport to go over');
  return { ...options, open: () => transport };
});
