// The transpiled component on Node's sockets, with npm's `ws` at the other end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { loadComponent } from './support/component.mjs';
import { dial, echoServer } from './support/connection.mjs';
import { BINARY, TEXT, bytes, close } from './support/drive.mjs';

const component = await loadComponent();
const large = new Uint8Array(1024 * 1024).map((_, index) => index % 251);

/** No test waits for anything longer. */
const options = { timeout: 20_000 };

test('a server of the component serves ws', options, async (t) => {
  const { connections, port } = await echoServer(t, component);
  const client = new WebSocket(`ws://127.0.0.1:${port}/chat`, ['other', 'echo']);
  t.after(() => client.terminate());
  await once(client, 'open');
  assert.equal(client.protocol, 'echo');
  assert.equal(client.extensions, '');

  const echo = async (data) => {
    client.send(data);
    return once(client, 'message');
  };
  const [greeting, greetingIsBinary] = await echo('Grüße 🌍');
  assert.deepEqual([greeting.toString(), greetingIsBinary], ['Grüße 🌍', false]);
  for (const data of [Uint8Array.of(), Uint8Array.of(9), large]) {
    const [echoed, isBinary] = await echo(data);
    assert.ok(isBinary && echoed.equals(data));
  }
  client.send('in ', { fin: false });
  client.send('fragments', { fin: true });
  assert.equal((await once(client, 'message'))[0].toString(), 'in fragments');
  client.ping('are you there');
  assert.equal((await once(client, 'pong'))[0].toString(), 'are you there');

  client.close(4001, 'enough');
  // The answer repeats the code; the reason was for the server.
  assert.deepEqual(await once(client, 'close'), [4001, Buffer.of()]);
  assert.deepEqual(await connections[0].ended, { code: 4001, reason: 'enough', rule: undefined });
});

test('a client of the component speaks to ws', options, async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => {
    server.clients.forEach((socket) => socket.terminate());
    server.close();
  });
  await once(server, 'listening');
  const seen = once(server, 'connection').then(([socket]) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    return once(socket, 'close');
  });

  const waiting = [];
  const next = (tag) => new Promise((resolve) => waiting.push({ tag, resolve }));
  const opened = next('opened');
  const client = await dial(t, component, server.address().port, (event) => {
    const { tag, resolve } = waiting.shift();
    assert.equal(event.tag, tag);
    resolve(event);
  }, { subprotocols: ['echo'] });
  await opened;
  assert.equal(client.negotiated().subprotocol, 'echo');

  const messages = [[TEXT, bytes('Grüße 🌍')], [TEXT, bytes('')], [BINARY, Uint8Array.of(9)], [BINARY, large]];
  for (const [kind, data] of messages) {
    const echoed = next(kind.tag);
    client.send({ kind, data });
    assert.ok(Buffer.from(data).equals((await echoed).data));
  }
  next('close');
  client.send({ kind: close(4001), data: bytes('enough') });
  assert.deepEqual(await seen, [4001, Buffer.from('enough')]);
  const { code, rule } = await client.ended;
  assert.deepEqual([code, rule], [4001, undefined]);
});

test('a connection that breaks off is an error that names the transport', options, async (t) => {
  const { connections, port } = await echoServer(t, component);
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  t.after(() => client.terminate());
  await once(client, 'open');
  client.terminate();
  assert.deepEqual(await connections[0].ended, { rule: 'connection-lost' });
});
