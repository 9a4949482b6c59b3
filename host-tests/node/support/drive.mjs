// What a JavaScript host writes around a session: values in and out, and the two ways of driving it.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const nothing = new Uint8Array();

/** The most bytes that a call takes or gives, as a host would choose it. */
const capacity = 65536;

export const bytes = (text) => encoder.encode(text);
export const text = (data) => decoder.decode(data);
export const concat = (parts) => new Uint8Array(Buffer.concat(parts));
export const entropy = () => crypto.getRandomValues(new Uint8Array(32));
export const header = (name, value) => ({ name, value: bytes(value) });
export const plainAcceptance = { extensions: [], headers: [] };

/** The value of the field with this name, in lower case. */
export function field(headers, name) {
  const found = headers.find((header) => header.name.toLowerCase() === name);
  return found && text(found.value);
}

/** A request for `/chat`. */
export function request(more = {}) {
  return {
    target: '/chat', authority: 'example.com', subprotocols: [], extensions: [], headers: [], ...more,
  };
}

/** The failure that the component answers a call with. */
export function failureOf(call) {
  try {
    call();
  } catch (error) {
    if (error.payload) return error.payload;
    throw error;
  }
  throw new Error('the call did not fail');
}

/** Kinds of outgoing records. */
export const TEXT = { tag: 'text', val: 'automatic' };
export const BINARY = { tag: 'binary', val: 'automatic' };
export const BINARY_FRAGMENT = { tag: 'binary-fragment', val: 'automatic' };
export const PING = { tag: 'ping' };
export const close = (code) => ({ tag: 'close', val: code });

/** Messages `{ kind, data, context }` as the records and the payload that `exchange` takes. */
function pack(messages) {
  let start = 0;
  const outgoing = messages.map(({ kind, data = nothing, context }) => {
    const record = { kind, start, length: data.length, context };
    start += data.length;
    return record;
  });
  return { outgoing, payload: concat(messages.map(({ data = nothing }) => data)) };
}

/**
 * Calls until nothing more comes of the input. Of the result, `rest` is the input that a server
 * takes only when it has answered the request.
 */
export function exchange(session, input, messages = [], now = 0n) {
  let { outgoing, payload } = pack(messages);
  const events = [];
  const output = [];
  for (;;) {
    const result = session.exchange(input, outgoing, payload, now, capacity);
    for (const { kind, start, length } of result.events) {
      events.push({ ...kind, data: result.payload.subarray(start, start + length) });
    }
    output.push(result.output);
    input = input.subarray(result.consumed);
    outgoing = outgoing.slice(result.accepted);
    if (result.refused || !result.more) {
      return { ...result, events, output: concat(output), rest: input };
    }
  }
}

/** Events as `[tag, text]`, to compare with. */
export const summary = (events) => events.map(({ tag, data }) => [tag, text(data)]);

/** A client and a server that are open, from a handshake in bytes; `set` sets their options. */
export function openPair({ WebsocketSession, SessionOptions }, set = () => {}) {
  const options = new SessionOptions();
  set(options);
  const client = WebsocketSession.client(options, entropy(), 0n);
  const server = WebsocketSession.server(options, 0n);
  options[Symbol.dispose]();
  client.connect(request(), 0n);
  exchange(server, exchange(client, nothing).output);
  server.accept(plainAcceptance, 0n);
  exchange(client, exchange(server, nothing).output);
  return { client, server };
}

/**
 * Does the session's actions in the way of `websocket.dll`, with `wire` for a network, until there
 * are none. Returns the completions it was told of.
 */
export function pump(session, wire, now = 0n) {
  const told = [];
  for (;;) {
    const { tag, val } = session.getAction('all', now);
    if (tag === 'no-action') return told;
    const { id, ...what } = val;
    if (tag === 'send-to-network') {
      wire.written.push(what.bytes);
      session.completeAction(id, { tag: 'sent', val: what.bytes.length }, now);
    } else if (tag === 'receive-from-network') {
      const data = wire.toRead.shift();
      if (!data) return told;
      if (data.length > what.maxBytes) wire.toRead.unshift(data.subarray(what.maxBytes));
      session.completeAction(id, { tag: 'read', val: data.subarray(0, what.maxBytes) }, now);
    } else {
      told.push([tag, what]);
      session.completeAction(id, { tag: 'acknowledged' }, now);
    }
  }
}
