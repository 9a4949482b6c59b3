// Two sessions of the transpiled component, against each other in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadComponent } from './support/component.mjs';
import {
  BINARY, BINARY_FRAGMENT, PING, TEXT, bytes, close, concat, entropy, exchange, field, header, openPair, failureOf, plainAcceptance, pump, request, summary, text,
} from './support/drive.mjs';

const component = await loadComponent();
const { SessionOptions, WebsocketSession, chooseSubprotocol, getGlobalProperties } = component;
const options = new SessionOptions();
const nothing = new Uint8Array();

/** A received message as one to send. */
const asOutgoing = ({ tag, data }) => ({ kind: { tag, val: 'automatic' }, data });

test('options are set one by one, times are nanoseconds, and a value out of its range is an error', () => {
  const own = new SessionOptions();
  own.setHandshakeTimeout(1_000_000_000n);
  own.setIdleTimeout(undefined);
  const { rule, limit, value } = failureOf(() => own.setDeflateLevel(10));
  assert.deepEqual([rule, limit, value], ['config-out-of-range', 9n, 10n]);
  const client = WebsocketSession.client(own, entropy(), 0n);
  own[Symbol.dispose]();
  client.connect(request(), 0n);
  const { nextDeadline } = exchange(client, nothing);
  assert.equal(nextDeadline, 1_000_000_000n);
  assert.equal(exchange(client, nothing, [], nextDeadline).failure.rule, 'handshake-timeout');
  const { supportedVersions, keepaliveInterval } = getGlobalProperties();
  assert.deepEqual([...supportedVersions], [13]);
  assert.equal(keepaliveInterval, 30_000_000_000n);
});

test('a handshake in bytes opens both sides, and carries what the hosts add', () => {
  const client = WebsocketSession.client(options, entropy(), 0n);
  const server = WebsocketSession.server(options, 0n);
  client.connect(request({ subprotocols: ['soap', 'chat'], headers: [header('Origin', 'https://example.com')] }), 0n);
  const asked = exchange(client, nothing);
  assert.match(text(asked.output), /^GET \/chat HTTP\/1\.1\r\n/);

  const seen = exchange(server, asked.output);
  assert.deepEqual(summary(seen.events), [['request', '']]);
  const head = server.request();
  assert.equal(head.target, '/chat');
  assert.equal(head.authority, 'example.com');
  assert.equal(head.violation, undefined);
  assert.deepEqual(head.subprotocols, ['soap', 'chat']);
  assert.equal(field(head.headers, 'origin'), 'https://example.com');

  const subprotocol = chooseSubprotocol(head.headers, ['chat', 'xmpp']);
  const agreed = server.accept({ ...plainAcceptance, subprotocol, headers: [header('X-Server', 'jco')] }, 0n);
  assert.deepEqual(agreed, { subprotocol: 'chat', extensions: [] });
  const answered = exchange(server, nothing);
  assert.equal(answered.state, 'open');

  const opened = exchange(client, answered.output);
  assert.deepEqual(summary(opened.events), [['opened', '']]);
  assert.equal(opened.state, 'open');
  assert.equal(client.response().status, 101);
  assert.equal(field(client.response().headers, 'x-server'), 'jco');
  assert.equal(client.negotiated().subprotocol, 'chat');
});

test('a handshake in headers opens both sides', () => {
  const client = WebsocketSession.client(options, entropy(), 0n);
  const server = WebsocketSession.server(options, 0n);
  const asked = client.beginClientHandshake('upgrade', ['chat'], [], [], 0n);
  const headers = [header('Host', 'example.com'), ...asked];
  const answer = server.beginServerHandshake('upgrade', headers, { ...plainAcceptance, subprotocol: 'chat' }, 0n);
  server.endServerHandshake(0n);
  assert.deepEqual(client.endClientHandshake(101, answer, 0n), { subprotocol: 'chat', extensions: [] });
  assert.deepEqual([client.state(), server.state()], ['open', 'open']);
});

test('sessions can start open, as after a handshake that Node made', () => {
  const negotiated = { extensions: [] };
  const client = WebsocketSession.openClient(options, entropy(), negotiated, 0n);
  const server = WebsocketSession.openServer(options, negotiated, 0n);
  const { output } = exchange(client, nothing, [{ kind: TEXT, data: bytes('hello') }]);
  assert.deepEqual(summary(exchange(server, output).events), [['text', 'hello']]);
});

test('a refusal reaches the client with status, headers and the failure', () => {
  const client = WebsocketSession.client(options, entropy(), 0n);
  const server = WebsocketSession.server(options, 0n);
  client.connect(request(), 0n);
  exchange(server, exchange(client, nothing).output);
  server.refuse({ status: 503, headers: [header('Retry-After', '5')], body: bytes('later') }, 0n);
  const refused = exchange(client, exchange(server, nothing).output);
  assert.equal(refused.failure.rule, 'handshake-refused');
  assert.equal(refused.state, 'closed');
  assert.equal(client.response().status, 503);
  assert.equal(field(client.response().headers, 'retry-after'), '5');
});

test('messages go both ways in batches, with their kinds and bytes', () => {
  const { client, server } = openPair(component);
  const sent = [
    { kind: TEXT, data: bytes('Grüße 🌍') },
    { kind: BINARY, data: Uint8Array.of(0, 255, 1) },
    { kind: TEXT, data: nothing },
    { kind: BINARY_FRAGMENT, data: Uint8Array.of(1) },
    { kind: BINARY, data: Uint8Array.of(2, 3) },
    { kind: BINARY, data: new Uint8Array(200_000).fill(7) },
  ];
  const received = exchange(server, exchange(client, nothing, sent).output).events;
  assert.deepEqual(received.map(({ tag }) => tag), ['text', 'binary', 'text', 'binary', 'binary']);
  assert.equal(text(received[0].data), 'Grüße 🌍');
  assert.deepEqual([...received[3].data], [1, 2, 3]);
  assert.equal(received[4].data.length, 200_000);

  const echoed = exchange(client, exchange(server, nothing, received.map(asOutgoing)).output).events;
  assert.deepEqual(echoed, received);
});

test('a message can be delivered in chunks as it comes', () => {
  const { client, server } = openPair(component, (own) => own.setDelivery('streaming'));
  const { output } = exchange(client, nothing, [{ kind: TEXT, data: bytes('hello') }]);
  const events = [output.subarray(0, 8), output.subarray(8)].flatMap((part) => exchange(server, part).events);
  assert.deepEqual(summary(events), [['text-chunk', 'he'], ['text', 'llo']]);
});

test('a send can ask to be told when its bytes are out', () => {
  const { client } = openPair(component);
  const { events } = exchange(client, nothing, [{ kind: TEXT, data: bytes('hello'), context: 2n ** 63n }]);
  assert.deepEqual(events.map(({ tag, val }) => [tag, val]), [['sent', 2n ** 63n]]);
});

test('pings are answered, and pongs give the round-trip time', () => {
  const { client, server } = openPair(component, (own) => own.setReportControlFrames(true));
  const ping = exchange(client, nothing, [{ kind: PING, data: bytes('are you there') }], 1_000n);
  const pinged = exchange(server, ping.output, [], 2_000n);
  assert.deepEqual(summary(pinged.events), [['ping', 'are you there']]);
  const ponged = exchange(client, pinged.output, [], 4_000n);
  assert.deepEqual(summary(ponged.events), [['pong', 'are you there']]);
  assert.equal(ponged.events[0].val, 3_000n);
  assert.equal(client.roundTripTime(), 3_000n);
});

test('a quiet connection is pinged at the deadline', () => {
  const { client } = openPair(component);
  const { nextDeadline, output } = exchange(client, nothing);
  assert.equal(nextDeadline, 30_000_000_000n);
  assert.equal(output.length, 0);
  assert.equal(exchange(client, nothing, [], nextDeadline).output[0], 0x89);
});

test('the closing handshake carries code and reason', () => {
  const { client, server } = openPair(component);
  const closing = exchange(client, nothing, [{ kind: close(4000), data: bytes('done') }]);
  assert.equal(closing.state, 'closing');
  const closed = exchange(server, closing.output);
  assert.deepEqual(summary(closed.events), [['close', 'done']]);
  assert.equal(closed.events[0].val, 4000);
  assert.equal(closed.state, 'closed');
  // The server ends the transport first.
  assert.equal(exchange(client, closed.output).state, 'draining');
  assert.deepEqual(client.outcome(), { clean: true, initiator: 'local', sent: 4000, received: 4000, failure: undefined });
  client.endOfInput(0n);
  assert.equal(client.state(), 'closed');
  assert.equal(client.failure(), undefined);
});

test('actions carry messages, completions and a close', () => {
  const { client, server } = openPair(component);
  const there = { written: [], toRead: [] };
  const here = { written: [], toRead: there.written };
  client.send({ tag: 'text', val: 'hello' }, 'automatic', 1n, 0n);
  client.send({ tag: 'binary-fragment', val: Uint8Array.of(1, 2) }, 'automatic', undefined, 0n);
  client.send({ tag: 'binary', val: Uint8Array.of(3) }, 'automatic', 3n, 0n);
  client.send({ tag: 'close', val: { code: 1000, reason: 'done' } }, 'automatic', undefined, 0n);
  assert.equal(client.bufferedAmount(), BigInt(6 + 5 + 6 + 2 + 6 + 1 + 6 + 6));
  assert.deepEqual(pump(client, there), [
    ['indicate-send-complete', { context: 1n, complete: true }],
    ['indicate-send-complete', { context: undefined, complete: true }],
    ['indicate-send-complete', { context: 3n, complete: true }],
    ['indicate-send-complete', { context: undefined, complete: true }],
  ]);

  const received = [];
  for (const context of [10n, undefined, 12n]) {
    server.receive(context);
    for (const [, { context, received: { kind, payload } }] of pump(server, { ...here, written: [] })) {
      received.push([context, kind, [...payload]]);
    }
  }
  assert.deepEqual(received, [
    [10n, { tag: 'text' }, [...bytes('hello')]],
    [undefined, { tag: 'binary' }, [1, 2, 3]],
    [12n, { tag: 'close', val: 1000 }, [...bytes('done')]],
  ]);
});

test('a short write goes on, and an abort cancels', () => {
  const { client } = openPair(component);
  client.send({ tag: 'text', val: 'hello' }, 'automatic', undefined, 0n);
  const first = client.getAction('send', 0n).val;
  client.completeAction(first.id, { tag: 'sent', val: 4 }, 0n);
  const rest = client.getAction('send', 0n).val;
  assert.deepEqual(concat([first.bytes.subarray(0, 4), rest.bytes]), first.bytes);
  client.receive(5n);
  client.abort();
  assert.deepEqual(pump(client, { written: [], toRead: [] }), [
    ['indicate-receive-complete', { context: 5n, received: undefined }],
    ['indicate-send-complete', { context: undefined, complete: false }],
  ]);
  assert.equal(client.state(), 'closed');
});
