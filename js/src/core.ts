import type { WebsocketSession } from '../component/interfaces/websocket-protocol-session.js';
import type { Failure, Fault, RuleGroup, State } from '../component/interfaces/websocket-protocol-types.js';
import type { Send } from './outbox.js';

/**
 * Calls the core module's functions for each read and each message directly, by the canonical ABI. jco's bindings make
 * an object for each list, record and variant, which takes longer than the engine takes for a small message.
 * `js/test/core.test.mjs` compares both.
 */

/** Kinds of events, by their case in the contract. */
export const TEXT = 0;
export const BINARY = 2;
export const PING = 4;
export const PONG = 5;
export const UNSOLICITED_PONG = 6;
export const CLOSE = 7;
export const REQUEST = 9;
export const OPENED = 10;

/** Something was received. */
export interface Received {
  kind: number;
  bytes: Uint8Array;
  /** The code of a close frame; the round-trip time of a pong, in nanoseconds. */
  value: number;
}

/** The result of an exchange, copied from the guest. */
export interface Exchanged {
  consumed: number;
  accepted: number;
  refused: Failure | undefined;
  events: readonly Received[];
  output: Uint8Array;
  more: boolean;
  state: State;
  /** In nanoseconds. */
  nextDeadline: number | undefined;
  failure: Failure | undefined;
}

const SESSION = 'websocket:protocol/session@0.2.0';
const METHOD = `${SESSION}#[method]websocket-session.`;
/** The import that the guest calls when it creates a session. */
const RESOURCES = `[export]${SESSION}`;
const RESOURCE_NEW = '[resource-new]websocket-session';

const STATES: readonly State[] = ['connecting', 'open', 'closing', 'draining', 'closed'];
const FAULTS: readonly Fault[] = ['peer', 'host', 'transport'];
const GROUPS: readonly RuleGroup[] = [
  'invalid-operation', 'invalid-format', 'unsupported-extensions', 'unsupported-subprotocol', 'unsupported-version',
];

/** The sizes of an `event` and an `outgoing`. */
const EVENT = 24;
const OUTGOING = 32;
/** Up to this length a loop is faster than `set`, which needs a view. */
const SHORT = 48;
const NO_EVENTS: readonly Received[] = [];
const NO_BYTES = new Uint8Array();
const decoder = new TextDecoder();

type Function = (...values: (number | bigint)[]) => number;

type Allocate = (length: number) => Uint8Array;

/** Allocates memory for bytes from the guest: in a separate buffer, or from a pool where there is one. */
const alone: Allocate = (length) => new Uint8Array(length);
const allocate: Allocate = typeof Buffer === 'function' ? (length) => Buffer.allocUnsafe(length) : alone;

/** Maps jco's handles of sessions to representations, which the core module's functions take instead. */
export class Representations {
  readonly #made = new Map<number, number>();

  /** Wraps the imports, to record the sessions that the guest creates. */
  noting(imports: WebAssembly.Imports | undefined): WebAssembly.Imports | undefined {
    const resources = imports?.[RESOURCES] as Record<string, (representation: number) => number> | undefined;
    const make = resources?.[RESOURCE_NEW];
    if (!make) return imports;
    const noted = (representation: number): number => {
      const handle = make(representation);
      this.#made.set(handle, representation);
      return handle;
    };
    return { ...imports, [RESOURCES]: { ...resources, [RESOURCE_NEW]: noted } as WebAssembly.ModuleImports };
  }

  of(session: WebsocketSession): number {
    const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'handle');
    const handle = symbol && (session as unknown as Record<symbol, number>)[symbol];
    const representation = handle === undefined ? undefined : this.#made.get(handle);
    if (representation === undefined) throw new TypeError('this session was not made by the component');
    return representation;
  }
}

/** The core module of an engine. */
export class Core {
  readonly #memory: WebAssembly.Memory;
  readonly #realloc: Function;
  readonly #exchange: Function;
  readonly #frameHeader: Function;
  /** Frees the texts of a failure. */
  readonly #afterFrameHeader: Function | undefined;
  #bytes = NO_BYTES;
  #view = new DataView(new ArrayBuffer(0));

  constructor({ exports }: WebAssembly.Instance) {
    this.#memory = exports['memory'] as WebAssembly.Memory;
    this.#realloc = exports['cabi_realloc'] as Function;
    this.#exchange = exports[`${METHOD}exchange`] as Function;
    this.#frameHeader = exports[`${METHOD}frame-header`] as Function;
    this.#afterFrameHeader = exports[`cabi_post_${METHOD}frame-header`] as Function | undefined;
  }

  /**
   * Calls `websocket-session.exchange`, and sends the payloads as they are. Time is in nanoseconds. Received bytes have
   * their own buffer, or share one if `pooled`.
   */
  exchange(session: number, input: Uint8Array, sends: readonly Send[], time: number, capacity: number, pooled = false): Exchanged {
    const inputAt = this.#pass(input);
    let [outgoingAt, payloadAt, size] = [8, 1, 0];
    if (sends.length > 0) {
      for (const { bytes } of sends) size += bytes.length;
      outgoingAt = this.#realloc(0, 0, 8, OUTGOING * sends.length);
      payloadAt = size > 0 ? this.#realloc(0, 0, 1, size) : 1;
      this.#refresh();
      this.#passSends(sends, outgoingAt, payloadAt);
    }
    const at = this.#exchange(
      session, inputAt, input.length, outgoingAt, sends.length, payloadAt, size, BigInt(time), capacity,
    );
    this.#refresh();
    return this.#exchanged(at, pooled ? allocate : alone);
  }

  /**
   * Returns a whole frame for a binary message, or for a text, which has to be UTF-8: the header from
   * `websocket-session.frame-header`, and the payload, masked if the header says so. Nothing if the message has to go
   * through the session.
   */
  frame(session: number, isText: boolean, payload: Uint8Array): Uint8Array | undefined {
    const { length } = payload;
    const at = this.#frameHeader(session, isText ? 1 : 0, 1, BigInt(length));
    this.#refresh();
    const bytes = this.#bytes;
    // A result, and in it an option.
    const [isError, isSome] = [bytes[at] !== 0, bytes[at + 8] === 1];
    if (isError) this.#afterFrameHeader?.(at);
    if (isError || !isSome) return undefined;
    const header = bytes[at + 31] as number;
    const isMasked = bytes[at + 30] === 1;
    // A payload is masked word by word, so it is aligned to words.
    const lead = isMasked && length > SHORT ? -header & 3 : 0;
    const frame = allocate(lead + header + length).subarray(lead);
    for (let index = 0; index < header; index += 1) frame[index] = bytes[at + 16 + index] as number;
    if (isMasked) mask(payload, frame, header);
    else put(payload, frame, header);
    return frame;
  }

  /** Renews views of the memory, which are detached when it grows. */
  #refresh(): void {
    if (this.#bytes.length > 0) return;
    const { buffer } = this.#memory;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  #pass(bytes: Uint8Array): number {
    if (bytes.length === 0) return 1;
    const at = this.#realloc(0, 0, 1, bytes.length);
    this.#refresh();
    put(bytes, this.#bytes, at);
    return at;
  }

  #passSends(sends: readonly Send[], records: number, payload: number): void {
    const [bytes, view] = [this.#bytes, this.#view];
    let start = 0;
    let at = records;
    for (const send of sends) {
      const { length } = send.bytes;
      bytes[at] = send.kind.number;
      bytes[at + 2] = send.kind.flag;
      view.setUint16(at + 4, send.kind.code, true);
      view.setUint32(at + 8, start, true);
      view.setUint32(at + 12, length, true);
      // No context.
      bytes[at + 16] = 0;
      put(send.bytes, bytes, payload + start);
      start += length;
      at += OUTGOING;
    }
  }

  #exchanged(at: number, memory: Allocate): Exchanged {
    const [bytes, view] = [this.#bytes, this.#view];
    const [count, outputLength] = [view.getUint32(at + 8, true), view.getUint32(at + 24, true)];
    return {
      consumed: view.getUint32(at, true),
      accepted: view.getUint32(at + 28, true),
      refused: bytes[at + 32] === 1 ? this.#failure(at + 40) : undefined,
      events: count === 0 ? NO_EVENTS : this.#events(view.getUint32(at + 4, true), count, view.getUint32(at + 12, true), memory),
      output: outputLength === 0 ? NO_BYTES : this.#copy(view.getUint32(at + 20, true), outputLength, allocate),
      more: bytes[at + 128] === 1,
      state: STATES[bytes[at + 129] as number] as State,
      nextDeadline: bytes[at + 136] === 1 ? this.#u64(at + 144) : undefined,
      failure: bytes[at + 152] === 1 ? this.#failure(at + 160) : undefined,
    };
  }

  #events(at: number, count: number, payload: number, memory: Allocate): Received[] {
    const [bytes, view] = [this.#bytes, this.#view];
    const events: Received[] = [];
    for (let index = 0; index < count; index += 1, at += EVENT) {
      const kind = bytes[at] as number;
      events.push({
        kind,
        bytes: this.#copy(payload + view.getUint32(at + 16, true), view.getUint32(at + 20, true), memory),
        value: kind === CLOSE ? view.getUint16(at + 8, true) : kind === PONG ? this.#u64(at + 8) : 0,
      });
    }
    return events;
  }

  #copy(at: number, length: number, memory: Allocate): Uint8Array {
    const copy = memory(length);
    if (length > SHORT) copy.set(this.#bytes.subarray(at, at + length));
    else for (let index = 0; index < length; index += 1) copy[index] = this.#bytes[at + index] as number;
    return copy;
  }

  /** Reads a 64-bit integer. Above 2^53, in nanoseconds 104 days, it is rounded. */
  #u64(at: number): number {
    return this.#view.getUint32(at, true) + 2 ** 32 * this.#view.getUint32(at + 4, true);
  }

  #failure(at: number): Failure {
    const [bytes, view] = [this.#bytes, this.#view];
    const text = (place: number): string => {
      const start = view.getUint32(at + place, true);
      return decoder.decode(bytes.subarray(start, start + view.getUint32(at + place + 4, true)));
    };
    const small = (place: number): number | undefined => (bytes[at + place] === 1 ? view.getUint16(at + place + 2, true) : undefined);
    const large = (place: number): bigint | undefined => (bytes[at + place] === 1 ? view.getBigUint64(at + place + 8, true) : undefined);
    return {
      rule: text(0),
      fault: FAULTS[bytes[at + 8] as number] as Fault,
      group: GROUPS[bytes[at + 9] as number] as RuleGroup,
      section: text(12),
      description: text(20),
      closeCode: small(28),
      status: small(32),
      offset: large(40),
      limit: large(56),
      value: large(72),
    } as Failure;
  }
}

function put(from: Uint8Array, to: Uint8Array, at: number): void {
  if (from.length > SHORT) to.set(from, at);
  else for (let index = 0; index < from.length; index += 1) to[at + index] = from[index] as number;
}

/** Copies a payload and masks it with the key before it (RFC 6455, section 5.3). */
function mask(from: Uint8Array, to: Uint8Array, at: number): void {
  put(from, to, at);
  const start = to.byteOffset + at;
  const end = at + from.length;
  let index = at;
  if (from.length > SHORT && start % 4 === 0) {
    const words = new Uint32Array(to.buffer, start - 4, 1 + (from.length >> 2));
    const key = words[0] as number;
    for (let word = 1; word < words.length; word += 1) words[word] = (words[word] as number) ^ key;
    index += from.length & ~3;
  }
  for (; index < end; index += 1) to[index] = (to[index] as number) ^ (to[at - 4 + ((index - at) & 3)] as number);
}
