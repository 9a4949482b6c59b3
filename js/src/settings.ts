import type { SessionOptions } from '../component/interfaces/websocket-protocol-options.js';
import type { Failure } from '../component/interfaces/websocket-protocol-types.js';
import { dispose } from './dispose.js';
import type { Engine } from './engine.js';
import { checked, failureOf } from './error.js';

/** The limits of a session. Each can be `Infinity`. */
export interface Limits {
  /** The longest head of a request or response, in bytes. Default 65536. */
  head?: number;
  /** The most header fields in a head. Default 256. */
  headers?: number;
  /** The longest body of a response that refuses, in bytes; with 0 it is not read. Default 65536. */
  refusalBody?: number;
  /** The longest payload of a received frame, in bytes. Default 16 MiB. */
  frame?: number;
  /** The longest received message, in bytes. Default 16 MiB. */
  message?: number;
  /** The most bytes that are inflated in one call of the engine, from 1024. Default 1 MiB. */
  inflatePerCall?: number;
  /** The most frames in a received message. Default 65536. */
  fragments?: number;
  /** The most bytes of queued pongs. Default 65536. */
  queuedPongs?: number;
}

/** The timeouts of a session, in milliseconds. `Infinity` turns one off. */
export interface Timeouts {
  /** From the start until the session is open. Default 10 000. */
  handshake?: number;
  /** How long a peer may send nothing at all. Default `Infinity`, because keepalive finds dead peers. */
  idle?: number;
  /** From the first byte of a message to its last. Default 300 000. */
  message?: number;
  /** After how long without input a ping is sent, from 1. Default 30 000. */
  keepalive?: number;
  /** How long a peer may send nothing after a ping, while it accepts no queued output either. Default 20 000. */
  pong?: number;
  /** How long output may stay queued while the peer accepts none of it. Default 30 000. */
  write?: number;
  /** For the peer's answer to a close frame, and then for the end of its side of the transport. Default 10 000. */
  close?: number;
}

/** How permessage-deflate (RFC 7692) is offered, accepted and used. */
export interface DeflateSettings {
  /** The largest window for what is sent, as a power of two of bytes: 8 to 15. Default 15. */
  sendWindowBits?: number;
  /** Whether a message that is sent may refer to those before it (context takeover). Default true. */
  sendContextTakeover?: boolean;
  /** The largest window of the peer, as a power of two of bytes: 8 to 15. Default 15. */
  receiveWindowBits?: number;
  /** Whether a message that is received may refer to those before it (context takeover). Default true. */
  receiveContextTakeover?: boolean;
  /** The compression level for what is sent: 0, which compresses nothing, to 9. Default 6. */
  level?: number;
  /** The memory for what is sent, beside the window: 1 to 9. Default 8. */
  memoryLevel?: number;
  /** The length in bytes below which a message is not compressed. With 0 every message is. Default 64. */
  minLength?: number;
}

/** The settings of a session. */
export interface Settings {
  /** Whether permessage-deflate may be used, and how. Default false: it takes time and memory. */
  deflate?: boolean | DeflateSettings;
  /** Whether received text is checked to be UTF-8 (RFC 6455, section 8.1). Default true. */
  verifyUtf8?: boolean;
  /** Whether each ping is answered, or only the latest. Default `each`. */
  pongs?: 'each' | 'latest';
  /** Whether a server accepts a Host field that is not a host and port; `authority` is empty then. Default true. */
  allowMalformedHost?: boolean;
  /** Whether a 101 of HTTP/1.0 opens a client's connection. What refuses may be of HTTP/1.0 anyway. Default false. */
  allowHttp10Response?: boolean;
  /** The limits. */
  limits?: Limits;
  /** The timeouts. */
  timeouts?: Timeouts;
}

/** The option of the engine that each setting of a group sets. */
export type Setters<Group, Options = SessionOptions> = {
  [Name in keyof Group]-?: (options: Options, value: NonNullable<Group[Name]>) => void;
};

const U8 = 2 ** 8 - 1;
const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;
/** A millisecond, in nanoseconds. */
export const MS = 1_000_000;

const LIMITS: Setters<Limits> = {
  head: (options, bytes) => options.setMaxHead(u32(bytes)),
  headers: (options, count) => options.setMaxHeaders(u32(count)),
  refusalBody: (options, bytes) => options.setMaxRefusalBody(u32(bytes)),
  frame: (options, bytes) => options.setMaxFrame(u64(bytes)),
  message: (options, bytes) => options.setMaxMessage(u64(bytes)),
  inflatePerCall: (options, bytes) => options.setMaxInflatePerCall(u32(bytes)),
  fragments: (options, count) => options.setMaxFragments(u32(count)),
  queuedPongs: (options, bytes) => options.setMaxQueuedPongs(u32(bytes)),
};

const TIMEOUTS: Setters<Timeouts> = {
  handshake: (options, time) => options.setHandshakeTimeout(duration(time)),
  idle: (options, time) => options.setIdleTimeout(duration(time)),
  message: (options, time) => options.setMessageTimeout(duration(time)),
  keepalive: (options, time) => options.setKeepaliveInterval(duration(time)),
  pong: (options, time) => options.setPongTimeout(duration(time)),
  write: (options, time) => options.setWriteTimeout(duration(time)),
  close: (options, time) => options.setCloseTimeout(duration(time)),
};

const DEFLATE: Setters<DeflateSettings> = {
  sendWindowBits: (options, bits) => options.setDeflateSendWindowBits(integer(bits, U8)),
  sendContextTakeover: (options, isEnabled) => options.setDeflateSendContextTakeover(isEnabled),
  receiveWindowBits: (options, bits) => options.setDeflateReceiveWindowBits(integer(bits, U8)),
  receiveContextTakeover: (options, isEnabled) => options.setDeflateReceiveContextTakeover(isEnabled),
  level: (options, level) => options.setDeflateLevel(integer(level, U8)),
  memoryLevel: (options, level) => options.setDeflateMemoryLevel(integer(level, U8)),
  minLength: (options, bytes) => options.setDeflateMinLength(integer(bytes, U32)),
};

/**
 * Makes a session with these settings. What isn't set keeps the engine's default.
 *
 * @throws RangeError If a number is out of its range. WebSocketError If `make` fails.
 */
export function withOptions<Session>(engine: Engine, settings: Settings, make: (options: SessionOptions) => Session): Session {
  if (engine.failure) throw engine.failure;
  const options = new engine.component.options.SessionOptions();
  try {
    apply(settings, options);
    return checked(() => make(options));
  } finally {
    options[dispose]();
  }
}

function apply(settings: Settings, options: SessionOptions): void {
  const { deflate, verifyUtf8, pongs, allowMalformedHost, allowHttp10Response, limits, timeouts } = settings;
  options.setReportControlFrames(true);
  // What was sent in answer to the messages before it goes first: the driver answers.
  options.setReplyToClose(false);
  if (verifyUtf8 !== undefined) options.setVerifyUtf8(verifyUtf8);
  if (pongs !== undefined) options.setPongPolicy(pongs);
  if (allowMalformedHost !== undefined) options.setAllowMalformedHost(allowMalformedHost);
  if (allowHttp10Response !== undefined) options.setAllowHttp10Response(allowHttp10Response);
  if (deflate) checked(() => options.setDeflate(true));
  if (deflate && deflate !== true) set(options, 'deflate', deflate, DEFLATE);
  set(options, 'limits', limits, LIMITS);
  set(options, 'timeouts', timeouts, TIMEOUTS, MS);
}

/** Applies the settings of a group that are given. `unit` is how many of the engine's units one of the setting's units is. */
export function set<Group extends object, Options>(
  options: Options, group: string, given: Group | undefined, setters: Setters<Group, Options>, unit = 1,
): void {
  if (!given) return;
  for (const name of Object.keys(setters) as (keyof Group & string)[]) {
    const value = given[name];
    if (value === undefined) continue;
    try {
      setters[name](options, value as NonNullable<Group[typeof name]>);
    } catch (error) {
      const failure = failureOf(error);
      if (!failure && !(error instanceof RangeError)) throw error;
      throw new RangeError(`${group}.${name} is ${String(value)}${failure ? rangeOf(failure, unit) : ''}`);
    }
  }
}

/** The bound that the value is beyond, for the error's message. */
function rangeOf({ limit, value }: Failure, unit: number): string {
  if (limit === undefined || value === undefined) return '';
  return `, and is at ${value < limit ? 'least' : 'most'} ${Number(limit) / unit}`;
}

/** @throws RangeError If it isn't a whole number from 0 to `max`. */
function integer(value: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError();
  return value;
}

export function u32(value: number): number {
  return value === Infinity ? U32 : integer(value, U32);
}

export function u64(value: number): bigint {
  return value === Infinity ? U64 : BigInt(integer(value, Number.MAX_SAFE_INTEGER));
}

export function duration(milliseconds: number): bigint | undefined {
  if (milliseconds === Infinity) return undefined;
  const nanoseconds = Math.round(milliseconds * MS);
  if (!(nanoseconds >= 0)) throw new RangeError();
  return BigInt(nanoseconds);
}
