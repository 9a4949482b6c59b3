import { fromLatin1, latin1Of } from '../bytes.js';
import type { Engine, Extension, Failure, Negotiated, RequestHead, Rule, Session } from '../engine.js';
import { DEFLATE, judging } from './settings.js';

/** What became of a head that the engine was given. */
export interface Judged {
  failure: Failure | undefined;
  /** Rules that are broken too, and that nobody is refused for. */
  tolerated: Rule[];
  /** Where the engine stopped, if the head isn't HTTP. */
  stop: number | undefined;
  /** What it leads to. */
  negotiated: Negotiated | undefined;
}

/** A request, with what the engine would answer. */
export interface JudgedRequest extends Judged {
  request: RequestHead | undefined;
  /** The Sec-WebSocket-Accept that answers its key. */
  accept: string | undefined;
}

const ACCEPT = /^(sec-websocket-accept:[ \t]*)(\S*)/im;
/** What a SHA-1 looks like in base64. */
const DIGEST = /^[A-Za-z0-9+/]{27}=$/;
/** The engine refuses longer ones anyway. */
const LONGEST_HEAD = 1 << 16;
const CAPACITY = 1 << 16;
const NOTHING = new Uint8Array();

/** The length of the head that the bytes begin with; all of them if it is cut, 0 if there is none. */
export function headLength(bytes: Uint8Array): number {
  const start = latin1Of(bytes.subarray(0, 32));
  if (!/^(HTTP\/|[A-Z]{3,10} (\/|\*|https?:|wss?:|\S+ HTTP))/.test(start)) return 0;
  const { index, 0: end } = /\r?\n\r?\n/.exec(latin1Of(bytes.subarray(0, LONGEST_HEAD))) ?? { index: bytes.length, 0: '' };
  return index + end.length;
}

export function isResponse(head: Uint8Array): boolean {
  return latin1Of(head.subarray(0, 5)) === 'HTTP/';
}

/** A server of the engine's is asked. */
export function judgeRequest(engine: Engine, head: Uint8Array): JudgedRequest {
  using session = serve(engine);
  const { failure: syntax } = give(session, head);
  const request = session.request();
  const failure = request?.violation ?? syntax;
  const tolerated = request?.tolerated ?? [];
  if (failure || !request) {
    const stop = syntax && stopOf(() => serve(engine), head);
    return { failure, tolerated, stop, request, negotiated: undefined, accept: undefined };
  }
  const negotiated = session.accept({ extensions: [], headers: [] }, 0n);
  const [, , accept] = ACCEPT.exec(latin1Of(give(session, NOTHING).output)) ?? [];
  return { failure: undefined, tolerated, stop: undefined, request, negotiated, accept };
}

/** A client of the engine's, which has asked the same, is answered. */
export function judgeResponse(engine: Engine, head: Uint8Array, asked: JudgedRequest | undefined): Judged {
  const offered = asked?.request ?? chosenIn(engine, head);
  using session = ask(engine, offered);
  // The engine asks with a key of its own. What answers the key that was sent is replaced by what answers this one; if
  // that key isn't known, whatever could be an answer is.
  const own = judgeRequest(engine, give(session, NOTHING).output).accept as string;
  const swapped = latin1Of(head).replace(ACCEPT, (line, name: string, value: string) => {
    const isRight = asked?.accept === undefined ? DIGEST.test(value) : value === asked.accept;
    return isRight ? name + own : line;
  });
  const { failure } = give(session, fromLatin1(swapped));
  const stop = failure && !session.response() ? stopOf(() => ask(engine, offered), head) : undefined;
  return { failure, tolerated: [], stop, negotiated: session.negotiated() };
}

type Offered = Pick<RequestHead, 'subprotocols' | 'extensions'>;

function serve(engine: Engine): Session {
  using options = judging(engine);
  return engine.session.WebsocketSession.server(options, 0n);
}

function ask(engine: Engine, { subprotocols, extensions }: Offered): Session {
  using options = judging(engine);
  const session = engine.session.WebsocketSession.client(options, crypto.getRandomValues(new Uint8Array(32)), 0n);
  session.connect({ target: '/', authority: 'inspector', subprotocols, extensions, headers: [] }, 0n);
  return session;
}

/** What a client must have offered to get this answer, read by the engine as if it was the offer. */
function chosenIn(engine: Engine, head: Uint8Array): Offered {
  const chosen = latin1Of(head).match(/^sec-websocket-(protocol|extensions):.*$/gim) ?? [];
  const request = [
    'GET / HTTP/1.1', 'Host: inspector', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', ...chosen.map((line) => line.trim()), '', '',
  ].join('\r\n');
  const { request: read } = judgeRequest(engine, fromLatin1(request));
  const widest = (extension: Extension): Extension =>
    extension.name === DEFLATE.name ? { ...extension, parameters: [{ name: 'client_max_window_bits' }] } : extension;
  return { subprotocols: read?.subprotocols ?? [], extensions: (read?.extensions ?? []).map(widest) };
}

/** The offset of the byte that a new session refuses. */
function stopOf(open: () => Session, head: Uint8Array): number | undefined {
  using session = open();
  for (let at = 0; at < head.length; at += 1) {
    if (give(session, head.subarray(at, at + 1)).failure) return at;
  }
  return undefined;
}

function give(session: Session, bytes: Uint8Array) {
  return session.exchange(bytes, [], NOTHING, 0n, CAPACITY);
}
