import { asInterface, domString, needArguments, unsignedShort } from './w3c/conversions.js';

/** The W3C's `CloseEvent`: the connection has closed. */
export interface CloseEvent extends Event {
  /** The code of the peer's close frame: 1005 if it had no code, 1006 if there was no close frame. */
  readonly code: number;
  readonly reason: string;
  /** Whether both sides sent a close frame. */
  readonly wasClean: boolean;
}

interface CloseEventInit extends EventInit {
  code?: number;
  reason?: string;
  wasClean?: boolean;
}

class OwnCloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: string, init: CloseEventInit = {}) {
    needArguments(arguments.length, 1, 'the constructor of CloseEvent');
    super(type, init);
    const { wasClean = false, code = 0, reason = '' } = init ?? {};
    this.#wasClean = Boolean(wasClean);
    this.#code = unsignedShort(code);
    this.#reason = domString(reason);
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }
}

Object.defineProperty(OwnCloseEvent, 'name', { value: 'CloseEvent', configurable: true });
asInterface(OwnCloseEvent);

/** The platform's class if it has one: Node does from 23 on. */
export const CloseEvent: { new (type: string, init?: CloseEventInit): CloseEvent; readonly prototype: CloseEvent } =
  globalThis.CloseEvent ?? OwnCloseEvent;

/** The W3C's `error` event, with the error. */
export class FailureEvent extends Event {
  readonly error: Error;

  constructor(type: string, error: Error) {
    super(type);
    this.error = error;
  }

  /** As in an `ErrorEvent`. */
  get message(): string {
    return this.error.message;
  }
}

/** A ping or a pong was received. */
export class ControlEvent extends Event {
  readonly data: Uint8Array;
  /** The round-trip time in milliseconds, for a pong that answers a ping. */
  readonly roundTripTime: number | undefined;

  constructor(type: string, data: Uint8Array, roundTripTime?: number) {
    super(type);
    this.data = data;
    this.roundTripTime = roundTripTime;
  }
}

/** An `EventTarget` with typed events. */
export class TypedTarget<Events> extends EventTarget {
  override addEventListener<K extends keyof Events & string>(
    type: K,
    listener: (event: Events[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(type: string, listener: any, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener, options);
    this.listened(type);
  }

  /** Called when a listener for events of this type was added. */
  protected listened(_type: string): void {}
}
