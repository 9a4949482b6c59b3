// Sessions over the caller's transports.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine, WebSocketError, WebSocketSession } from 'websocket-component';
import {
  all, frame, manual, opening, pair, ports, responseTo, streams, take, url, webStreams,
} from './support/connections.mjs';

const transports = { ports, streams, webStreams };

for (const [name, ends] of Object.entries(transports)) {
  test(`messages go both ways over ${name}, in order and as what they were`, async () => {
    const [client, server] = await pair({ ends: ends() });
    const large = crypto.getRandomValues(new Uint8Array(60_000));
    for (const message of ['', 'grüße', new Uint8Array([1, 2, 3]), large, new Uint8Array()]) await client.send(message);
    assert.deepEqual(await take(server, 5), ['', 'grüße', new Uint8Array([1, 2, 3]), large, new Uint8Array()]);
    await server.send('back');
    assert.deepEqual(await take(client, 1), ['back']);
    await client.close();
    await server.closed;
  });

  test(`closing over ${name} delivers what was sent before, and both sides agree on how it ended`, async () => {
    const [client, server] = await pair({ ends: ends() });
    void client.send('last words');
    const closing = client.close(3001, 'enough');
    assert.deepEqual(await all(server), ['last words']);
    const clean = { code: 3001, reason: 'enough', wasClean: true, error: undefined };
    assert.deepEqual(await server.closed, clean);
    // Its answer repeats the code.
    assert.deepEqual(await closing, { ...clean, reason: '' });
    assert.deepEqual([client.state, server.state], ['closed', 'closed']);
    await assert.rejects(client.send('too late'));
  });
}

test('what was agreed on is the same on both sides', async () => {
  let asked;
  const [client, server] = await pair({
    client: { url: 'wss://example.com:8443/a/b?c=d', protocols: ['soap', 'chat'], headers: { Origin: 'https://example.com' }, deflate: true },
    server: {
      protocols: ['chat', 'xmpp'],
      deflate: true,
      answer: (request) => {
        asked = request;
        return { headers: { 'X-Server': 'here' } };
      },
    },
  });
  assert.deepEqual([asked.target, asked.authority, asked.protocols], ['/a/b?c=d', 'example.com:8443', ['soap', 'chat']]);
  assert.equal(asked.headers.get('origin'), 'https://example.com');
  assert.equal(client.protocol, 'chat');
  assert.equal(server.protocol, 'chat');
  assert.match(client.extensions, /^permessage-deflate/);
  assert.equal(server.extensions, client.extensions);
  assert.equal(client.response.status, 101);
  assert.equal(client.response.headers.get('x-server'), 'here');
  const text = 'the same words again and again '.repeat(1000);
  await client.send(text);
  await client.send(text, { compress: false });
  assert.deepEqual(await take(server, 2), [text, text]);
  client.abort();
});

test('a server may refuse, and the client learns with which status and body', async () => {
  const [one, other] = ports();
  const answer = () => ({ status: 403, headers: { 'X-Why': 'because' }, body: 'not you' });
  const refused = WebSocketSession.accept(other, { answer });
  const asking = WebSocketSession.connect(one, { url });
  await assert.rejects(refused, /403/);
  await assert.rejects(asking, (error) => {
    assert(error instanceof WebSocketError);
    const { fault, rule, response } = error;
    assert.deepEqual([fault, rule], ['peer', 'handshake-refused']);
    assert.deepEqual([response.status, response.headers.get('x-why')], [403, 'because']);
    assert.deepEqual([Buffer.from(response.body).toString(), response.isComplete], ['not you', true]);
    return true;
  });
  const settings = { url, limits: { refusalBody: 3 } };
  const [another, far] = ports();
  const [, impatient] = await Promise.allSettled([
    WebSocketSession.accept(far, { answer }), WebSocketSession.connect(another, settings),
  ]);
  assert.deepEqual([impatient.reason.response.status, impatient.reason.response.isComplete], [403, false]);
});

/** Returns what a server's session sends to a client that sends this head and reads. */
async function answerTo(head, options = {}) {
  const [near, far] = streams();
  near.on('error', () => {});
  const accepting = WebSocketSession.accept(far, options);
  near.write(head);
  const [answer] = await once(near, 'data');
  const session = await accepting.catch(() => undefined);
  session?.abort();
  return { answer: String(answer), request: session?.request };
}

const handshake = (fields) => [
  'GET /chat HTTP/1.1', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==', ...fields, '', '',
].join('\r\n');

test('untidy requests are accepted, as ws accepts them', async () => {
  const many = Array.from({ length: 120 }, (_, index) => `X-${index}: y`);
  for (const [fields, authority] of [
    [['Host: a'], 'a'],
    [['Host:'], ''],
    [['Host: ::1:8080'], ''],
    [['Host: a', 'Sec-WebSocket-Extensions: permessage-deflate;'], 'a'],
    [['Host: a', 'Sec-WebSocket-Protocol:'], 'a'],
    [['Host: a', `Cookie: ${'c'.repeat(9000)}`, ...many], 'a'],
  ]) {
    const { answer, request } = await answerTo(handshake(fields));
    assert.match(answer, /^HTTP\/1\.1 101 /, fields[0]);
    assert.equal(request.authority, authority);
  }
  const strict = { allowMalformedHost: false };
  assert.match((await answerTo(handshake(['Host: ::1:8080']), strict)).answer, /^HTTP\/1\.1 400 /);
  assert.match((await answerTo(handshake(['Host:']), strict)).answer, /^HTTP\/1\.1 101 /);
});

/** Whether a client opens on a response with this first line, and these fields besides the usual ones. */
async function opensOn(line, fields, options = {}) {
  const [near, far] = streams();
  far.on('error', () => {});
  const opening = WebSocketSession.connect(near, { url, ...options });
  const [head] = await once(far, 'data');
  far.write(responseTo(head, line, fields));
  const session = await opening;
  session.abort();
  return session.response.status;
}

test('untidy responses open, as they do in ws', async () => {
  const many = Array.from({ length: 120 }, (_, index) => `X-${index}: y`);
  const line = 'HTTP/1.1 101 x';
  for (const fields of [['Transfer-Encoding: chunked'], ['Content-Length: 5'], many, [`X: ${'y'.repeat(9000)}`]]) {
    assert.equal(await opensOn(line, fields), 101, fields[0]);
  }
  await assert.rejects(opensOn('HTTP/1.0 101 x', []), { rule: 'http-version' });
  assert.equal(await opensOn('HTTP/1.0 101 x', [], { allowHttp10Response: true }), 101);
});

test('an answer that throws refuses with 500 and throws for the caller', async () => {
  const [one, other] = ports();
  const mistake = new Error('mine');
  const accepting = WebSocketSession.accept(other, { answer: () => Promise.reject(mistake) });
  const asking = WebSocketSession.connect(one, { url });
  await assert.rejects(accepting, mistake);
  await assert.rejects(asking, WebSocketError);
});

test('a value that breaks a rule is an error with the rule and its section', async () => {
  const failed = WebSocketSession.connect(ports()[0], { url, protocols: ['no token'] });
  await assert.rejects(failed, (error) => {
    assert(error instanceof WebSocketError);
    assert.equal(error.fault, 'host');
    assert.match(error.code, /^WS_ERR_[A-Z0-9_]+$/);
    assert.match(error.section, /RFC/);
    return true;
  });
  await assert.rejects(WebSocketSession.connect(ports()[0], { url: 'ftp://example.com' }), { name: 'SyntaxError' });
  await assert.rejects(WebSocketSession.connect(ports()[0], { url, limits: { message: -1 } }), RangeError);
  await assert.rejects(WebSocketSession.connect({}, { url }), TypeError);
});

test('a peer that breaks a rule is told its code; what came before is delivered, and the rule is thrown behind it', async () => {
  const [one, other] = ports();
  const accepting = WebSocketSession.accept(other);
  const answer = once(one, 'message');
  one.postMessage(opening);
  await answer;
  const server = await accepting;
  const closing = once(one, 'message');
  const hi = [0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69];
  one.postMessage(new Uint8Array([...hi, 0x81, 0x81, 0, 0, 0, 0, 0xff]));
  const messages = [];
  await assert.rejects(async () => {
    for await (const message of server) messages.push(message);
  }, (error) => {
    assert.deepEqual([error.rule, error.code, error.closeCode, error.fault], ['invalid-utf8', 'WS_ERR_INVALID_UTF8', 1007, 'peer']);
    assert.equal(error.section, 'RFC 6455 8.1');
    return true;
  });
  assert.deepEqual(messages, ['hi']);
  const [data] = await closing;
  assert.deepEqual([...data.subarray(0, 4)], [0x88, data[1], 1007 >> 8, 1007 & 255]);
  one.postMessage(null);
  const closed = await server.closed;
  assert.deepEqual([closed.code, closed.wasClean, closed.error.rule], [1006, false, 'invalid-utf8']);
  one.close();
});

test('a transport that ends in the middle is an error behind what came before', async () => {
  const ends = ports();
  const [client, server] = await pair({ ends });
  await server.send('one');
  ends[1].postMessage(null);
  const messages = [];
  await assert.rejects(async () => {
    for await (const message of client) messages.push(message);
  }, { rule: 'connection-lost', fault: 'transport' });
  assert.deepEqual(messages, ['one']);
  server.abort();
});

test('messages are answered before the close behind them is, in the same chunk or not', async () => {
  const [client, server] = await pair();
  const echoing = (async () => {
    for await (const message of server) {
      await sleep(1);
      await server.send(`${message} back`);
    }
  })();
  for (const message of ['one', 'two', 'three']) void client.send(message);
  void client.close();
  assert.deepEqual(await all(client), ['one back', 'two back', 'three back']);
  await echoing;
  assert.equal((await server.closed).wasClean, true);
});

test('messages are answered before the rule that is broken behind them ends the connection', async () => {
  const [one, other] = ports();
  const accepting = WebSocketSession.accept(other);
  const output = [];
  one.on('message', (bytes) => output.push(...(bytes ?? [])));
  one.postMessage(opening);
  const server = await accepting;
  one.postMessage(new Uint8Array([...frame(0x81, 'one'), ...frame(0x81, 'two'), 0xff]));
  await assert.rejects(async () => {
    for await (const message of server) await server.send(message);
  }, { rule: 'reserved-bits' });
  await sleep(20);
  const [, behind] = Buffer.from(output).toString('latin1').split('\r\n\r\n');
  assert(behind.startsWith('\x81\x03one\x81\x03two\x88'), JSON.stringify(behind));
  one.close();
});

test('a close is answered though nobody takes the messages before it', async () => {
  const [client, server] = await pair();
  void client.send('for nobody');
  const { wasClean } = await client.close();
  assert.equal(wasClean, true);
  assert.deepEqual(await all(server), ['for nobody']);
});

test('a signal ends the handshake, or the connection', async () => {
  const silent = ports();
  const before = new AbortController();
  const asking = WebSocketSession.connect(silent[0], { url, signal: before.signal });
  before.abort(new Error('impatient'));
  await assert.rejects(asking, /impatient/);

  const after = new AbortController();
  const [client, server] = await pair({ client: { signal: after.signal } });
  after.abort(new Error('enough'));
  assert.equal((await client.closed).error.message, 'enough');
  assert.equal((await server.closed).wasClean, false);
  await assert.rejects(WebSocketSession.connect(ports()[0], { url, signal: AbortSignal.abort(new Error('never')) }), /never/);
});

test('events tell of messages, pings, pongs and the end', async () => {
  const [client, server] = await pair();
  const heard = [];
  server.addEventListener('message', ({ data }) => heard.push(data));
  const pinged = once(server, 'ping');
  const ponged = once(client, 'pong');
  await client.send('event');
  await client.ping('beat');
  assert.deepEqual(Buffer.from((await pinged)[0].data).toString(), 'beat');
  const [{ data, roundTripTime }] = await ponged;
  assert.equal(Buffer.from(data).toString(), 'beat');
  assert(roundTripTime >= 0 && client.roundTripTime === roundTripTime);
  assert.deepEqual(heard, ['event']);
  const ended = once(server, 'close');
  await client.close(1000, 'done');
  const [{ code, reason, wasClean }] = await ended;
  assert.deepEqual([code, reason, wasClean], [1000, 'done', true]);
});

test('messages that came before anybody listened are not lost', async () => {
  const [client, server] = await pair();
  await client.send('early');
  await sleep(20);
  const heard = [];
  server.addEventListener('message', ({ data }) => heard.push(data));
  assert.deepEqual(heard, ['early']);
  client.abort();
});

test('a socket that has ended before it is listened to is lost at once', async (t) => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = createConnection(server.address().port, '127.0.0.1').end();
  const [far] = await once(server, 'connection');
  t.after(() => {
    for (const socket of [near, far]) socket.destroy();
    server.close();
  });
  while (!far.readableEnded) await sleep(1);
  await assert.rejects(WebSocketSession.accept(far, { timeouts: { handshake: 1000 } }), { rule: 'connection-lost' });
});

test('a reader that waits holds up the writer', async () => {
  const [one, other] = streams();
  const [client, server] = await pair({ ends: [one, other] });
  let sent = 0;
  const message = new Uint8Array(16_384);
  const writing = (async () => {
    for (; sent < 500; sent += 1) await client.send(message);
  })();
  await sleep(200);
  assert(sent < 100, `${sent} messages were sent that nobody took`);
  const messages = take(server, 500);
  await writing;
  assert.equal((await messages).length, 500);
  client.abort();
});

test('two sides that write without reading get on as soon as they read', async () => {
  const [client, server] = await pair({ ends: streams() });
  const message = new Uint8Array(100_000);
  const send = async (session) => {
    for (let count = 0; count < 50; count += 1) await session.send(message);
  };
  await Promise.all([send(client), send(server), take(client, 50), take(server, 50)]);
  client.abort();
});

test('pongs that nobody reads stay bounded, and end in 1008', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  duplex.isFull = true;
  const pings = new Uint8Array(131 * 1000);
  for (let at = 0; at < pings.length; at += 131) pings.set([0x89, 0x80 | 125, 0, 0, 0, 0], at);
  const before = duplex.written().length;
  duplex.listener.data(pings);
  duplex.listener.data(pings);
  const written = duplex.written().length - before;
  assert(written < 70_000, `${written} bytes were written to a transport that is full`);
  duplex.listener.drained();
  duplex.listener.end();
  const { error } = await server.closed;
  assert.deepEqual([error.rule, error.closeCode], ['ping-flood', 1008]);
});

test('deadlines are kept without a call of the program', async () => {
  const [one] = ports();
  const asking = WebSocketSession.connect(one, { url, timeouts: { handshake: 30 } });
  const keepAlive = setInterval(() => {}, 1000);
  await assert.rejects(asking, { rule: 'handshake-timeout' });

  const [client, server] = await pair({ client: { timeouts: { keepalive: 10 } } });
  await Promise.all([once(server, 'ping'), once(client, 'pong')]);
  await client.close();
  clearInterval(keepAlive);
});

test('an engine of its own keeps a session apart, and its modules are compiled once', async () => {
  const shared = await Engine.shared();
  const own = await shared.another();
  const before = shared.memory;
  const [client, server] = await pair({ client: { engine: own }, server: { engine: own } });
  assert(own.memory > 0);
  const large = new Uint8Array(8 << 20);
  const [[received]] = await Promise.all([take(server, 1), client.send(large)]);
  assert.equal(received.length, large.length);
  assert(own.memory > large.length);
  assert.equal(shared.memory, before);
  client.abort();
});

test('sessions that have ended give their memory back to the engine', async () => {
  const engine = await (await Engine.shared()).another();
  const round = async () => {
    const [client, server] = await pair({ client: { engine }, server: { engine } });
    void client.send(new Uint8Array(5000));
    await take(server, 1);
    client.abort();
    await server.closed;
  };
  for (let count = 0; count < 10; count += 1) await round();
  const before = engine.memory;
  for (let count = 0; count < 300; count += 1) await round();
  assert.equal(engine.memory, before);
});

test('Symbol.dispose ends the connection', async () => {
  const [client, server] = await pair();
  client[Symbol.dispose]();
  assert.equal(client.state, 'closed');
  assert.equal((await server.closed).code, 1006);
  const [other, peer] = await pair();
  await other[Symbol.asyncDispose]();
  assert.equal((await peer.closed).code, 1000);
});

test('a program that takes message after message has its answers written together, whether it waits for each or not', async () => {
  // Not all in one write on a slow machine: messages are buffered for a millisecond at most.
  for (const [waits, most] of [[false, 25], [true, 50]]) {
    const duplex = manual();
    const server = await duplex.accept();
    const answering = (async () => {
      let count = 0;
      for await (const message of server) {
        const sent = server.send(message);
        if (waits) await sent;
        count += 1;
        if (count === 50) return;
      }
    })();
    duplex.listener.data(Buffer.concat(Array.from({ length: 50 }, (_, index) => frame(0x81, `message ${index}`))));
    await answering;
    await sleep(1);
    const expected = Array.from({ length: 50 }, (_, index) => [0x81, `message ${index}`.length, ...Buffer.from(`message ${index}`)]);
    assert.deepEqual([...duplex.written()], expected.flat());
    assert(duplex.writes() <= most, `${duplex.writes()} writes`);
  }
});

test('what is sent goes out although messages wait that nobody takes', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  duplex.listener.data(Buffer.concat([frame(0x81, 'one'), frame(0x81, 'two')]));
  await server.send('unprompted');
  assert.equal(String(duplex.written().subarray(2)), 'unprompted');
});

test('what was sent goes out when the loop is left and the connection dropped, although messages wait', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  const answering = (async () => {
    for await (const _ of server) {
      server.send('bye');
      break;
    }
    server.abort();
  })();
  duplex.listener.data(Buffer.concat(Array.from({ length: 10 }, () => frame(0x81, 'x'))));
  await answering;
  assert.equal(String(duplex.written().subarray(2)), 'bye');
});

test('slow work for each message holds no answer back until the last one is done', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  const written = [];
  const answering = (async () => {
    for await (const message of server) {
      written.push(duplex.writes());
      const until = performance.now() + 2;
      while (performance.now() < until);
      server.send(message);
      if (written.length === 5) return;
    }
  })();
  duplex.listener.data(Buffer.concat(Array.from({ length: 6 }, () => frame(0x81, 'x'))));
  await answering;
  assert(written.at(-1) > 0, `written before each message: ${written}`);
});

test('an empty message has a buffer of its own, which can be transferred', async () => {
  for (let round = 0; round < 2; round += 1) {
    const duplex = manual();
    const server = await duplex.accept();
    duplex.listener.data(frame(0x82));
    const [empty] = await take(server, 1);
    structuredClone(empty, { transfer: [empty.buffer] });
  }
  await Engine.load();
});
