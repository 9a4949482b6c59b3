// The server with the API of npm's ws, with clients of npm's ws.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect, WebSocketServer } from 'websocket-component/node';
import { echo, http, serve, wsClient } from './support/connections.mjs';

test('messages of every kind and size come back to a client of npm ws', async (t) => {
  for (const perMessageDeflate of [false, true]) {
    const { url } = await serve(t, { perMessageDeflate });
    const client = wsClient(t, url, [], { perMessageDeflate });
    await once(client, 'open');
    assert.equal(client.extensions !== '', perMessageDeflate);
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      for (const [data, isBinary] of [['x'.repeat(length), false], [Buffer.alloc(length, 7), true]]) {
        client.send(data);
        const [echoed, binary] = await once(client, 'message');
        assert.equal(binary, isBinary);
        assert(echoed.equals(Buffer.from(data)), `${length} bytes`);
      }
    }
    client.close(3001, 'bye');
    assert.equal((await once(client, 'close'))[0], 3001);
  }
});

test('messages that are sent in one go are answered in order', async (t) => {
  const { url } = await serve(t);
  const client = wsClient(t, url);
  await once(client, 'open');
  const heard = [];
  client.on('message', (data) => heard.push(Number(data)));
  for (let number = 0; number < 10_000; number += 1) client.send(String(number));
  client.close();
  await once(client, 'close');
  assert.deepEqual(heard, Array.from({ length: 10_000 }, (_, number) => number));
});

test('it takes over the upgrades of a server, beside its pages', async (t) => {
  const { server, port } = await http(t);
  const sockets = new WebSocketServer({ server, path: '/chat' });
  sockets.on('connection', echo);
  t.after(() => sockets.close());
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'a page');
  const client = wsClient(t, `ws://127.0.0.1:${port}/chat?room=1`);
  await once(client, 'open');
  assert.equal(sockets.clients.size, 1);
  client.send('here');
  assert.equal(String((await once(client, 'message'))[0]), 'here');
  const [, response] = await once(wsClient(t, `ws://127.0.0.1:${port}/other`), 'unexpected-response');
  assert.equal(response.statusCode, 400);
});

test('the program may handle upgrades itself', async (t) => {
  const { server, port } = await http(t);
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (connection) => connection.send(request.url));
  });
  const client = wsClient(t, `ws://127.0.0.1:${port}/by-hand`);
  assert.equal(String((await once(client, 'message'))[0]), '/by-hand');
  assert.throws(() => sockets.address());
});

test('a plain request to a server of its own gets 426', async (t) => {
  const { server } = await serve(t);
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`);
  assert.equal(response.status, 426);
});

test('subprotocols are chosen, or not', async (t) => {
  const chooses = await serve(t, { handleProtocols: (offered) => [...offered].at(-1) });
  const client = wsClient(t, chooses.url, ['a', 'b']);
  await once(client, 'open');
  assert.equal(client.protocol, 'b');
  const { url } = await serve(t);
  const first = wsClient(t, url, ['a', 'b']);
  await once(first, 'open');
  assert.equal(first.protocol, 'a');
  const none = await serve(t, { handleProtocols: () => false });
  const [error] = await once(wsClient(t, none.url, ['a']), 'error');
  assert.match(error.message, /subprotocol/);
});

test('clients can be refused, with an answer that comes later too', async (t) => {
  const checks = [
    [({ origin }) => origin === 'https://here', 401],
    [({ req }, verdict) => setTimeout(verdict, 5, req.url !== '/chat', 403, 'Not here', { 'X-Why': 'because' }), 403],
  ];
  for (const [verifyClient, status] of checks) {
    const { url } = await serve(t, { verifyClient });
    const [, response] = await once(wsClient(t, url), 'unexpected-response');
    assert.equal(response.statusCode, status);
  }
  const { url } = await serve(t, { verifyClient: checks[0][0] });
  await once(wsClient(t, url, [], { origin: 'https://here' }), 'open');
});

test('fields can be added to the response', async (t) => {
  const { server, url } = await serve(t);
  server.on('headers', (lines, request) => lines.push(`X-Path: ${request.url}`));
  const [response] = await once(wsClient(t, url), 'upgrade');
  assert.equal(response.headers['x-path'], '/chat');
});

test('a request that breaks a rule is answered with its status, or told to who answers', async (t) => {
  const { server } = await serve(t);
  const wrong = () => {
    const socket = connectTcp(server.address().port, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n');
    return socket;
  };
  let answer = '';
  for await (const part of wrong()) answer += part;
  assert.match(answer, /^HTTP\/1\.1 426 .*Sec-WebSocket-Version: 13\r\n/s);
  const failed = once(server, 'wsClientError');
  const refused = wrong().on('error', () => {});
  const [error, socket] = await failed;
  socket.destroy();
  refused.destroy();
  assert.equal(error.rule, 'version-unsupported');
});

test('an untidy request is accepted', async (t) => {
  const { server } = await serve(t);
  for (const fields of [
    'Host:',
    'Host: ::1:8080',
    'Host: a\r\nSec-WebSocket-Protocol:',
    'Host: a\r\nSec-WebSocket-Protocol: b, b',
    'Host: a\r\nSec-WebSocket-Extensions: permessage-deflate;',
    `Host: a\r\nCookie: ${'c'.repeat(9000)}`,
  ]) {
    const socket = connectTcp(server.address().port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\n${fields}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\nSec-WebSocket-Version: 13\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 101 /, fields);
    assert.equal(/Sec-WebSocket-Protocol: b\r/.test(String(answer)), fields.endsWith('b, b'));
    socket.destroy();
  }
});

test('what stands behind the request already is heard', async (t) => {
  const { server } = await serve(t);
  const socket = connectTcp(server.address().port, '127.0.0.1');
  const request = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  socket.write(Buffer.concat([Buffer.from(request), Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69, 0x88, 0x80, 0, 0, 0, 0])]));
  let answer = Buffer.alloc(0);
  for await (const part of socket) answer = Buffer.concat([answer, part]);
  const frames = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  assert.deepEqual([...frames], [0x81, 2, 0x68, 0x69, 0x88, 0]);
});

test('pings and pongs go both ways', async (t) => {
  const { server, url } = await serve(t);
  const client = wsClient(t, url);
  const [[connection]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  client.ping('there');
  const [[pinged], [ponged]] = await Promise.all([once(connection, 'ping'), once(client, 'pong')]);
  assert.deepEqual([String(pinged), String(ponged)], ['there', 'there']);
  connection.ping('back');
  assert.equal(String((await once(connection, 'pong'))[0]), 'back');
  assert(connection.roundTripTime > 0);
  connection.pong('unasked');
  assert.equal(String((await once(client, 'pong'))[0]), 'unasked');
});

test('fragments make one message', async (t) => {
  const { server, url } = await serve(t);
  const client = wsClient(t, url);
  const [[connection]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  connection.send('a ', { fin: false });
  connection.send(Buffer.from('whole'));
  const [data, isBinary] = await once(client, 'message');
  assert.deepEqual([String(data), isBinary], ['a whole', false]);
});

test('a message that is too long ends its connection with 1009, and no other', async (t) => {
  const { server, url } = await serve(t, { maxPayload: 100 });
  const [good, bad] = [wsClient(t, url), wsClient(t, url)];
  const errors = [];
  server.on('connection', (connection) => connection.on('error', (error) => errors.push(error.rule)));
  await Promise.all([once(good, 'open'), once(bad, 'open')]);
  bad.send(Buffer.alloc(101));
  assert.equal((await once(bad, 'close'))[0], 1009);
  good.send('still here');
  assert.equal(String((await once(good, 'message'))[0]), 'still here');
  assert.deepEqual(errors, ['frame-too-big']);
});

test('a connection that breaks a rule ends nothing, though nobody listens to its errors', async (t) => {
  const { server, url } = await serve(t);
  const [[connection], socket] = await Promise.all([once(server, 'connection'), open(url)]);
  socket.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
  // `once` would listen to errors.
  const code = await new Promise((resolve) => connection.on('close', resolve));
  assert.equal(code, 1006);
  assert.equal(server.clients.size, 0);
});

test('a send says when it was written, or why not', async (t) => {
  const { server, url } = await serve(t);
  const client = wsClient(t, url);
  const [[connection]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  await new Promise((resolve, reject) => connection.send('done', (error) => (error ? reject(error) : resolve())));
  connection.terminate();
  const error = await new Promise((resolve) => connection.send('late', resolve));
  assert(error instanceof Error);
  assert.equal(connection.readyState, connection.CLOSED);
  assert.equal((await once(client, 'close'))[0], 1006);
});

test('a connection that is paused hears nothing until it goes on', async (t) => {
  const { server, url } = await serve(t, {}, () => {});
  const client = wsClient(t, url);
  const [[connection]] = await Promise.all([once(server, 'connection'), once(client, 'open')]);
  const heard = [];
  connection.on('message', (data) => heard.push(String(data)));
  connection.pause();
  assert(connection.isPaused);
  client.send('waits');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(heard, []);
  connection.resume();
  await once(connection, 'message');
  assert.deepEqual(heard, ['waits']);
});

test('a server that closes lets those that are open end', async (t) => {
  const { server, port } = await http(t);
  const sockets = new WebSocketServer({ server });
  const client = wsClient(t, `ws://127.0.0.1:${port}/`);
  await Promise.all([once(sockets, 'connection'), once(client, 'open')]);
  let isClosed = false;
  const closed = new Promise((resolve) => sockets.close(() => resolve((isClosed = true))));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isClosed, false);
  client.close();
  await closed;
});

test('the project\'s own client is served as well', async (t) => {
  const { url } = await serve(t, { perMessageDeflate: true });
  const session = await connect(url, { deflate: true });
  await session.send('both ends');
  for await (const message of session) {
    assert.equal(message, 'both ends');
    break;
  }
  assert.deepEqual(await session.close(1000), { code: 1000, reason: '', wasClean: true, error: undefined });
});

test('the options have to say where requests come from', () => {
  assert.throws(() => new WebSocketServer({}), TypeError);
  assert.throws(() => new WebSocketServer({ port: 0, noServer: true }), TypeError);
});

/** A TCP connection after a handshake. */
async function open(to) {
  const { hostname, port } = new URL(to);
  const socket = connectTcp(Number(port), hostname);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  await once(socket, 'data');
  return socket;
}
