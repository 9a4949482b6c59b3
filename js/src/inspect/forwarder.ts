import type {
  Progress, Seen, Side, Step, Violation, WebsocketInspector,
} from '../../component/interfaces/websocket-protocol-inspector.js';
import type { State } from '../../component/interfaces/websocket-protocol-types.js';
import { concat } from '../payload.js';
import { now } from '../time.js';
import { Direction } from './direction.js';

/** What a forwarder does with what comes of its input. */
export interface ForwarderListener {
  /** These bytes go to a side. */
  write(to: Side, bytes: Uint8Array): void;
  /** Something was seen; its spans are parts of `payload`. */
  seen(from: Side, seen: Seen[], payload: Uint8Array): void;
}

/**
 * A frame whose payload nobody looks at is long if it has more bytes than this: a call for its header alone costs less than
 * copying it into the sandbox. After one the next frame is looked at by its header first, or at so many bytes.
 */
const LONG = 4096;
/** The most bytes of a header that the inspector takes. */
const HEADER = 16;
const NOTHING = new Uint8Array();

/**
 * Forwards a connection between two others that an inspector in the sandbox looks at, without its transports. It shows the
 * inspector what has to be looked at, and holds what may not go on yet.
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

  /** Who has sent the first close frame, if no rule was broken before that. */
  get closedBy(): Side | undefined {
    return this.#closedBy;
  }

  /** How the transport to a side ends, now that all it gets was written. */
  endOf(to: Side): 'none' | 'shutdown' | 'reset' {
    return this.#directions[other(to)].end;
  }

  /** Whether a side may go on: what it has sent doesn't wait for the other half of the handshake. */
  takes(from: Side): boolean {
    return this.#directions[from].rest.length === 0;
  }

  /** How many bytes of what a side has sent may not go on yet. */
  held(from: Side): number {
    return this.#directions[from].held;
  }

  /** Takes what a side has sent. */
  input(from: Side, bytes: Uint8Array): void {
    this.#lookAt(from, bytes);
    // With one half of the handshake, what waits for it can be looked at.
    for (const side of [other(from), from]) if (!this.takes(side)) this.#lookAt(side, NOTHING);
    this.#forward(from, bytes);
    this.#forward(other(from), NOTHING);
  }

  /** Does what is due. */
  timePasses(): void {
    this.#advance('client', NOTHING);
    this.#forwardBoth();
  }

  /** Calls the inspector, and takes note of what has changed. */
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
      // It waits for the other half of the handshake, or isn't looked at any more.
      if (this.state === 'connecting') direction.rest = new Uint8Array(input);
      break;
    }
    if (direction.skipped > 0) this.#advance(from, NOTHING);
    else if (!isTold) this.#note(this.#inspector.progress());
  }

  /** Passes a header whose payload need not be looked at. Returns its length, or 0 if there is more to it. */
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

/** The side that gets what this one sends. */
export function other(side: Side): Side {
  return side === 'client' ? 'server' : 'client';
}
