import type { Config, Engine, Extension, Negotiated, Session } from '../engine.js';
import type { Sender } from '../formats/source.js';

/** permessage-deflate in its widest form: what a narrower one sends it inflates too (RFC 7692, section 7.1). */
export const DEFLATE: Extension = { name: 'permessage-deflate', parameters: [] };

/** No limit. */
const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;
/** A message may inflate to so much, or it is taken for a bomb. */
const LONGEST_MESSAGE = 64n << 20n;

/** Settings for bytes that went by some time ago: no deadlines, nothing to answer, and the protocol's own limits. */
export function judging(engine: Engine): Config {
  const config = engine.defaultConfig();
  return {
    ...config,
    delivery: 'pieces',
    pongs: 'manual',
    reportControlFrames: true,
    replyToClose: false,
    exposeInvalidRequests: true,
    deflate: engine.defaultDeflate(),
    // The response's body isn't among the bytes.
    limits: { ...config.limits, refusalBody: 0, frame: U64, message: LONGEST_MESSAGE, fragments: U32, queuedOutput: U64 },
    timeouts: {},
  };
}

/** An open session of this role. */
export function openAs(role: Sender, engine: Engine, config: Config, negotiated: Negotiated): Session {
  const { WebsocketSession } = engine;
  return role === 'client'
    ? WebsocketSession.openClient(config, crypto.getRandomValues(new Uint8Array(32)), negotiated, 0n)
    : WebsocketSession.openServer(config, negotiated, 0n);
}
