// npm's ws as a client, with its default settings: `client.mjs URL EXTENSION`, with the one that is to be
// agreed on, or an empty text. Whatever it doesn't get back is an error, and an exit status.

import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { WebSocket } from 'ws';

const large = 16 * 1024 * 1024;

async function open() {
  const socket = new WebSocket(process.argv[2], ['other', 'echo'], { headers: { 'X-Test': 'carried' } });
  const [response] = await once(socket, 'upgrade');
  assert.equal(response.headers['x-server'], 'carried back');
  if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open');
  assert.equal(socket.protocol, 'echo');
  assert.equal(socket.extensions, process.argv[3]);
  return { socket, inbox: on(socket, 'message') };
}

async function echoed(data) {
  const [received, isBinary] = (await inbox.next()).value;
  assert.equal(isBinary, typeof data !== 'string');
  assert.ok(received.equals(Buffer.from(data)), `${received.length} bytes came back, not the ${data.length} that were sent`);
}

const { socket, inbox } = await open();
const messages = ['', 'a', 'Grüße 🌍', 'x'.repeat(large), Buffer.of(), Buffer.of(9), Buffer.alloc(large, 'all bytes \0\xff')];
for (const data of messages) {
  socket.send(data);
  await echoed(data);
}
// All at once: their order stays.
for (const data of messages) socket.send(data);
for (const data of messages) await echoed(data);

// The last byte of a character comes in a fragment of its own.
const fragments = [Buffer.from('fragments '), Buffer.of(), Buffer.of(0xc3), Buffer.of(0xbc)];
fragments.forEach((data, index) => {
  socket.send(data, { binary: false, fin: index === fragments.length - 1 });
  if (index === 1) socket.ping('in between');
});
const [[pong]] = await Promise.all([once(socket, 'pong'), echoed('fragments ü')]);
assert.equal(pong.toString(), 'in between');

socket.send('ping me');
await echoed('pong from the server');

socket.close(4001, 'the client has had enough');
const [code] = await once(socket, 'close');
assert.equal(code, 4001);

const { socket: other } = await open();
other.send('close me');
const [otherCode, reason] = await once(other, 'close');
assert.deepEqual([otherCode, reason.toString()], [4002, 'the server has had enough']);
