import { concat } from './bytes.js';
import type { Engine, Message } from './engine.js';
import type { Sender } from './formats/source.js';
import { DEFLATE, judging, openAs } from './judge/settings.js';

/** What is to be sent. */
export type Draft =
  | { kind: 'text' | 'binary' | 'ping' | 'pong'; bytes: Uint8Array }
  | { kind: 'close'; code: number | undefined; reason: string };

/** How it is to be sent. */
export interface Manner {
  sender: Sender;
  /** With permessage-deflate. */
  isCompressed?: boolean;
  /** The most bytes of a fragment; without it a message is one frame. */
  fragment?: number | undefined;
}

const CAPACITY = 1 << 20;

/**
 * The frames of a message, from the engine.
 *
 * @throws ComponentError With the rule that the message breaks.
 */
export function compose(engine: Engine, draft: Draft, { sender, isCompressed = false, fragment }: Manner): Uint8Array {
  using options = judging(engine);
  options.setDeflateMinLength(0);
  using session = openAs(sender, engine, options, { extensions: isCompressed ? [DEFLATE] : [] });
  for (const message of messagesOf(draft, fragment)) session.send(message, 'automatic', undefined, 0n);
  const parts: Uint8Array[] = [];
  for (;;) {
    const { output } = session.exchange(new Uint8Array(), [], new Uint8Array(), 0n, CAPACITY);
    if (output.length === 0) return concat(parts);
    parts.push(output);
  }
}

function messagesOf(draft: Draft, fragment: number | undefined): Message[] {
  if (draft.kind === 'close') {
    const { code, reason } = draft;
    return [{ tag: 'close', val: code === undefined ? undefined : { code, reason } }];
  }
  const { kind, bytes } = draft;
  if (kind === 'ping' || kind === 'pong') return [{ tag: kind, val: bytes }];
  const tag = kind === 'text' ? 'utf8' : 'binary';
  const messages: Message[] = [];
  const longest = fragment ?? Infinity;
  let at = 0;
  for (; bytes.length - at > longest; at += longest) {
    messages.push({ tag: `${tag}-fragment`, val: bytes.subarray(at, at + longest) });
  }
  return [...messages, { tag, val: bytes.subarray(at) }];
}
