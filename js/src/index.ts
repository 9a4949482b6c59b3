/**
 * A WebSocket engine in a WebAssembly sandbox, over any transport.
 *
 * {@link WebSocketSession} is one connection over any transport; {@link WebSocket} has the interface of the W3C's
 * class; {@link inspect} checks a connection between two transports and forwards it. `websocket-component/node` has
 * servers and clients for Node, `websocket-component/component` the component itself.
 */

export type { Duplex, DuplexListener } from './duplex.js';
export type { Transport } from './duplexes/index.js';
export type { NodeStream } from './duplexes/node.js';
export type { StreamPair } from './duplexes/streams.js';
export { Engine, type Source } from './engine.js';
export { WebSocketError } from './error.js';
export { CloseEvent, ControlEvent, FailureEvent } from './events.js';
export type { RefusedResponse, RequestOptions, ResponseOptions, UpgradeRequest, UpgradeResponse } from './handshake.js';
export {
  type InspectOptions, type Inspected, type SideOptions, type SideReport, Inspection, inspect,
} from './inspect/inspection.js';
export type { Seen, SeenFrame, SeenMessage } from './inspect/seen.js';
export type {
  InspectSettings, InspectTimeouts, SideLimits, SideSettings, SideTimeouts, View,
} from './inspect/settings.js';
export type { Answering, Closed, ConnectOptions, SessionOptions } from './opening.js';
export type { Data } from './payload.js';
export { type AcceptOptions, type SendOptions, type SessionEventMap, WebSocketSession } from './session.js';
export { WebSocket, type WebSocketOptions } from './websocket.js';
export type { DeflateSettings, Limits, Settings, Timeouts } from './settings.js';
