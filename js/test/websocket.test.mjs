// The W3C's interface.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket as OverTransport, WebSocketSession } from 'websocket-component';
import { WebSocket } from 'websocket-component/node';
import { ports, serveWs, take } from './support/connections.mjs';

test('it opens, sends text and bytes, and gets them back in the form that was asked for', async (t) => {
  const { url } = await serveWs(t, { handleProtocols: () => 'chat' });
  const socket = new WebSocket(url, ['soap', 'chat']);
  assert.equal(socket.readyState, WebSocket.CONNECTING);
  assert.equal(socket.url, url);
  assert.throws(() => socket.send('early'), { name: 'InvalidStateError' });
  await once(socket, 'open');
  assert.equal(socket.readyState, WebSocket.OPEN);
  assert.equal(socket.protocol, 'chat');

  const next = async () => (await once(socket, 'message'))[0];
  socket.send('grüße');
  assert.equal((await next()).data, 'grüße');
  assert.equal(socket.binaryType, 'blob');
  socket.send(new Uint8Array([1, 2, 3]).subarray(1));
  const blob = (await next()).data;
  assert(blob instanceof Blob);
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), new Uint8Array([2, 3]));
  socket.binaryType = 'arraybuffer';
  socket.binaryType = 'nonsense';
  socket.send(new Uint16Array([0x0102]).buffer);
  const { data, origin } = await next();
  assert.deepEqual(new Uint8Array(data), new Uint8Array([2, 1]));
  assert.equal(origin, new URL(url).origin);

  socket.close(3000, 'bye');
  assert.equal(socket.readyState, WebSocket.CLOSING);
  const [{ code, reason, wasClean }] = await once(socket, 'close');
  assert.deepEqual([code, reason, wasClean], [3000, 'bye', true]);
  assert.equal(socket.readyState, WebSocket.CLOSED);
});

test('a blob is sent in its place among other messages, and bytes as they were at the call', async (t) => {
  const { url } = await serveWs(t);
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  const bytes = new Uint8Array([1]);
  socket.send(bytes);
  bytes[0] = 9;
  socket.send(new Blob(['blob']));
  socket.send('behind');
  assert(socket.bufferedAmount >= 'blobbehind'.length);
  const heard = [];
  socket.onmessage = ({ data }) => {
    heard.push(typeof data === 'string' ? data : Buffer.from(data).toString('latin1'));
    if (heard.length === 3) socket.close();
  };
  const [{ code }] = await once(socket, 'close');
  assert.deepEqual(heard, ['\u0001', 'blob', 'behind']);
  assert.equal(code, 1005);
  assert.equal(socket.bufferedAmount, 0);
  socket.send('too late');
  assert.equal(socket.bufferedAmount, 'too late'.length);
});

test('handlers are attributes: one each, and null takes it away', async (t) => {
  const { url } = await serveWs(t);
  const socket = new WebSocket(url);
  const heard = [];
  const first = () => heard.push('first');
  socket.onopen = first;
  assert.equal(socket.onopen, first);
  socket.onopen = () => heard.push('second');
  await once(socket, 'open');
  socket.onclose = () => heard.push('never');
  socket.onclose = null;
  assert.equal(socket.onclose, null);
  socket.close();
  await once(socket, 'close');
  assert.deepEqual(heard, ['second']);
});

test('what the constructor or close may not be given is the W3C\'s exception', () => {
  const transport = ports()[0];
  const open = (to, protocols) => () => new OverTransport(to, protocols, { transport });
  for (const wrong of ['ftp://a/', 'ws://a/#fragment', 'ws://']) assert.throws(open(wrong), { name: 'SyntaxError' });
  for (const wrong of [['a', 'a'], ['no token'], ['']]) assert.throws(open('ws://a/', wrong), { name: 'SyntaxError' });
  const socket = new OverTransport('http://example.com/x', [], { transport });
  assert.equal(socket.url, 'ws://example.com/x');
  for (const wrong of [999, 1001, 2999, 5000]) assert.throws(() => socket.close(wrong), { name: 'InvalidAccessError' });
  assert.throws(() => socket.close(1000, 'x'.repeat(124)), { name: 'SyntaxError' });
  socket.close();
});

test('a connection that can\'t be made is an error and an unclean close', async () => {
  const socket = new WebSocket('ws://127.0.0.1:1/');
  const heard = [];
  socket.onerror = ({ error }) => heard.push(error.code);
  const [{ code, wasClean }] = await once(socket, 'close');
  assert.deepEqual([heard, code, wasClean], [['ECONNREFUSED'], 1006, false]);
});

test('closing before it is open ends the attempt', async (t) => {
  const { url } = await serveWs(t);
  const socket = new WebSocket(url);
  socket.close();
  assert.equal(socket.readyState, WebSocket.CLOSING);
  const [{ code }] = await once(socket, 'close');
  assert.equal(code, 1006);
});

test('the transport can be one that is there, or a function that opens it', async () => {
  for (const wrap of [(port) => port, (port) => async (url) => (assert.equal(url.host, 'example.com'), port)]) {
    const [one, other] = ports();
    const accepting = WebSocketSession.accept(other, { protocols: ['chat'] });
    const socket = new OverTransport('ws://example.com/', 'chat', { transport: wrap(one) });
    await once(socket, 'open');
    const server = await accepting;
    socket.send('over a port');
    assert.deepEqual(await take(server, 1), ['over a port']);
    await server.close(1001, 'away');
    const { code } = await server.closed;
    assert.equal(code, 1001);
  }
});
