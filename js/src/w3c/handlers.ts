/** What an event handler attribute can hold: a function, or an object that isn't one and does nothing. */
type Handler = object | null;

/** The event handler attributes of a target: `onopen` and so on (HTML, section 8.1.8.1). */
export class Handlers {
  readonly #target: EventTarget;
  readonly #active = new Map<string, { handler: object; listener: (event: Event) => void }>();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get(type: string): Handler {
    return this.#active.get(type)?.handler ?? null;
  }

  /** A handler that replaces another keeps its position among the listeners. A value that is no object removes it. */
  set(type: string, value: unknown): void {
    const active = this.#active.get(type);
    const handler = (typeof value === 'object' && value) || (typeof value === 'function' && value);
    if (!handler) {
      if (active) this.#target.removeEventListener(type, active.listener);
      this.#active.delete(type);
    } else if (active) {
      active.handler = handler;
    } else {
      const added = { handler, listener: (event: Event) => call(added.handler, event) };
      this.#active.set(type, added);
      this.#target.addEventListener(type, added.listener);
    }
  }
}

function call(handler: object, event: Event): void {
  if (typeof handler !== 'function') return;
  if (handler.call(event.currentTarget, event) === false) event.preventDefault();
}
