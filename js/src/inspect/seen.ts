import type {
  MessageSummary, Seen as Raw, Side, Span, WebsocketInspector,
} from '../../component/interfaces/websocket-protocol-inspector.js';
import { type UpgradeRequest, type UpgradeResponse, upgradeRequestOf, upgradeResponseOf } from '../handshake.js';
import { textOf } from '../payload.js';

/** The header of a frame (RFC 6455, section 5.2). */
export interface SeenFrame {
  readonly type: 'frame';
  readonly from: Side;
  /** How many bytes the side had sent before it. */
  readonly offset: number;
  readonly fin: boolean;
  /** The reserved bits, RSV1 as 4. */
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly headerLength: number;
  readonly payloadLength: number;
}

/** A complete message. */
export interface SeenMessage {
  readonly type: 'message';
  readonly from: Side;
  readonly isText: boolean;
  readonly isCompressed: boolean;
  /** How many frames it has. */
  readonly frames: number;
  /** The length of its payloads on the wire, in bytes. */
  readonly wireLength: number;
  /** The length of the message in bytes; nothing if it was compressed and not inflated. */
  readonly length: number | undefined;
  /** The message, if `view.payload` is a number and it isn't longer than that. */
  readonly data: string | Uint8Array | undefined;
}

/** Something that has passed, or was received and is still held. */
export type Seen =
  /** The head of the request. */
  | { readonly type: 'request'; readonly from: 'client'; readonly request: UpgradeRequest }
  /** The head of a response. */
  | { readonly type: 'response'; readonly from: 'server'; readonly response: UpgradeResponse }
  /** The handshake is complete. */
  | { readonly type: 'opened' }
  | SeenFrame
  /** A part of a message. Chunks of text may end inside a character. */
  | { readonly type: 'chunk'; readonly from: Side; readonly isText: boolean; readonly data: Uint8Array; readonly isLast: boolean }
  | SeenMessage
  | { readonly type: 'ping' | 'pong'; readonly from: Side; readonly data: Uint8Array }
  /** The pong to an inserted ping, with the time in milliseconds. It is not forwarded. */
  | { readonly type: 'round-trip'; readonly from: Side; readonly time: number }
  /** A close frame; 1005 if it has no code (RFC 6455, section 7.1.5). */
  | { readonly type: 'close'; readonly from: Side; readonly code: number; readonly reason: string };

/** Converts the results of one step. `held` is called with each message that needs a decision. */
export function seenOf(
  inspector: WebsocketInspector, from: Side, records: Raw[], payload: Uint8Array, held: (message: SeenMessage) => void,
): Seen[] {
  const bytesOf = ({ start, length }: Span): Uint8Array => payload.slice(start, start + length);
  const seen: Seen[] = [];
  records.forEach((record, index) => {
    switch (record.tag) {
      case 'request': {
        const request = inspector.request();
        if (request) seen.push({ type: 'request', from: 'client', request: upgradeRequestOf(request) });
        return;
      }
      case 'response': {
        const response = inspector.response();
        if (response) seen.push({ type: 'response', from: 'server', response: upgradeResponseOf(response) });
        return;
      }
      case 'opened':
        return seen.push({ type: 'opened' });
      case 'frame':
        return seen.push({
          type: 'frame',
          from,
          offset: Number(record.val.offset),
          fin: (record.val.first & 0x80) !== 0,
          rsv: (record.val.first >> 4) & 7,
          opcode: record.val.first & 15,
          isMasked: record.val.masked,
          headerLength: record.val.headerLength,
          payloadLength: Number(record.val.payloadLength),
        });
      case 'text':
      case 'binary': {
        // A whole message is part of the summary that follows it.
        const next = records[index + 1];
        if (next?.tag === 'message' && next.val.shown) return;
        const { bytes, last } = record.val;
        return seen.push({ type: 'chunk', from, isText: record.tag === 'text', data: bytesOf(bytes), isLast: last });
      }
      case 'message': {
        const before = record.val.shown ? records[index - 1] : undefined;
        const data = before?.tag === 'text' || before?.tag === 'binary' ? bytesOf(before.val.bytes) : undefined;
        const message = messageOf(from, record.val, data);
        seen.push(message);
        if (record.val.held) held(message);
        return;
      }
      case 'ping':
      case 'pong':
        return seen.push({ type: record.tag, from, data: bytesOf(record.val) });
      case 'round-trip':
        return seen.push({ type: 'round-trip', from, time: Number(record.val) / 1e6 });
      case 'close':
        return seen.push({ type: 'close', from, code: record.val.code, reason: textOf(bytesOf(record.val.reason)) });
      case 'other':
    }
  });
  return seen;
}

function messageOf(from: Side, summary: MessageSummary, data: Uint8Array | undefined): SeenMessage {
  return {
    type: 'message',
    from,
    isText: summary.text,
    isCompressed: summary.compressed,
    frames: summary.frames,
    wireLength: Number(summary.wireLength),
    length: summary.length === undefined ? undefined : Number(summary.length),
    data: data && summary.text ? textOf(data) : data,
  };
}
