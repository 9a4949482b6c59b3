// Clients of an echo server, on the package or on npm's ws: `load-client.mjs NAME URL FILE SIZE CONNECTIONS WINDOW MILLISECONDS`.
// Each connection keeps WINDOW messages in flight: pieces of SIZE bytes of FILE, in turn, whose echoes have to equal
// them. Runs for twice the time first, so that the code is compiled; prints the results of the rest as JSON, and leaves
// the connections open.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import WsWebSocket from 'ws';
import { connect } from 'websocket-component/node';

const [, , name, url, file, ...numbers] = process.argv;
const [size, connections, window, length] = numbers.map(Number);
const content = await readFile(file);
const messages = Array.from({ length: content.length / size }, (_, index) => content.subarray(index * size, (index + 1) * size));

/** Opens a connection, and passes received messages to `heard`. */
const open = {
  'websocket-component': async (heard) => {
    const session = await connect(url);
    const listen = async () => {
      for await (const message of session) heard(message);
    };
    listen();
    return (data) => session.send(data);
  },
  ws: async (heard) => {
    const socket = new WsWebSocket(url, { perMessageDeflate: false });
    socket.on('message', heard);
    await once(socket, 'open');
    return (data) => socket.send(data);
  },
}[name];

let count = 0;
let isOver = false;

async function begin() {
  let received = 0;
  let sent = 0;
  const next = () => send(messages[sent++ % messages.length]);
  const send = await open((data) => {
    const expected = messages[received++ % messages.length];
    if (!expected.equals(data)) throw new Error(`message ${received} is another one`);
    count += 1;
    if (!isOver) next();
  });
  return () => {
    for (let index = 0; index < window; index += 1) next();
  };
}

const started = await Promise.all(Array.from({ length: connections }, begin));
for (const start of started) start();
const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
await wait(2 * length);
const [from, cpu, before] = [performance.now(), process.cpuUsage(), count];
await wait(length);
const { user, system } = process.cpuUsage(cpu);
const seconds = (performance.now() - from) / 1000;
console.log(JSON.stringify({ messages: count - before, seconds, cpuSeconds: (user + system) / 1e6 }));
isOver = true;
