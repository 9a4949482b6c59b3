// The package for the Autobahn test suite: `autobahn.mjs server`, and `autobahn.mjs client URL --parallel COUNT`.
//
// Both echo every message, with the same type.

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WebSocketServer, connect } from 'websocket-component/node';

/** Its name in reports. */
const AGENT = 'websocket-component';
/**
 * The test suite takes an unexpected ping as an answer, fails itself when an echo isn't compressed, and requests no
 * context takeover only where that was offered.
 */
const settings = (takeover) => ({ deflate: { minLength: 0, sendContextTakeover: takeover }, timeouts: { keepalive: Infinity } });
const { positionals: [role, url], values } = parseArgs({
  allowPositionals: true,
  options: { parallel: { type: 'string', default: '1' } },
});

switch (role) {
  case 'server':
    await serve();
    break;
  case 'client':
    await ask(url.replace(/\/+$/, ''), Number(values.parallel));
    break;
  default:
    throw new Error('autobahn.mjs server, or autobahn.mjs client URL [--parallel COUNT]');
}

async function serve() {
  const { deflate, timeouts } = settings(true);
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: deflate, timeouts });
  server.on('headers', (lines) => lines.push(`Server: ${AGENT}`));
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, 'listening');
  const { address, port } = server.address();
  console.log(`listening on ${address}:${port}`);
}

/** Runs all cases of a fuzzing server, and makes it write its report. */
async function ask(server, parallel) {
  const count = await countOf(server);
  let next = 1;
  const run = async () => {
    while (next <= count) {
      const number = next;
      next += 1;
      await echo(await connect(`${server}/runCase?case=${number}&agent=${AGENT}`, settings(false)));
    }
  };
  await Promise.all(Array.from({ length: parallel }, run));
  // The server closes it once the report is written.
  await echo(await connect(`${server}/updateReports?agent=${AGENT}`));
}

async function countOf(server) {
  const session = await connect(`${server}/getCaseCount`);
  let count;
  for await (const message of session) count = Number(message);
  if (!(count > 0)) throw new Error('the server does not say how many cases it has');
  return count;
}

/** The server judges how a case ends. */
async function echo(session) {
  try {
    for await (const message of session) await session.send(message);
  } catch {
    await session.closed;
  }
}
