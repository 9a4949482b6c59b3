// What a JavaScript host writes around a session: values in and out, and the two ways of driving it.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const nothing = new Uint8Array();

/** The most bytes that a turn takes or gives, as a host would choose it. */
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

/** Messages `{ kind, data, detail, context }` as the records and the payload that `exchange` takes. */
function pack(messages) {
  let start = 0;
  const outgoing = messages.map(({ kind, data = nothing, detail = 0n, context }) => {
    const record = { kind, start, length: data.length, detail: BigInt(detail), context };
    start += data.length;
    return record;
  });
  return { outgoing, payload: concat(messages.map(({ data = nothing }) => data)) };
}

/**
 * Turns until nothing more comes of the input. Of the result, `rest` is the input that a server
 * takes only when it has answered the request.
 */
export function exchange(session, input, messages = [], now = 0n) {
  let { outgoing, payload } = pack(messages);
  const events = [];
  const output = [];
  for (;;) {
    const turn = session.exchange(input, outgoing, payload, now, capacity);
    for (const { kind, start, length, detail } of turn.events) {
      events.push({ kind, data: turn.payload.subarray(start, start + length), detail });
    }
    output.push(turn.output);
    input = input.subarray(turn.consumed);
    outgoing = outgoing.slice(turn.accepted);
    if (turn.refused || !turn.more) {
      return { ...turn, events, output: concat(output), rest: input };
    }
  }
}

/** Events as `[kind, text]`, to compare with. */
export const summary = (events) => events.map(({ kind, data }) => [kind, text(data)]);

/** A client and a server that are open, from a handshake in bytes. */
export function openPair({ WebsocketSession, defaultConfig }, config = {}) {
  const client = WebsocketSession.client({ ...defaultConfig(), ...config }, entropy(), 0n);
  const server = WebsocketSession.server({ ...defaultConfig(), ...config }, 0n);
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
    const [id, ...rest] = val;
    if (tag === 'send-to-network') {
      wire.written.push(rest[0]);
      session.completeAction(id, { tag: 'sent', val: rest[0].length }, now);
    } else if (tag === 'receive-from-network') {
      const data = wire.toRead.shift();
      if (!data) return told;
      if (data.length > rest[0]) wire.toRead.unshift(data.subarray(rest[0]));
      session.completeAction(id, { tag: 'read', val: data.subarray(0, rest[0]) }, now);
    } else {
      told.push([tag, ...rest]);
      session.completeAction(id, { tag: 'done' }, now);
    }
  }
}
