import { dispose } from './dispose.js';

/** A resource in the sandbox that has an owner. */
interface Resource {
  [dispose](): void;
}

const registry = new FinalizationRegistry<Resource>((resource) => {
  resource[dispose]();
  const message = 'a WebSocket session was dropped without being closed; its memory in the sandbox was held until now';
  if (typeof process === 'object' && typeof process.emitWarning === 'function') {
    process.emitWarning(message, { code: 'WS_SESSION_LEAKED' });
  } else {
    console.warn(message);
  }
});

/** Registers an owner. If it is garbage-collected before it disposes of the resource, warns and disposes of it. */
export function register(owner: object, resource: Resource): void {
  registry.register(owner, resource, owner);
}

/** Unregisters an owner that has disposed of its resource. */
export function unregister(owner: object): void {
  registry.unregister(owner);
}
