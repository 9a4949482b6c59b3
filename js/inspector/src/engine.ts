import './dispose.js';
import { type Root, instantiate } from '../../component/websocket.js';
import core from '../../component/websocket.core.wasm';
import core2 from '../../component/websocket.core2.wasm';
import core3 from '../../component/websocket.core3.wasm';

/** The component's own interfaces: `session`, `options` and `inspector` of `websocket:protocol`. */
export type Engine = Root;
export type { Extension, Failure, Negotiated, Rule } from '../../component/interfaces/websocket-protocol-types.js';
export type { InspectorOptions, Violation } from '../../component/interfaces/websocket-protocol-inspector.js';
export type {
  Event, ExchangeResult, Message, RequestHead, SessionOptions as Options, WebsocketSession as Session,
} from '../../component/interfaces/websocket-protocol-session.js';

const FILES = { 'websocket.core.wasm': core, 'websocket.core2.wasm': core2, 'websocket.core3.wasm': core3 };
const modules = Promise.all(
  Object.entries(FILES).map(async ([name, bytes]) => [name, await WebAssembly.compile(bytes)] as const),
).then((compiled) => new Map<string, WebAssembly.Module>(compiled));

/** An engine in a sandbox of its own: its memory goes with it, and a trap in it harms no other. */
export async function sandbox(): Promise<Engine> {
  const compiled = await modules;
  return instantiate(
    (name) => compiled.get(name) as WebAssembly.Module,
    {},
    (module, imports) => WebAssembly.instantiate(module, imports),
  );
}
