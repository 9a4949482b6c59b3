// The messages that an inspection reports, decisions about them, and how it begins and ends.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { Engine, WebSocketError, WebSocketSession, inspect } from 'websocket-component';
import { coreOf } from './support/component.mjs';
import { frame, manual, opening, pair, ports, responseTo, take, url } from './support/connections.mjs';
import { between, close, closeCode, keepAlive, plain, through, unmasked, until } from './support/inspections.mjs';

const misbehaving = new URL('../../target/component/websocket-misbehave.wasm', import.meta.url);

/** A compressed message of up to 125 bytes on the wire (RFC 7692, section 7.2.1). */
const compressed = (text) => plain(0xc1, deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4));

test('what is seen is what the view says, in order and with its bytes', async () => {
  const seen = [];
  const [client, server] = [manual(), manual()];
  const inspection = await inspect(client, server, {
    seen: (one) => seen.push(one),
    client: { view: { frames: true, control: true, payload: 5 } },
    server: { view: { payload: 'chunks' } },
  });
  client.listener.data(opening);
  server.listener.data(responseTo(opening, 'HTTP/1.1 101 x', ['X-A: b']));
  const [request, response, opened] = seen.splice(0);
  assert.deepEqual([request.type, request.request.target, request.request.authority], ['request', '/', 'a']);
  assert.deepEqual([response.type, response.response.status, response.response.headers.get('x-a')], ['response', 101, 'b']);
  assert.deepEqual(opened, { type: 'opened' });

  client.listener.data(Buffer.concat([frame(0x01, 'hel'), frame(0x89, 'ping'), frame(0x80, 'lo'), frame(0x82, 'longer')]));
  const header = { type: 'frame', from: 'client', fin: true, rsv: 0, isMasked: true, headerLength: 6 };
  const at = opening.length;
  const message = { type: 'message', from: 'client', isCompressed: false };
  assert.deepEqual(seen.splice(0), [
    { ...header, offset: at, fin: false, opcode: 1, payloadLength: 3 },
    { ...header, offset: at + 9, opcode: 9, payloadLength: 4 },
    { type: 'ping', from: 'client', data: new Uint8Array(Buffer.from('ping')) },
    { ...header, offset: at + 19, opcode: 0, payloadLength: 2 },
    { ...message, isText: true, frames: 2, wireLength: 5, length: 5, data: 'hello' },
    { ...header, offset: at + 27, opcode: 2, payloadLength: 6 },
    { ...message, isText: false, frames: 1, wireLength: 6, length: 6, data: undefined },
  ]);

  const bytes = plain(0x82, 'binary');
  server.listener.data(bytes.subarray(0, 5));
  server.listener.data(Buffer.concat([bytes.subarray(5), plain(0x8a, 'unseen'), close.server(3000, 'ü')]));
  const chunk = { type: 'chunk', from: 'server', isText: false };
  assert.deepEqual(seen.splice(0), [
    { ...chunk, data: new Uint8Array(Buffer.from('bin')), isLast: false },
    { ...chunk, data: new Uint8Array(Buffer.from('ary')), isLast: true },
    { type: 'close', from: 'server', code: 3000, reason: 'ü' },
  ]);
  inspection.abort();
});

test('payload that nobody looks at is not copied into the sandbox', async () => {
  const engine = await (await Engine.shared()).another();
  const { prototype } = engine.component.inspector.WebsocketInspector;
  const { advance } = prototype;
  let copied = 0;
  prototype.advance = function (from, skipped, input, time) {
    copied += input.length;
    return advance.call(this, from, skipped, input, time);
  };
  const { client, server, inspection } = await between({ engine });
  const header = Buffer.from([0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
  const bytes = Buffer.concat(Array(4).fill(Buffer.concat([header, Buffer.alloc(1 << 20, 7)])));
  for (let at = 0; at < bytes.length; at += 1 << 16) client.listener.data(bytes.subarray(at, at + (1 << 16)));
  assert(server.written().equals(bytes));
  // The first read, before the first long frame was seen.
  assert(copied <= 1 << 16, `${copied} bytes were copied`);
  inspection.abort();
  const { client: { frames, messages, bytes: counted } } = await inspection.closed;
  assert.deepEqual([frames, messages, counted], [4, 4, 4 << 20]);
});

test('a message is held until it was decided on, in order, and left out or not', async () => {
  const asked = [];
  const decide = ({ data }) => new Promise((resolve) => asked.push({ data, resolve }));
  const { client, server, inspection } = await between({ client: { decide } });
  client.listener.data(Buffer.concat([frame(0x81, 'one'), frame(0x81, 'two'), frame(0x82, 'three')]));
  await sleep(1);
  assert.deepEqual([asked.map(({ data }) => String(data)), server.written().length], [['one', 'two', '116,104,114,101,101'], 0]);
  asked[1].resolve(false);
  asked[2].resolve(true);
  await sleep(1);
  assert.equal(server.written().length, 0);
  asked[0].resolve(true);
  await sleep(1);
  assert.deepEqual(server.written(), Buffer.concat([frame(0x81, 'one'), frame(0x82, 'three')]));
  server.listener.data(plain(0x81, 'the other direction is not held'));
  assert.equal(client.written().length, 33);
  inspection.abort();
});

test('a side is not read while much of it waits for a decision', async () => {
  let resolve;
  const decide = () => new Promise((done) => {
    resolve = done;
  });
  const { client, server, inspection } = await between({ server: { view: { payload: 1 << 20 }, decide } });
  const large = plain(0x82, Buffer.alloc(65_535));
  server.listener.data(large);
  assert.deepEqual([server.isPaused, client.written().length], [true, 0]);
  resolve(true);
  await sleep(1);
  assert.deepEqual([server.isPaused, client.written().length], [false, large.length]);
  inspection.abort();
});

test('a message that is too long for the view goes on undecided', async () => {
  const { client, server, inspection } = await between({ client: { view: { payload: 3 }, decide: () => false } });
  client.listener.data(Buffer.concat([frame(0x81, 'no'), frame(0x81, 'long'), frame(0x81, 'no')]));
  await sleep(1);
  assert.deepEqual(server.written(), frame(0x81, 'long'));
  inspection.abort();
});

test('a decision that throws, or can\'t be followed, closes with 1011, and nothing goes on', async () => {
  const mistake = new Error('mine');
  const thrown = await between({ client: { decide: () => Promise.reject(mistake) } });
  thrown.client.listener.data(Buffer.concat([frame(0x81, 'one'), frame(0x81, 'two')]));
  await sleep(1);
  assert.deepEqual([closeCode(thrown.client.written()), closeCode(thrown.server.written())], [1011, 1011]);
  thrown.inspection.abort();
  assert.equal((await thrown.inspection.closed).error, mistake);

  // One that is used later is no unhandled rejection until then.
  const order = [];
  const late = await between({ client: { decide: ({ data }) => (data === 'one' ? new Promise((done) => order.push(done)) : Promise.reject(mistake)) } });
  late.client.listener.data(Buffer.concat([frame(0x81, 'one'), frame(0x81, 'two')]));
  await sleep(10);
  assert.deepEqual([late.inspection.state, late.server.written().length], ['open', 0]);
  order[0](true);
  await sleep(1);
  assert.deepEqual(late.server.written().subarray(0, 9), frame(0x81, 'one'));
  assert.equal(closeCode(late.server.written().subarray(9)), 1011);
  late.inspection.abort();

  // Later messages may refer to it (RFC 7692, section 7.1.1).
  const negotiated = { extensions: 'permessage-deflate' };
  const { client, server, inspection } = await between({ negotiated, server: { decide: () => false } });
  server.listener.data(compressed('hello hello hello'));
  await sleep(1);
  assert.deepEqual([closeCode(client.written()), closeCode(server.written())], [1011, 1011]);
  inspection.abort();
  const { error } = await inspection.closed;
  assert.deepEqual([error.rule, error.fault], ['context-needed', 'host']);

  const alone = { extensions: 'permessage-deflate; server_no_context_takeover' };
  const free = await between({ negotiated: alone, server: { decide: ({ data }) => !data.startsWith('hello') } });
  free.server.listener.data(Buffer.concat([compressed('hello hello hello'), compressed('bye bye bye')]));
  await sleep(1);
  assert.deepEqual(free.client.written(), compressed('bye bye bye'));
  free.inspection.abort();
});

test('a decision on a message that was left out meanwhile is no error', async () => {
  let resolve;
  const decide = () => new Promise((done) => {
    resolve = done;
  });
  const { client, server, inspection } = await between({ client: { decide } });
  client.listener.data(frame(0x81, 'held'));
  const closing = inspection.close();
  resolve(true);
  await sleep(1);
  assert.equal(closeCode(server.written()), 1001);
  client.listener.data(close.client(1001));
  server.listener.data(close.server(1001));
  for (const duplex of [server, client]) duplex.listener.end();
  const { error, wasClean } = await closing;
  assert.deepEqual([error, wasClean], [undefined, true]);
});

test('a refusal of the server passes', async () => {
  const [[near, front], [back, far]] = [ports(), ports()];
  const answer = () => ({ status: 403, headers: { 'X-Why': 'because' }, body: 'not you' });
  const [inspection, refused, asking] = await Promise.all([
    inspect(front, back),
    WebSocketSession.accept(far, { answer }).catch((error) => error),
    WebSocketSession.connect(near, { url }).catch((error) => error),
  ]);
  assert.match(refused.message, /403/);
  assert.deepEqual([asking.rule, asking.response.status, asking.response.headers.get('x-why')], ['handshake-refused', 403, 'because']);
  assert.equal(Buffer.from(asking.response.body).toString(), 'not you');
  const { violation, wasClean } = await inspection.closed;
  assert.deepEqual([violation.from, violation.error.rule, wasClean], ['server', 'handshake-refused', false]);
});

test('a handshake that breaks a rule, or takes too long, is answered for the client', async (t) => {
  const answered = async (status, rule, act, options = {}) => {
    const [client, server] = [manual(), manual()];
    const inspection = await inspect(client, server, options);
    act(client, server);
    await until(() => client.written().length > 0);
    assert.match(client.written().toString(), new RegExp(`^HTTP/1.1 ${status} `));
    for (const duplex of [client, server]) duplex.listener.end();
    const { violation } = await inspection.closed;
    assert.equal(violation.error.rule, rule);
    return server.written().length;
  };
  keepAlive(t);
  const ask = (client) => client.listener.data(opening);
  const impatient = { timeouts: { handshake: 30 } };
  assert.equal(await answered(426, 'upgrade-missing', (client) => client.listener.data(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))), 0);
  await answered(502, 'accept-wrong', (client, server) => {
    ask(client);
    server.listener.data(responseTo('Sec-WebSocket-Key: of another request\r\n'));
  });
  await answered(408, 'handshake-timeout', (client) => client.listener.data(opening.subarray(0, 20)), impatient);
  await answered(504, 'handshake-timeout', ask, impatient);
});

test('pings and messages are inserted, and the pong is seen and swallowed', async () => {
  const seen = [];
  const { client, server, inspection } = await between({ seen: (one) => seen.push(one) });
  await inspection.ping('client');
  const ping = client.written();
  assert.equal(ping[0], 0x89);
  client.listener.data(frame(0x8a, ping.subarray(2)));
  assert.deepEqual([seen[0].type, seen[0].from, seen[0].time >= 0, server.written().length], ['round-trip', 'client', true, 0]);
  await inspection.insert('client', 'news');
  assert.deepEqual(client.written().subarray(ping.length), plain(0x81, 'news'));
  client.listener.data(frame(0x01, 'a message that '));
  const inserted = inspection.insert('server', new Uint8Array([1, 2]));
  const before = server.written().length;
  client.listener.data(frame(0x80, 'goes first'));
  await inserted;
  assert.deepEqual([...unmasked(server.written().subarray(before + frame(0x80, 'goes first').length))], [1, 2]);
  await assert.rejects(inspection.ping('nobody'), TypeError);
  assert.throws(() => inspection.insert('client', 7), TypeError);
  assert.equal(inspection.state, 'open');
  inspection.abort();
});

test('a side that answers no ping of the proxy\'s is lost', async (t) => {
  keepAlive(t);
  const { client, server, inspection } = await between({ server: { timeouts: { keepalive: 20, pong: 30 } } });
  await until(() => server.calls.length > 0);
  assert.equal(server.written()[0], 0x89);
  for (const duplex of [client, server]) duplex.listener.end();
  const { violation } = await inspection.closed;
  assert.deepEqual([violation.from, violation.error.rule], ['server', 'pong-timeout']);
});

test('extensions are those that were negotiated, or taken out of the request', async () => {
  const { client, server, inspection } = await between({ negotiated: { protocol: 'chat', extensions: 'permessage-deflate; client_max_window_bits="10"' } });
  assert.deepEqual([inspection.protocol, inspection.extensions], ['chat', 'permessage-deflate; client_max_window_bits=10']);
  server.listener.data(compressed('hello hello hello'));
  assert.deepEqual(client.written(), compressed('hello hello hello'));
  assert.equal(server.written().length, 0);
  inspection.abort();

  await assert.rejects(between({ negotiated: { extensions: 'x-mine; a=1' } }), { name: 'WebSocketError', rule: 'extension-unknown' });
  const opaque = await between({ negotiated: { extensions: 'x-mine; a=1' }, unknownExtensions: 'opaque' });
  opaque.client.listener.data(frame(0xf1));
  assert.deepEqual(opaque.server.written(), frame(0xf1));
  opaque.inspection.abort();

  const stripped = await through({ client: { deflate: true }, server: { deflate: true }, options: { stripExtensions: true } });
  assert.deepEqual([stripped.client.extensions, stripped.inspection.extensions], ['', '']);
  await stripped.client.send('hello');
  assert.deepEqual(await take(stripped.server, 1), ['hello']);
  stripped.inspection.abort();
});

test('a number that is out of its range is a RangeError that names the setting', async () => {
  for (const [options, message] of [
    [{ client: { limits: { inflatePerCall: 1023 } } }, 'client.limits.inflatePerCall is 1023, and is at least 1024'],
    [{ server: { limits: { holdFrame: -1 } } }, 'server.limits.holdFrame is -1'],
    [{ server: { timeouts: { keepalive: 0.5 } } }, 'server.timeouts.keepalive is 0.5, and is at least 1'],
    [{ client: { view: { payload: -1 } } }, 'client.view.payload is -1'],
    [{ timeouts: { age: NaN } }, 'timeouts.age is NaN'],
  ]) {
    await assert.rejects(between(options), { name: 'RangeError', message });
  }
  const { inspection } = await between({ client: undefined, server: { limits: { message: Infinity }, timeouts: { write: Infinity } } });
  inspection.abort();
});

test('a signal drops both transports, before it begins and later', async () => {
  const reason = new Error('enough');
  const [client, server] = [manual(), manual()];
  await assert.rejects(inspect(client, server, { signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual([client.calls, server.calls], [['destroy'], ['destroy']]);
  const controller = new AbortController();
  const open = await between({ signal: controller.signal });
  controller.abort(reason);
  const { error, wasClean } = await open.inspection.closed;
  assert.deepEqual([error, wasClean, open.inspection.state], [reason, false, 'closed']);
  assert.deepEqual([open.client.calls, open.server.calls, open.client.written().length], [['destroy'], ['destroy'], 0]);
  const connecting = await inspect(manual(), manual());
  assert.equal((await connecting.close()).error, undefined);
  await assert.rejects(inspect({}, manual()), TypeError);
});

test('a duplex that reports something while it is written to is heard in order, and may use its memory again', async () => {
  const { client, server, inspection } = await between();
  const report = (duplex, bytes) => {
    const memory = Buffer.from(bytes);
    duplex.listener.data(memory);
    memory.fill(0xee);
  };
  const write = server.write;
  server.write = (bytes) => {
    server.write = write;
    // Before the call returns, there is an answer, and the client continues.
    report(server, plain(0x81, 'answer'));
    report(client, frame(0x82, 'two'));
    return write(bytes);
  };
  report(client, frame(0x82, 'one'));
  assert.deepEqual(client.written(), plain(0x81, 'answer'));
  assert.deepEqual(server.written(), Buffer.concat([frame(0x82, 'one'), frame(0x82, 'two')]));
  inspection.abort();
});

test('inspections leave nothing behind in the sandbox', async () => {
  const engine = await (await Engine.shared()).another();
  const round = async () => {
    await assert.rejects(between({ engine, negotiated: { extensions: 'x' } }), WebSocketError);
    const { client, inspection } = await between({ engine, client: { decide: () => true } });
    client.listener.data(frame(0x81, 'held'));
    inspection.abort();
  };
  for (let count = 0; count < 10; count += 1) await round();
  const before = engine.memory;
  for (let count = 0; count < 1000; count += 1) await round();
  assert.equal(engine.memory, before);
});

test('a sandbox that traps ends its inspections, and no others', async () => {
  const component = await readFile(process.env.WEBSOCKET_COMPONENT_MISBEHAVE ?? misbehaving);
  const engine = await Engine.load(coreOf(component));
  const { client, server, inspection } = await between({ engine });
  const other = await between();
  const idle = await between({ engine });
  const [trapping] = await pair({ client: { engine }, server: { engine } });
  void trapping.send('misbehave: trap').catch(() => {});
  await trapping.closed;
  const asking = idle.inspection.ping('client');
  client.listener.data(frame(0x81, 'hello'));
  assert.deepEqual([client.calls, server.calls, other.inspection.state], [['destroy'], ['destroy'], 'open']);
  const { error, client: { frames, closeSent } } = await inspection.closed;
  assert.deepEqual([error, frames, closeSent], [engine.failure, 0, undefined]);
  await assert.rejects(between({ engine }), error);
  await assert.rejects(asking, error);
  other.inspection.abort();
});
