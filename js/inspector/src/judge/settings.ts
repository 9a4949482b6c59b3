import type { Engine, Extension, InspectorOptions, Negotiated, Options, Session } from '../engine.js';
import type { Sender } from '../formats/source.js';

/** permessage-deflate in its widest form: what a narrower one sends it inflates too (RFC 7692, section 7.1). */
export const DEFLATE: Extension = { name: 'permessage-deflate', parameters: [] };

/** No limit. */
const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;
/** A message may inflate to so much, or it is taken for a bomb. */
const LONGEST_MESSAGE = 64n << 20n;

/** Options for bytes that went by some time ago: no deadlines, nothing to answer, and the protocol's own limits. */
export function judging(engine: Engine): Options {
  const options = new engine.options.SessionOptions();
  options.setDelivery('streaming');
  options.setPongPolicy('manual');
  options.setReportControlFrames(true);
  options.setReplyToClose(false);
  options.setExposeInvalidRequests(true);
  options.setDeflate(true);
  // The response's body isn't among the bytes.
  options.setMaxRefusalBody(0);
  options.setMaxFrame(U64);
  options.setMaxMessage(LONGEST_MESSAGE);
  options.setMaxFragments(U32);
  options.setMaxQueuedOutput(U64);
  options.setHandshakeTimeout(undefined);
  options.setIdleTimeout(undefined);
  options.setMessageTimeout(undefined);
  options.setKeepaliveInterval(undefined);
  options.setPongTimeout(undefined);
  options.setWriteTimeout(undefined);
  options.setCloseTimeout(undefined);
  return options;
}

/** The same for both directions at once. */
export function inspecting(engine: Engine): InspectorOptions {
  const options = new engine.inspector.InspectorOptions();
  for (const side of ['client', 'server'] as const) {
    options.setMaxFrame(side, U64);
    options.setMaxMessage(side, LONGEST_MESSAGE);
    options.setMaxFragments(side, U32);
    options.setMessageTimeout(side, undefined);
    options.setPongTimeout(side, undefined);
    options.setWriteTimeout(side, undefined);
  }
  options.setHandshakeTimeout(undefined);
  options.setCloseTimeout(undefined);
  options.setUnknownExtensions('opaque');
  return options;
}

/** An open session of this role. */
export function openAs(role: Sender, engine: Engine, options: Options, negotiated: Negotiated): Session {
  const { WebsocketSession } = engine.session;
  return role === 'client'
    ? WebsocketSession.openClient(options, crypto.getRandomValues(new Uint8Array(32)), negotiated, 0n)
    : WebsocketSession.openServer(options, negotiated, 0n);
}
