import type { Engine, Negotiated } from '../engine.js';
import type { Connection, Sender, Side } from '../formats/source.js';
import { type Broken, judgeBetween } from './between.js';
import { type Frame, type Rest, judgeFrames, rest } from './frames.js';
import { type Judged, headLength, isResponse, judgeRequest, judgeResponse } from './head.js';
import { DEFLATE } from './settings.js';

export type { Broken } from './between.js';
export type { Content, Frame, Rest } from './frames.js';

/** The head that a side begins with, and what the engine made of it. */
export interface Head extends Judged {
  type: 'head';
  end: number;
  isResponse: boolean;
  isCut: boolean;
  /** Whether it was held against the head of the other side. */
  isPaired: boolean;
}

/** Something in the bytes of a side. */
export interface Item {
  side: Side;
  sender: Sender;
  /** Counts the frames of the side from 1. */
  number: number;
  what: Head | Frame | Rest;
}

/** What a proxy between the sides would find; not known unless both have sent frames. */
export type Between = { isKnown: false } | { isKnown: true; broken: Broken | undefined };

/** What the reader says where the bytes don't. */
export interface Choices {
  sender: Sender | undefined;
  /** Whether permessage-deflate was agreed on; not set: what the handshake says. */
  deflate: boolean | undefined;
}

/** Who sent the bytes of a side. */
export function senderOf({ sender, bytes }: Side, chosen: Sender | undefined): Sender {
  if (sender ?? chosen) return (sender ?? chosen) as Sender;
  const isClient = headLength(bytes) > 0 ? !isResponse(bytes) : ((bytes[1] ?? 0) & 0x80) !== 0;
  return isClient ? 'client' : 'server';
}

/**
 * What a connection consists of, side by side; then what is broken between the sides, if the bytes of both are
 * known, which takes steps that yield nothing.
 */
export function* judge(engine: Engine, { sides }: Connection, choices: Choices): Generator<Item | undefined, Between> {
  const known = sides.map((side) => ({ side, sender: senderOf(side, choices.sender) }));
  const bytesOf = (sender: Sender): Uint8Array => known.find((side) => side.sender === sender)?.side.bytes ?? new Uint8Array();
  const heads = judgeHeads(engine, bytesOf('client'), bytesOf('server'));
  const answer = heads.server && !heads.server.failure ? heads.server.negotiated : heads.client?.negotiated;
  const negotiated = agreed(answer, choices.deflate);
  const isOpen = [heads.client, heads.server].every((head) => !head?.failure && !head?.isCut);
  for (const { side, sender } of known) {
    let number = 0;
    const item = (what: Item['what']): Item => ({ side, sender, number: what.type === 'frame' ? (number += 1) : number, what });
    const head = heads[sender];
    if (head) yield item(head);
    const frames = head?.failure || head?.isCut
      ? rest(head.end, side.bytes, 'the handshake has failed')
      : judgeFrames(engine, sender, side.bytes, head?.end ?? 0, negotiated);
    for (const what of frames) yield item(what);
  }
  const both = known.map(({ side, sender }) => ({ side, sender, start: heads[sender]?.end ?? 0 }));
  if (!isOpen || !both.every(({ side, start }) => side.bytes.length > start) || both.length !== 2) return { isKnown: false };
  return { isKnown: true, broken: yield* judgeBetween(engine, both, negotiated) };
}

function judgeHeads(engine: Engine, client: Uint8Array, server: Uint8Array): Partial<Record<Sender, Head>> {
  const [asked, answered] = [headLength(client), headLength(server)];
  const request = asked > 0 ? judgeRequest(engine, client.subarray(0, asked)) : undefined;
  const response = answered > 0 ? judgeResponse(engine, server.subarray(0, answered), request) : undefined;
  return {
    ...(request && { client: headOf(request, asked, { isResponse: false, isPaired: response !== undefined }) }),
    ...(response && { server: headOf(response, answered, { isResponse: true, isPaired: request?.accept !== undefined }) }),
  };
}

function headOf(judged: Judged, end: number, rest: Pick<Head, 'isResponse' | 'isPaired'>): Head {
  const { failure, tolerated, stop, negotiated } = judged;
  return { type: 'head', end, failure, tolerated, stop, negotiated, isCut: !failure && !negotiated, ...rest };
}

function agreed(answer: Negotiated | undefined, deflate: boolean | undefined): Negotiated {
  const others = answer?.extensions ?? [];
  if (deflate === undefined || deflate === others.some(({ name }) => name === DEFLATE.name)) return { extensions: others };
  return { extensions: deflate ? [DEFLATE] : [] };
}
