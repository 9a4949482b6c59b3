import type {
  Progress, Seen, Side, Step, Violation, WebsocketInspector,
} from '../../component/interfaces/websocket-protocol-inspector.js';
import type { State } from '../../component/interfaces/websocket-protocol-types.js';
import { concat } from '../payload.js';
import { now } from '../time.js';
import { Direction } from './direction.js';

/** The output of a forwarder. */
export interface ForwarderListener {
  /** Bytes to write to a side. */
  write(to: Side, bytes: Uint8Array): void;
  /** Something was seen; its spans are parts of `payload`. */
  seen(from: Side, seen: Seen[], payload: Uint8Array): void;
}

/**
 * A frame whose payload needn't be checked is long if it has more bytes than this: a call for its header alone costs
 * less than copying it into the sandbox. After a long frame, only the header of the next one is passed, or this many
 * bytes.
 */
const LONG = 4096;
/** The most bytes of a header that the inspector takes. */
const HEADER = 16;
const NOTHING = new Uint8Array();

/**
 * Forwards a connection that an inspector in the sandbox checks, without transports. It passes the inspector what has
 * to be checked, and holds what may not be forwarded yet.
 */
export class Forwarder {
  readonly #inspector: WebsocketInspector;
  readonly #listener: ForwarderListener;
  readonly #directions: Record<Side, Direction> = { client: new Direction(), server: new Direction() };
  readonly #header = new DataView(new ArrayBuffer(HEADER));
  #progress: Progress;
  #violation: Violation | undefined;
  #closedBy: Side | undefined;

  constructor(inspector: WebsocketInspector, listener: ForwarderListener) {
    this.#inspector = inspector;
    this.#listener = listener;
    this.#progress = inspector.progress();
  }

  get state(): State {
    return this.#progress.state;
  }

  /** When to call `timePasses` if there is no input first. */
  get nextDeadline(): bigint | undefined {
    return this.#progress.nextDeadline;
  }

  /** The first rule that was broken, and by whom. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** The side that sent the first close frame, if no rule was broken before that. */
  get closedBy(): Side | undefined {
    return this.#closedBy;
  }

  /** How to end the transport to a side, once all output was written. */
  endOf(to: Side): 'none' | 'shutdown' | 'reset' {
    return this.#directions[other(to)].end;
  }

  /** Whether a side's input can be processed: it doesn't wait for the other half of the handshake. */
  takes(from: Side): boolean {
    return this.#directions[from].rest.length === 0;
  }

  /** How many bytes of a side are held. */
  held(from: Side): number {
    return this.#directions[from].held;
  }

  /** Processes input from a side. */
  input(from: Side, bytes: Uint8Array): void {
    this.#lookAt(from, bytes);
    // One half of the handshake may allow the other side's input to be checked.
    for (const side of [other(from), from]) if (!this.takes(side)) this.#lookAt(side, NOTHING);
    this.#forward(from, bytes);
    this.#forward(other(from), NOTHING);
  }

  /** Handles timeouts. */
  timePasses(): void {
    this.#advance('client', NOTHING);
    this.#forwardBoth();
  }

  /** Calls the inspector, and records the result. */
  tell(call: (inspector: WebsocketInspector, time: bigint) => void): void {
    call(this.#inspector, now());
    this.#note(this.#inspector.progress());
    this.#forwardBoth();
  }

  #lookAt(from: Side, bytes: Uint8Array): void {
    const direction = this.#directions[from];
    let input = direction.rest.length > 0 ? concat([direction.rest, bytes]) : bytes;
    direction.rest = NOTHING;
    let isTold = false;
    let hasMore = false;
    for (;;) {
      input = direction.skip(input);
      if (input.length === 0 && !hasMore) break;
      const header = direction.isByHeader ? this.#passHeader(from, input) : 0;
      if (header > 0) {
        input = input.subarray(header);
        isTold = false;
        continue;
      }
      const length = direction.isByHeader ? Math.max(direction.wanted, LONG) : input.length;
      const step = this.#advance(from, input.subarray(0, length));
      isTold = true;
      hasMore = step.more;
      input = input.subarray(step.consumed);
      if (step.consumed > 0 || hasMore) continue;
      // It waits for the other half of the handshake, or isn't checked any more.
      if (this.state === 'connecting') direction.rest = new Uint8Array(input);
      break;
    }
    if (direction.skipped > 0) this.#advance(from, NOTHING);
    else if (!isTold) this.#note(this.#inspector.progress());
  }

  /** Passes a header whose payload needn't be checked. Returns its length, or 0 if the fast path doesn't apply. */
  #passHeader(from: Side, bytes: Uint8Array): number {
    const direction = this.#directions[from];
    const header = new Uint8Array(this.#header.buffer);
    const length = Math.min(HEADER, bytes.length);
    header.set(bytes.subarray(0, length));
    const [low, high] = [this.#header.getBigUint64(0, true), this.#header.getBigUint64(8, true)];
    const passed = this.#inspector.passHeader(from, BigInt(direction.skipped), low, high, length, now());
    if (passed === 0n) return 0;
    direction.skipped = 0;
    direction.skippable = Number(passed >> 4n);
    direction.isByHeader = direction.skippable > LONG;
    return Number(passed & 15n);
  }

  #advance(from: Side, input: Uint8Array): Step {
    const direction = this.#directions[from];
    const step = this.#inspector.advance(from, BigInt(direction.skipped), input, now());
    direction.skipped = 0;
    direction.skippable = Number(step.skippable);
    direction.wanted = Number(step.wanted);
    direction.isByHeader = step.skippable > 0n;
    const isFirst = this.#closedBy === undefined && this.#violation === undefined;
    if (isFirst && step.seen.some(({ tag }) => tag === 'close')) this.#closedBy = from;
    this.#note(step.progress);
    if (step.seen.length > 0) this.#listener.seen(from, step.seen, step.payload);
    return step;
  }

  #note(progress: Progress): void {
    this.#directions.client.note(progress.client);
    this.#directions.server.note(progress.server);
    this.#violation ??= progress.violation;
    this.#progress = progress;
  }

  #forwardBoth(): void {
    this.#forward('client', NOTHING);
    this.#forward('server', NOTHING);
  }

  #forward(from: Side, input: Uint8Array): void {
    const bytes = this.#directions[from].forward(input);
    if (bytes.length > 0) this.#listener.write(other(from), bytes);
  }
}

/** Returns the other side. */
export function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
