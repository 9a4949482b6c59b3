import type { Config, Deflate } from '../component/interfaces/websocket-protocol-types.js';
import type { Engine } from './engine.js';

/** What may grow, and how far. Each limit can be `Infinity`. */
export interface Limits {
  /** The longest head of a request or response, in bytes. Default 65536. */
  head?: number;
  /** The most header fields in a head. Default 256. */
  headers?: number;
  /** The longest body of a response that refuses, in bytes; with 0 it is not waited for. Default 65536. */
  refusalBody?: number;
  /** The longest payload of a received frame, in bytes. Default 16 MiB. */
  frame?: number;
  /** The longest received message, in bytes. Default 16 MiB. */
  message?: number;
  /** The most bytes that are inflated in one go, from 1024. Default 1 MiB. */
  inflated?: number;
  /** The most frames in a received message. Default 65536. */
  fragments?: number;
  /** The most bytes of pongs that wait to be written. Default 65536. */
  queuedPongs?: number;
}

/** What may last, and how long, in milliseconds. `Infinity` turns a deadline off. */
export interface Timeouts {
  /** From the start to the open session. Default 10 000. */
  handshake?: number;
  /** How long a peer may send nothing at all. Default `Infinity`, because keepalive finds dead peers. */
  idle?: number;
  /** From the first byte of a message to its last. Default 300 000. */
  message?: number;
  /** After how long without input a ping is sent, from 1. Default 30 000. */
  keepalive?: number;
  /** How long a peer may send nothing after a ping, while it takes no output that waits either. Default 20 000. */
  pong?: number;
  /** How long output may wait while the peer takes none of it. Default 30 000. */
  write?: number;
  /** For the peer's answer to a close frame. Default 10 000. */
  close?: number;
}

/** How permessage-deflate (RFC 7692) is offered, accepted and used. */
export interface DeflateSettings {
  /** The largest window for what is sent, as a power of two of bytes: 8 to 15. Default 15. */
  sendWindowBits?: number;
  /** Whether a message that is sent may refer to those before it. Default true. */
  sendContextTakeover?: boolean;
  /** The largest window of the peer, as a power of two of bytes: 8 to 15. Default 15. */
  receiveWindowBits?: number;
  /** Whether a message that is received may refer to those before it. Default true. */
  receiveContextTakeover?: boolean;
  /** The work for what is sent: 0, which compresses nothing, to 9. Default 6. */
  level?: number;
  /** The memory for what is sent, beside the window: 1 to 9. Default 8. */
  memoryLevel?: number;
  /** A shorter message is not compressed, in bytes. Default 64. */
  minimum?: number;
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
  /** Whether a client takes responses of HTTP/1.0. Default false. */
  allowHttp10Response?: boolean;
  /** What may grow, and how far. */
  limits?: Limits;
  /** What may last, and how long. */
  timeouts?: Timeouts;
}

const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;
const MS = 1_000_000;

/**
 * The settings in the component's form.
 *
 * @throws RangeError If a number is out of its range. What only the engine can tell it tells later.
 */
export function configOf(engine: Engine, settings: Settings): Config {
  const { component } = engine;
  const config = component.defaultConfig();
  config.reportControlFrames = true;
  // What was sent in answer to the messages before it goes first: the driver answers.
  config.replyToClose = false;
  config.verifyUtf8 = settings.verifyUtf8 ?? config.verifyUtf8;
  config.pongs = settings.pongs ?? config.pongs;
  config.allowMalformedHost = settings.allowMalformedHost ?? config.allowMalformedHost;
  config.allowHttp10Response = settings.allowHttp10Response ?? config.allowHttp10Response;
  if (settings.deflate) {
    const own = settings.deflate === true ? {} : settings.deflate;
    config.deflate = { ...component.defaultDeflate(), ...(given(own) as Partial<Deflate>) };
  }
  for (const [name, value] of Object.entries(given(settings.limits))) {
    const limits = config.limits as unknown as Record<string, number | bigint>;
    limits[name] = limit(name, value, typeof limits[name] === 'bigint');
  }
  for (const [name, value] of Object.entries(given(settings.timeouts))) {
    const timeouts = config.timeouts as Record<string, bigint | undefined>;
    timeouts[name] = duration(name, value);
  }
  return config;
}

/** The members that have a value. */
function given<T extends object>(members: T | undefined): Record<string, number> {
  const entries = Object.entries(members ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, number>;
}

function limit(name: string, value: number, isLong: boolean): number | bigint {
  if (value === Infinity) return isLong ? U64 : U32;
  const isInRange = Number.isSafeInteger(value) && value >= 0 && (isLong || value <= U32);
  if (!isInRange) throw new RangeError(`limits.${name} is ${value}`);
  return isLong ? BigInt(value) : value;
}

function duration(name: string, value: number): bigint | undefined {
  if (value === Infinity) return undefined;
  const nanoseconds = Math.round(value * MS);
  if (!(nanoseconds >= 0)) throw new RangeError(`timeouts.${name} is ${value}`);
  return BigInt(nanoseconds);
}
