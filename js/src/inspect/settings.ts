import type {
  InspectorOptions, OtherCode, Side, UnknownExtensions,
} from '../../component/interfaces/websocket-protocol-inspector.js';
import { dispose } from '../dispose.js';
import type { Engine } from '../engine.js';
import { checked } from '../error.js';
import { MS, type Setters, duration, set, u32, u64 } from '../settings.js';

/** What is reported of what one side sends. Heads and close frames always are. */
export interface View {
  /** The header of each frame. Default false. */
  frames?: boolean;
  /** Pings and pongs. Default false. */
  control?: boolean;
  /** A summary of each message. Default false. */
  messages?: boolean;
  /**
   * The bytes of messages, unmasked and inflated: in `chunks` as they arrive, or whole messages of up to this many
   * bytes, with their summaries. Default: none, and then most of them are never copied into the sandbox.
   */
  payload?: 'chunks' | number;
}

/** The limits for what one side sends. Each can be `Infinity`. */
export interface SideLimits {
  /** The longest head of a request or response, in bytes. Default 65536. */
  head?: number;
  /** The most header fields of a head. Default 256. */
  headers?: number;
  /** The longest payload of a frame, in bytes. Default 16 MiB. */
  frame?: number;
  /** The longest message, in bytes. Default 16 MiB. */
  message?: number;
  /** The most frames of a message. Default 65536. */
  fragments?: number;
  /** The most bytes that are inflated in one call of the engine, from 1024. Default 1 MiB. */
  inflatePerCall?: number;
  /** The longest frame of text or compressed data that is held until all of it was verified, in bytes. Default 65536. */
  holdFrame?: number;
  /** The maximum bytes that may wait to be inserted into what the side sends. Default 32 MiB. */
  queuedInsertions?: number;
}

/** The timeouts for what one side does, in milliseconds. `Infinity` turns one off. */
export interface SideTimeouts {
  /** How long the side may send nothing at all. Default `Infinity`. */
  idle?: number;
  /** How long the side may send no message, regardless of control frames. Default `Infinity`. */
  messageIdle?: number;
  /** From the first byte of a message to its last. Default 300 000. */
  message?: number;
  /** After how long without input a ping to the side is inserted, from 1. Default `Infinity`. */
  keepalive?: number;
  /** How long the side may send nothing after such a ping. Default 20 000. */
  pong?: number;
  /** How long the side may accept none of its output. Default 30 000. */
  write?: number;
}

/** The timeouts of the connection, in milliseconds. `Infinity` turns one off. */
export interface InspectTimeouts {
  /** From the start until the handshake is complete. Default 10 000. */
  handshake?: number;
  /** For an answer to a close frame, and then for the end of the stream. Default 10 000. */
  close?: number;
  /** How long the connection may be open; then both sides are closed with 1001. Default `Infinity`. */
  age?: number;
}

/** The settings for what one side sends. */
export interface SideSettings {
  /** What is reported of it. */
  view?: View;
  /** Whether text is checked to be UTF-8 (RFC 6455, section 8.1). Default true. */
  verifyUtf8?: boolean;
  /** Whether compressed messages are inflated. If not, their payload isn't checked. Default true. */
  inflate?: boolean;
  limits?: SideLimits;
  timeouts?: SideTimeouts;
}

/** The settings of an inspected connection. */
export interface InspectSettings {
  /** For what the client sends. */
  client?: SideSettings;
  /** For what the server sends. */
  server?: SideSettings;
  timeouts?: InspectTimeouts;
  /**
   * What to do about extensions that the engine doesn't implement: with `reject` a response that accepts one breaks a rule,
   * with `opaque` payloads aren't checked. Default `reject`.
   */
  unknownExtensions?: UnknownExtensions;
  /** Whether extensions are removed from the request, so that none is negotiated. Default false. */
  stripExtensions?: boolean;
  /** Whether to accept requests whose Host field isn't a host and port. Default true. */
  allowMalformedHost?: boolean;
  /** The close code for the other side of a violation: 1014 or 1001 (`gateway`), or the `same`. Default `gateway`. */
  otherCode?: OtherCode;
}

type Of<Group> = Setters<Group, { side: Side; options: InspectorOptions }>;

const GOING_AWAY = 1001;

const LIMITS: Of<SideLimits> = {
  head: ({ side, options }, bytes) => options.setMaxHead(side, u32(bytes)),
  headers: ({ side, options }, count) => options.setMaxHeaders(side, u32(count)),
  frame: ({ side, options }, bytes) => options.setMaxFrame(side, u64(bytes)),
  message: ({ side, options }, bytes) => options.setMaxMessage(side, u64(bytes)),
  fragments: ({ side, options }, count) => options.setMaxFragments(side, u32(count)),
  inflatePerCall: ({ side, options }, bytes) => options.setMaxInflatePerCall(side, u32(bytes)),
  holdFrame: ({ side, options }, bytes) => options.setHoldFrame(side, u32(bytes)),
  queuedInsertions: ({ side, options }, bytes) => options.setMaxQueuedInsertions(side, u64(bytes)),
};

const SIDE_TIMEOUTS: Of<SideTimeouts> = {
  idle: ({ side, options }, time) => options.setIdleTimeout(side, duration(time)),
  messageIdle: ({ side, options }, time) => options.setMessageIdleTimeout(side, duration(time)),
  message: ({ side, options }, time) => options.setMessageTimeout(side, duration(time)),
  keepalive: ({ side, options }, time) => options.setKeepaliveInterval(side, duration(time)),
  pong: ({ side, options }, time) => options.setPongTimeout(side, duration(time)),
  write: ({ side, options }, time) => options.setWriteTimeout(side, duration(time)),
};

const TIMEOUTS: Setters<InspectTimeouts, InspectorOptions> = {
  handshake: (options, time) => options.setHandshakeTimeout(duration(time)),
  close: (options, time) => options.setCloseTimeout(duration(time)),
  age: (options, time) => options.setMaxAge(duration(time), GOING_AWAY),
};

const VIEW: Of<View> = {
  frames: ({ side, options }, isSeen) => options.setViewFrames(side, isSeen),
  control: ({ side, options }, isSeen) => options.setViewControl(side, isSeen),
  messages: ({ side, options }, isSeen) => options.setViewMessages(side, isSeen),
  payload: ({ side, options }, payload) => {
    const isWhole = payload !== 'chunks';
    options.setViewPayload(side, isWhole ? { tag: 'messages', val: u32(payload) } : { tag: payload });
    if (isWhole) options.setViewMessages(side, true);
  },
};

/**
 * Creates an inspector with these settings. What isn't set keeps the engine's default.
 *
 * @param held The sides whose messages are held for a decision.
 * @throws RangeError If a number is out of its range. WebSocketError If `make` fails.
 */
export function withInspectorOptions<Inspector>(
  engine: Engine, settings: InspectSettings, held: Side[], make: (options: InspectorOptions) => Inspector,
): Inspector {
  if (engine.failure) throw engine.failure;
  const options = new engine.component.inspector.InspectorOptions();
  try {
    apply(settings, options);
    for (const side of held) {
      // `decide` needs whole messages.
      if (typeof settings[side]?.view?.payload !== 'number') VIEW.payload({ side, options }, Infinity);
      options.setHoldMessages(side, true);
    }
    return checked(() => make(options));
  } finally {
    options[dispose]();
  }
}

function apply(settings: InspectSettings, options: InspectorOptions): void {
  const { unknownExtensions, stripExtensions, allowMalformedHost, otherCode, timeouts } = settings;
  if (unknownExtensions !== undefined) options.setUnknownExtensions(unknownExtensions);
  if (stripExtensions !== undefined) options.setStripExtensions(stripExtensions);
  if (allowMalformedHost !== undefined) options.setAllowMalformedHost(allowMalformedHost);
  if (otherCode !== undefined) options.setOtherCode(otherCode);
  set(options, 'timeouts', timeouts, TIMEOUTS, MS);
  for (const side of ['client', 'server'] as const) {
    const { view, verifyUtf8, inflate, limits, timeouts: own } = settings[side] ?? {};
    if (verifyUtf8 !== undefined) options.setVerifyUtf8(side, verifyUtf8);
    if (inflate !== undefined) options.setInflate(side, inflate);
    set({ side, options }, `${side}.view`, view, VIEW);
    set({ side, options }, `${side}.limits`, limits, LIMITS);
    set({ side, options }, `${side}.timeouts`, own, SIDE_TIMEOUTS, MS);
  }
}
