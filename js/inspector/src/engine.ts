import './dispose.js';
import { type Root, instantiate } from '../../component/websocket.js';
import core from '../../component/websocket.core.wasm';
import core2 from '../../component/websocket.core2.wasm';
import core3 from '../../component/websocket.core3.wasm';

/** The component's own interface, `websocket:protocol/session`. */
export type Engine = Root['session'];
export type { Extension, Failure, Negotiated, Rule } from '../../component/interfaces/websocket-protocol-types.js';
export type {
  Config, Event, Message, RequestHead, Turn, WebsocketSession as Session,
} from '../../component/interfaces/websocket-protocol-session.js';

const FILES = { 'websocket.core.wasm': core, 'websocket.core2.wasm': core2, 'websocket.core3.wasm': core3 };
const modules = Promise.all(
  Object.entries(FILES).map(async ([name, bytes]) => [name, await WebAssembly.compile(bytes)] as const),
).then((compiled) => new Map<string, WebAssembly.Module>(compiled));

/** An engine in a sandbox of its own: its memory goes with it, and a trap in it harms no other. */
export async function sandbox(): Promise<Engine> {
  const compiled = await modules;
  const { session } = await instantiate(
    (name) => compiled.get(name) as WebAssembly.Module,
    {},
    (module, imports) => WebAssembly.instantiate(module, imports),
  );
  return session;
}
