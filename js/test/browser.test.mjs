// The package in Chromium, as a browser loads it, without a bundler.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browser, pages } from './support/browser.mjs';
import { gate, tunnel } from './support/gate.mjs';

/** An empty page of the package's origin. */
async function page(t) {
  const origin = await pages(t);
  const opened = await (await browser(t)).newPage();
  opened.on('pageerror', (error) => assert.fail(error));
  await opened.goto(origin);
  return opened;
}

/** A client and a server talk over a message channel; runs in the page. */
async function talk(module) {
  const { Engine, WebSocketSession } = await import(module);
  const { port1, port2 } = new MessageChannel();
  const [client, server] = await Promise.all([
    WebSocketSession.connect(port1, { url: 'ws://example.com/', deflate: true }),
    WebSocketSession.accept(port2, { deflate: true }),
  ]);
  const large = 'x'.repeat(300_000);
  await client.send('hello');
  await client.send(large);
  const heard = [];
  for await (const message of server) {
    heard.push(message === large ? 'all of it' : message);
    if (heard.length === 2) break;
  }
  const { code, wasClean } = await client.close(3000, 'done');
  return { heard, code, wasClean, extensions: client.extensions, memory: (await Engine.shared()).memory > 0 };
}

const talked = { heard: ['hello', 'all of it'], code: 3000, wasClean: true, memory: true };

test('two sessions talk over a message channel', async (t) => {
  const opened = await page(t);
  const { extensions, ...rest } = await opened.evaluate(talk, '/package/dist/index.js');
  assert.deepEqual(rest, talked);
  assert.match(extensions, /^permessage-deflate/);
});

test('the engine is compiled while it streams in, and without its media type as well', async (t) => {
  for (const [module, streams] of [['/package/dist/index.js', true], ['/untyped/dist/index.js', false]]) {
    const opened = await page(t);
    const { extensions: _, ...rest } = await opened.evaluate(async ([talking, from]) => {
      const { compileStreaming } = WebAssembly;
      let count = 0;
      WebAssembly.compileStreaming = (response) => {
        count += 1;
        return compileStreaming.call(WebAssembly, response);
      };
      const result = await eval(`(${talking})`)(from);
      return { ...result, streams: count > 0 };
    }, [String(talk), module]);
    assert.deepEqual(rest, { ...talked, streams });
  }
});

test('a browser that has no Symbol.dispose yet frees sessions all the same', async (t) => {
  const origin = await pages(t);
  const opened = await (await browser(t)).newPage();
  await opened.addInitScript(() => {
    const Native = Symbol;
    const older = Object.assign((name) => Native(name), { for: Native.for });
    for (const name of Object.getOwnPropertyNames(Native)) {
      if (!/dispose$/i.test(name) && typeof Native[name] === 'symbol') older[name] = Native[name];
    }
    globalThis.Symbol = older;
  });
  await opened.goto(origin);
  const { extensions: _, ...rest } = await opened.evaluate(talk, '/package/dist/index.js');
  assert.deepEqual(rest, talked);
  assert.equal(await opened.evaluate(() => Symbol.dispose), undefined);
});

test('the engine comes from a URL, a response, bytes or a module', async (t) => {
  const opened = await page(t);
  const memories = await opened.evaluate(async () => {
    const { Engine } = await import('/package/dist/index.js');
    const url = '/package/component/websocket.core.wasm';
    const bytes = await (await fetch(url)).arrayBuffer();
    const sources = [url, new URL(url, location.href), fetch(url), await fetch(url), bytes, new Uint8Array(bytes), await WebAssembly.compile(bytes)];
    const engines = await Promise.all(sources.map((source) => Engine.load(source)));
    const failed = await Engine.load('/package/nothing.wasm').catch((error) => error.message);
    return [...engines.map((engine) => engine.memory > 0), failed];
  });
  assert.deepEqual(memories.slice(0, 7), Array(7).fill(true));
  assert.match(memories[7], /404/);
});

test('a worker serves what a page asks, over a port', async (t) => {
  const opened = await page(t);
  const answer = await opened.evaluate(async () => {
    const program = `
      import { WebSocketSession } from '${location.origin}/package/dist/index.js';
      onmessage = async ({ data: port }) => {
        const session = await WebSocketSession.accept(port, { protocols: ['chat'] });
        for await (const message of session) await session.send(message.toUpperCase());
      };
    `;
    const worker = new Worker(URL.createObjectURL(new Blob([program], { type: 'text/javascript' })), { type: 'module' });
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port2, [port2]);
    const { WebSocket: Socket } = await import('/package/dist/index.js');
    const socket = new Socket('ws://worker/', 'chat', { transport: port1 });
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    socket.send('from the page');
    const data = await new Promise((resolve) => socket.addEventListener('message', (event) => resolve(event.data)));
    const closed = new Promise((resolve) => socket.addEventListener('close', ({ code, wasClean }) => resolve([code, wasClean])));
    socket.close(1000);
    return [socket.protocol, data, ...(await closed)];
  });
  assert.deepEqual(answer, ['chat', 'FROM THE PAGE', 1000, true]);
});

test('it gets on with the gate, over a tunnel, beside the browser\'s own WebSocket', async (t) => {
  const address = await gate(t);
  const opened = await page(t);
  const heard = await opened.evaluate(async ([carrier, to]) => {
    const { WebSocket: Socket } = await import('/package/dist/index.js');
    /** The bytes of a connection in the messages of another. */
    const transport = async () => {
      const socket = new WebSocket(carrier);
      socket.binaryType = 'arraybuffer';
      await new Promise((resolve) => socket.addEventListener('open', resolve));
      const readable = new ReadableStream({
        start(controller) {
          socket.onmessage = ({ data }) => controller.enqueue(new Uint8Array(data));
          socket.onclose = () => controller.close();
        },
      });
      const writable = new WritableStream({
        write: (bytes) => socket.send(bytes),
        close: () => socket.close(),
      });
      return { readable, writable };
    };
    /** What either class receives for an echo. */
    const run = async (socket) => {
      socket.binaryType = 'arraybuffer';
      const messages = [];
      const closed = new Promise((resolve) => {
        socket.onclose = ({ code, reason, wasClean }) => resolve([code, reason, wasClean]);
      });
      socket.onmessage = ({ data }) => {
        messages.push(typeof data === 'string' ? data : [...new Uint8Array(data)].join());
        if (messages.length === 3) socket.close(3001, 'enough');
      };
      await new Promise((resolve) => {
        socket.onopen = resolve;
      });
      socket.send('text');
      socket.send(new Uint8Array([1, 2, 3]));
      socket.send(new Blob(['blob']));
      return [messages, await closed, socket.readyState];
    };
    return [await run(new Socket(`ws://${to}/`, [], { transport })), await run(new WebSocket(`ws://${to}/`))];
  }, [await tunnel(t, address), address]);
  const [own, native] = heard;
  assert.deepEqual(own, [['text', '1,2,3', '98,108,111,98'], [3001, 'enough', true], 3]);
  assert.deepEqual(own, native);
});
