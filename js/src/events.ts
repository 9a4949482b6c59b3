/** A connection has closed, in the words of the W3C's `CloseEvent`, which not every version of Node has. */
export class CloseEvent extends Event {
  /** The code of the peer's close frame; 1005 if it had none, 1006 if none came. */
  readonly code: number;
  readonly reason: string;
  /** Whether both sides sent a close frame. */
  readonly wasClean: boolean;

  constructor(type: string, { code, reason, wasClean }: { code: number; reason: string; wasClean: boolean }) {
    super(type);
    this.code = code;
    this.reason = reason;
    this.wasClean = wasClean;
  }
}

/** Something went wrong; the W3C's `error` event, with what it was. */
export class FailureEvent extends Event {
  readonly error: Error;

  constructor(type: string, error: Error) {
    super(type);
    this.error = error;
  }

  /** As of an `ErrorEvent`. */
  get message(): string {
    return this.error.message;
  }
}

/** A ping or a pong has come. */
export class ControlEvent extends Event {
  readonly data: Uint8Array;
  /** Of a pong that a ping asked for: how long it took, in milliseconds. */
  readonly roundTripTime: number | undefined;

  constructor(type: string, data: Uint8Array, roundTripTime?: number) {
    super(type);
    this.data = data;
    this.roundTripTime = roundTripTime;
  }
}

/** A target whose events have types. */
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

  /** Somebody listens to events of this type now. */
  protected listened(_type: string): void {}
}
