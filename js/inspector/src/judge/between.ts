import type { Engine, Negotiated, Violation } from '../engine.js';
import type { Sender, Side } from '../formats/source.js';
import { inspecting } from './settings.js';

/** The first rule that is broken between two sides, as a proxy between them would find it. */
export interface Broken {
  from: Sender;
  side: Side;
  /** Where the frame begins, in the bytes of the side. */
  offset: number;
  rule: string;
  section: string;
}

/** The frames of a side, from an offset on. */
export interface Frames {
  sender: Sender;
  side: Side;
  start: number;
}

/** The most bytes that are looked at before others have their turn. */
const CHUNK = 1 << 16;

/** Looks at both directions in the order of time; pauses now and then. */
export function* judgeBetween(engine: Engine, both: Frames[], negotiated: Negotiated): Generator<undefined, Broken | undefined> {
  using options = inspecting(engine);
  const entropy = crypto.getRandomValues(new Uint8Array(32));
  using inspector = engine.inspector.WebsocketInspector.open(options, entropy, negotiated, 0n);
  for (const { sender, bytes } of chunksOf(both)) {
    let rest = bytes;
    let goesOn = true;
    while (goesOn) {
      const { consumed, more, progress } = inspector.advance(sender, 0n, rest, 0n);
      if (progress.violation) return brokenOf(progress.violation, both);
      rest = rest.subarray(consumed);
      goesOn = more || (consumed > 0 && rest.length > 0);
    }
    yield;
  }
  return undefined;
}

function brokenOf({ from, failure: { rule, section, offset = 0n } }: Violation, both: Frames[]): Broken | undefined {
  const frames = both.find(({ sender }) => sender === from);
  return frames && { from, side: frames.side, offset: frames.start + Number(offset), rule, section };
}

/** What was read at once, or a part of it. */
function chunksOf(both: Frames[]): { sender: Sender; bytes: Uint8Array }[] {
  const chunks = both.flatMap(({ sender, side: { bytes, marks }, start }) => {
    const known = marks.length > 0 ? marks : [{ offset: 0, at: 0 }];
    return known.flatMap(({ offset, at }, index) => {
      const end = known[index + 1]?.offset ?? bytes.length;
      const parts = [];
      for (let from = Math.max(offset, start); from < end; from += CHUNK) {
        parts.push({ sender, at, bytes: bytes.subarray(from, Math.min(from + CHUNK, end)) });
      }
      return parts;
    });
  });
  return chunks.sort((one, other) => one.at - other.at);
}
