import { concat } from '../bytes.js';
import type { Engine, ExchangeResult, Failure, Negotiated, Session } from '../engine.js';
import type { Sender } from '../formats/source.js';
import { DEFLATE, judging, openAs } from './settings.js';
import { type Wire, cut, isFinal, opcodeOf } from './wire.js';

/** Bytes that came out of the engine, of which only the first are kept. */
export interface Content {
  bytes: Uint8Array;
  length: number;
}

/** A frame, and what the engine made of it. */
export interface Frame {
  type: 'frame';
  wire: Wire;
  /** What the engine delivered of it: unmasked and inflated; of a close frame the reason. */
  content: Content;
  /** The code of a close frame, if it has one. */
  closeCode: number | undefined;
  isText: boolean;
  isCompressed: boolean;
  /** The message that ends with it, if that has more frames than this one. */
  message: (Content & { frames: number }) | undefined;
  failure: Failure | undefined;
}

/** Bytes that nobody reads. */
export interface Rest {
  type: 'rest';
  start: number;
  end: number;
  why: string;
}

/** How much of a content is kept, in bytes. */
const KEPT = 4096;
const CAPACITY = 1 << 20;
const NOTHING = new Uint8Array();
const RSV1 = 0x40;
const CLOSE = 8;
const NO_CODE = 1005;
const BEHIND_CLOSE = 'nothing counts behind a close frame (RFC 6455, section 5.5.1)';

/** The frames from an offset on, one by one, as the engine reads them that is the peer of `sender`. */
export function* judgeFrames(
  engine: Engine, sender: Sender, bytes: Uint8Array, start: number, negotiated: Negotiated,
): Generator<Frame | Rest> {
  using options = judging(engine);
  using session = openAs(sender === 'client' ? 'server' : 'client', engine, options, negotiated);
  const hasDeflate = negotiated.extensions.some(({ name }) => name === DEFLATE.name);
  let message: Message | undefined;
  let at = start;
  while (at < bytes.length) {
    const wire = cut(bytes, at);
    const opcode = opcodeOf(wire);
    const isControl = opcode >= CLOSE;
    const { chunks, failure, closeCode } = feed(session, bytes.subarray(at, wire.end));
    const content = contentOf(chunks);
    if (!isControl) {
      message ??= { isText: opcode === 1, isCompressed: hasDeflate && (wire.first & RSV1) !== 0, frames: 0, kept: [], length: 0 };
      add(message, content);
    }
    const ends = !isControl && isFinal(wire) && wire.missing === 0n && !failure;
    yield {
      type: 'frame', wire, content, closeCode, failure,
      isText: isControl ? opcode === CLOSE : message?.isText ?? false,
      isCompressed: !isControl && (message?.isCompressed ?? false),
      message: ends && message && message.frames > 1
        ? { frames: message.frames, bytes: concat(message.kept).subarray(0, KEPT), length: message.length }
        : undefined,
    };
    if (ends) message = undefined;
    at = wire.end;
    if (failure) return yield* rest(at, bytes, 'the connection has failed');
    if (opcode === CLOSE && wire.missing === 0n) return yield* rest(at, bytes, BEHIND_CLOSE);
  }
}

/** What follows the end of a conversation. */
export function* rest(start: number, bytes: Uint8Array, why: string): Generator<Rest> {
  if (start < bytes.length) yield { type: 'rest', start, end: bytes.length, why };
}

interface Message {
  isText: boolean;
  isCompressed: boolean;
  frames: number;
  kept: Uint8Array[];
  length: number;
}

function add(message: Message, { bytes, length }: Content): void {
  message.frames += 1;
  if (message.length < KEPT) message.kept.push(bytes);
  message.length += length;
}

/** What the session makes of a frame. */
interface Delivered {
  chunks: Uint8Array[];
  failure: Failure | undefined;
  closeCode: number | undefined;
}

function feed(session: Session, bytes: Uint8Array): Delivered {
  const chunks: Uint8Array[] = [];
  let closeCode: number | undefined;
  let result: ExchangeResult;
  do {
    result = session.exchange(bytes, [], NOTHING, 0n, CAPACITY);
    bytes = bytes.subarray(result.consumed);
    for (const { kind, start, length } of result.events) {
      chunks.push(result.payload.subarray(start, start + length));
      if (kind.tag === 'close' && kind.val !== NO_CODE) closeCode = kind.val;
    }
  } while (result.more);
  return { chunks, failure: result.failure, closeCode };
}

function contentOf(chunks: Uint8Array[]): Content {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const [first = NOTHING] = chunks;
  const all = chunks.length > 1 && first.length < KEPT ? concat(chunks) : first;
  // A copy, so that the rest can go.
  return { bytes: all.slice(0, KEPT), length };
}
