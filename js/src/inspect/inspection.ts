import type { Side, Traffic, WebsocketInspector } from '../../component/interfaces/websocket-protocol-inspector.js';
import { asyncDispose, dispose } from '../dispose.js';
import { type Transport, duplexOf } from '../duplexes/index.js';
import { Engine } from '../engine.js';
import { WebSocketError, callListener, checked, reasonOf } from '../error.js';
import { extensionsOf, negotiatedOf } from '../handshake.js';
import { register, unregister } from '../leaks.js';
import { type Data, bytesOf } from '../payload.js';
import { Alarm, now } from '../time.js';
import { Forwarder, other } from './forwarder.js';
import { Line } from './line.js';
import { type Seen, type SeenMessage, seenOf } from './seen.js';
import { type InspectSettings, type SideSettings, withInspectorOptions } from './settings.js';

/** The options for what one side sends. */
export interface SideOptions extends SideSettings {
  /**
   * Decides on each message: false drops it. Until then it is held, and so is everything after it. If `view.payload` is
   * a number, longer messages are forwarded without a decision. A compressed message can only be dropped if later ones
   * can't refer to it (RFC 7692, section 7.1.1).
   */
  decide?: (message: SeenMessage) => boolean | PromiseLike<boolean>;
}

/** The options of an inspected connection. */
export interface InspectOptions extends InspectSettings {
  client?: SideOptions;
  server?: SideOptions;
  /** What was negotiated, if the handshake was made already and the transports begin with frames. */
  negotiated?: { protocol?: string; extensions?: string };
  /** Called with what passes, as selected by the sides' `view`. */
  seen?: (seen: Seen) => void;
  /** Drops both transports when it is aborted. */
  signal?: AbortSignal;
  /** The sandbox. Default: {@link Engine.shared}. */
  engine?: Engine;
}

/** What one side did. */
export interface SideReport {
  /** How many data frames it sent. */
  readonly frames: number;
  /** How many messages. */
  readonly messages: number;
  /** The payloads of those frames on the wire, in bytes. */
  readonly bytes: number;
  /** The code of the close frame that it sent: 1005 for one without a code, undefined if it sent none. */
  readonly closeReceived: number | undefined;
  /** The code of the close frame that was sent to it. */
  readonly closeSent: number | undefined;
}

/** How an inspected connection ended. */
export interface Inspected {
  /** Whether both sides sent a close frame, and no rule was broken. */
  readonly wasClean: boolean;
  /** The side that sent the first close frame, if no rule was broken before that. */
  readonly closedBy: Side | undefined;
  /** The first rule that was broken, and who broke it. `error.offset` counts what that side had sent. */
  readonly violation: { readonly from: Side; readonly error: WebSocketError } | undefined;
  /** The error of a transport or of `decide`, the reason of an abort, or the sandbox's trap. */
  readonly error: Error | undefined;
  /** Without counts and codes if the sandbox trapped. */
  readonly client: SideReport;
  /** Likewise. */
  readonly server: SideReport;
}

const SIDES: readonly Side[] = ['client', 'server'];
/** The entropy for masks and pings, in bytes. */
const ENTROPY = 32;
const INTERNAL_ERROR = 1011;
/** A side is not read while more than this many bytes wait for a decision. */
const HIGH_WATER = 1 << 16;

/**
 * Forwards a WebSocket connection between two transports unchanged, and checks every rule in both directions. A side
 * that breaks one is closed with the rule's code, and the other one with 1014 or 1001.
 *
 * @param client The transport to the client.
 * @param server The transport to the server.
 * @throws RangeError If a number is out of its range. WebSocketError If `negotiated` can't be inspected.
 */
export async function inspect(client: Transport, server: Transport, options: InspectOptions = {}): Promise<Inspection> {
  const engine = options.engine ?? (await Engine.shared());
  const lines = { client: new Line(duplexOf(client)), server: new Line(duplexOf(server)) };
  const { signal, negotiated } = options;
  if (signal?.aborted) {
    for (const side of SIDES) lines[side].destroy();
    throw reasonOf(signal);
  }
  const { WebsocketInspector } = engine.component.inspector;
  const entropy = crypto.getRandomValues(new Uint8Array(ENTROPY));
  const held = SIDES.filter((side) => options[side]?.decide);
  const inspector = withInspectorOptions(engine, options, held, (made) =>
    negotiated
      ? WebsocketInspector.open(made, entropy, negotiatedOf(negotiated), now())
      : WebsocketInspector.create(made, entropy, now()),
  );
  return new Inspection(engine, inspector, lines, options);
}

/** A connection that is being inspected. */
export class Inspection {
  /** Settles when the connection has ended, and is never rejected. */
  readonly closed: Promise<Inspected>;
  readonly #engine: Engine;
  readonly #inspector: WebsocketInspector;
  readonly #lines: Record<Side, Line>;
  readonly #options: InspectOptions;
  readonly #forwarder: Forwarder;
  readonly #alarm = new Alarm(() => this.#do(() => this.#forwarder.timePasses()));
  /** Actions that were requested during another one. */
  readonly #todo: { act: () => void; dropped: (() => void) | undefined }[] = [];
  /** Whether the inspector was told that a side is blocked. */
  readonly #isBlocked: Record<Side, boolean> = { client: false, server: false };
  /** How many messages of each side wait for a decision. */
  readonly #undecided: Record<Side, number> = { client: 0, server: 0 };
  /** The decisions of each side, in the order of its messages. */
  readonly #decisions: Record<Side, Promise<void>> = { client: Promise.resolve(), server: Promise.resolve() };
  #isBusy = false;
  #hasEnded = false;
  #error: Error | undefined;
  #resolve!: (inspected: Inspected) => void;

  /** @internal Created by {@link inspect}. */
  constructor(engine: Engine, inspector: WebsocketInspector, lines: Record<Side, Line>, options: InspectOptions) {
    this.#engine = engine;
    this.#inspector = inspector;
    this.#lines = lines;
    this.#options = options;
    this.#forwarder = new Forwarder(inspector, {
      write: (to, bytes) => this.#lines[to].write(bytes),
      seen: (from, seen, payload) => callListener(() => {
        const all = seenOf(inspector, from, seen, payload, (message) => this.#decide(from, message));
        for (const one of all) callListener(() => options.seen?.(one));
      }),
    });
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    register(this, inspector);
    const abort = (): void => this.#abort(reasonOf(options.signal as AbortSignal));
    options.signal?.addEventListener('abort', abort, { once: true });
    void this.closed.then(() => options.signal?.removeEventListener('abort', abort));
    this.#do(() => {});
    for (const side of SIDES) this.#start(side);
  }

  /** The state of the connection, named as in the W3C's `WebSocket`. */
  get state(): 'connecting' | 'open' | 'closing' | 'closed' {
    if (this.#hasEnded) return 'closed';
    const { state } = this.#forwarder;
    return state === 'draining' ? 'closing' : state;
  }

  /** The negotiated subprotocol, or an empty string. Known once the connection is open. */
  get protocol(): string {
    return this.#ask((inspector) => inspector.negotiated())?.subprotocol ?? '';
  }

  /** The negotiated extensions, as in the header. Known once the connection is open. */
  get extensions(): string {
    return extensionsOf(this.#ask((inspector) => inspector.negotiated())?.extensions ?? []);
  }

  /** How many bytes of the sandbox's memory the inspector uses. */
  get memory(): number {
    return Number(this.#ask((inspector) => inspector.memory()) ?? 0);
  }

  /** Inserts a ping to a side. Its pong is reported as `round-trip`. */
  ping(to: Side): Promise<void> {
    return this.#call((inspector, time) => inspector.ping(to, time));
  }

  /**
   * Inserts a message to a side, between two others: a string as text, anything else as binary.
   *
   * @throws WebSocketError If it can't be: `not-open`, `already-closing` or `queue-full`.
   */
  insert(to: Side, data: Data): Promise<void> {
    const bytes = bytesOf(data);
    return this.#call((inspector, time) => inspector.insert(to, bytes, typeof data === 'string', time));
  }

  /**
   * Closes both sides, each at its next frame boundary. A connection that is not open yet is dropped.
   *
   * @returns How the connection ended, as `closed`.
   * @throws WebSocketError If the code or the reason can't be sent.
   */
  async close(code = 1001, reason = ''): Promise<Inspected> {
    if (this.state === 'connecting') this.abort();
    else if (this.state === 'open') await this.#call((inspector, time) => inspector.close(code, reason, time));
    return this.closed;
  }

  /** Drops both transports at once, without sending a close frame. */
  abort(): void {
    this.#abort(undefined);
  }

  [dispose](): void {
    this.abort();
  }

  /** Closes both sides with 1001, and waits for the end. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  #start(side: Side): void {
    const line = this.#lines[side];
    line.start({
      data: (bytes) => {
        // The array may be reused when the call returns.
        const input = this.#isBusy ? new Uint8Array(bytes) : bytes;
        this.#do(() => this.#forwarder.input(side, input));
      },
      end: (error) => {
        // A transport's error counts only while there is something to lose.
        if (error && this.#forwarder.state !== 'draining' && !this.#hasEnded) this.#error ??= error;
        this.#do(() => this.#forwarder.tell((inspector, time) => inspector.endOfInput(side, time)));
      },
      drained: () => this.#do(() => {
        if (!this.#isBlocked[side]) return;
        this.#isBlocked[side] = false;
        this.#forwarder.tell((inspector, time) => inspector.outputTaken(side, time));
      }),
    });
  }

  /** Runs actions one at a time: a duplex may call back while it is written to. After the end, calls `dropped`. */
  #do(act: () => void, dropped?: () => void): void {
    if (this.#hasEnded) return dropped?.();
    this.#todo.push({ act, dropped });
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.#todo.length > 0) {
        if (this.#engine.failure) throw this.#engine.failure;
        this.#todo.shift()?.act();
        this.#settle();
      }
    } catch (error) {
      // Calls throw only if the guest traps.
      this.#engine.trapped(error);
      this.#abort(this.#engine.failure);
    }
    this.#isBusy = false;
  }

  /** Updates the transports to the inspector's state. */
  #settle(): void {
    if (this.#hasEnded) return;
    for (const side of SIDES) this.#settleLine(side);
    for (const side of SIDES) this.#endLine(side);
    if (this.#forwarder.state === 'closed' || SIDES.every((side) => this.#lines[side].isGone)) return this.#finish();
    const deadline = this.#forwarder.nextDeadline;
    this.#alarm.set(deadline === undefined ? undefined : Number(deadline));
  }

  #endLine(side: Side): void {
    const end = this.#forwarder.endOf(side);
    if (end === 'none') return;
    const { violation } = this.#forwarder;
    const takesNothing = violation?.from === side && violation.failure.rule === 'write-timeout';
    // A reset could lose forwarded messages. The peer sees that the output ends inside a frame.
    if (end === 'reset' && takesNothing) this.#lines[side].destroy();
    else this.#lines[side].end();
  }

  /** Whether to read from a side: its input can be forwarded, or isn't checked any more. */
  #reads(side: Side): boolean {
    const { state } = this.#forwarder;
    if (state === 'draining' || state === 'closed') return true;
    const awaitsDecision = this.#undecided[side] > 0 && this.#forwarder.held(side) > HIGH_WATER;
    return this.#forwarder.takes(side) && !awaitsDecision && !this.#lines[other(side)].isBlocked;
  }

  /** Reports to the inspector whether a side is blocked, and whether it is being read. */
  #settleLine(side: Side): void {
    const line = this.#lines[side];
    if (line.isBlocked && !this.#isBlocked[side]) {
      this.#isBlocked[side] = true;
      this.#forwarder.tell((inspector, time) => inspector.outputBlocked(side, time));
    }
    const reads = this.#reads(side);
    if (!line.setReading(reads) || line.hasInputEnded) return;
    this.#forwarder.tell((inspector, time) => (reads ? inspector.resumeReading(side, time) : inspector.pauseReading(side, time)));
  }

  /** Calls the option `decide`, and applies the decision after earlier ones. */
  #decide(from: Side, message: SeenMessage): void {
    const decision = (async () => this.#options[from]?.decide?.(message) ?? true)();
    this.#undecided[from] += 1;
    // A rejection is handled in its turn, after earlier decisions.
    decision.catch(() => {});
    const decide = async (): Promise<void> => {
      const goesOn = await decision.finally(() => {
        this.#undecided[from] -= 1;
      });
      if (!this.#hasEnded) await this.#call((inspector, time) => inspector.decide(from, goesOn, time));
    };
    // If `decide` fails, the message must not pass.
    this.#decisions[from] = this.#decisions[from].then(decide).catch((error: unknown) => {
      // Messages that were held when both sides were closed are dropped.
      if (this.#hasEnded || (error instanceof WebSocketError && error.rule === 'nothing-held')) return;
      this.#error ??= error instanceof Error ? error : new Error(String(error));
      this.close(INTERNAL_ERROR).catch(() => {});
    });
  }

  /** Calls the inspector for the program, and rejects with its errors. */
  #call(call: (inspector: WebsocketInspector, time: bigint) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const act = (): void => {
        try {
          this.#forwarder.tell((inspector, time) => checked(() => call(inspector, time)));
        } catch (error) {
          reject(error);
          if (!(error instanceof WebSocketError || error instanceof TypeError)) throw error;
        }
        resolve();
      };
      this.#do(act, () => reject(this.#error ?? new Error('the connection has ended')));
    });
  }

  #ask<T>(call: (inspector: WebsocketInspector) => T): T | undefined {
    return this.#hasEnded || this.#engine.failure ? undefined : call(this.#inspector);
  }

  #abort(error: Error | undefined): void {
    if (this.#hasEnded) return;
    this.#error ??= error;
    this.#end();
    for (const side of SIDES) this.#lines[side].destroy();
  }

  /** Finishes when both sides have ended, or timed out. */
  #finish(): void {
    this.#end();
    for (const side of SIDES) this.#lines[side].finish();
  }

  #end(): void {
    const [client, server] = [this.#report('client'), this.#report('server')];
    const { violation, closedBy } = this.#forwarder;
    this.#hasEnded = true;
    this.#alarm.set(undefined);
    for (const { dropped } of this.#todo.splice(0)) dropped?.();
    unregister(this);
    if (!this.#engine.failure) this.#inspector[dispose]();
    this.#resolve({
      wasClean: !violation && client.closeReceived !== undefined && server.closeReceived !== undefined,
      closedBy,
      violation: violation && { from: violation.from, error: new WebSocketError(violation.failure) },
      error: this.#error,
      client,
      server,
    });
  }

  #report(side: Side): SideReport {
    const traffic: Traffic = this.#ask((inspector) => inspector.traffic(side)) ?? { frames: 0n, messages: 0n, bytes: 0n };
    return {
      frames: Number(traffic.frames),
      messages: Number(traffic.messages),
      bytes: Number(traffic.bytes),
      closeReceived: this.#ask((inspector) => inspector.closeCode(side)),
      closeSent: this.#ask((inspector) => inspector.closeSent(side)),
    };
  }
}
