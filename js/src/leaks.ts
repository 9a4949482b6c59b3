import { dispose } from './dispose.js';

/** A resource in the sandbox that somebody answers for. */
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

/** If the owner is collected before it has disposed of the resource, that is reported, and done. */
export function entrust(owner: object, resource: Resource): void {
  registry.register(owner, resource, owner);
}

/** The owner has disposed of it. */
export function relieve(owner: object): void {
  registry.unregister(owner);
}
