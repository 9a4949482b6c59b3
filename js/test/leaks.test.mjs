// A session that the program forgets.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const program = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { WebSocketSession } from 'websocket-component';
  const nobody = { start() {}, write: () => true, writableLength: 0, pause() {}, resume() {}, end() {}, destroy() {} };
  const forget = () => void WebSocketSession.connect({ ...nobody }, { url: 'ws://example.com', timeouts: { handshake: Infinity } });
  forget();
  for (let count = 0; count < 50; count += 1) {
    await sleep(10);
    globalThis.gc();
  }
`;

test('a session that was dropped without being closed is reported', async () => {
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', program],
    { cwd: import.meta.dirname },
  );
  assert.match(stderr, /\[WS_SESSION_LEAKED\] Warning: a WebSocket session was dropped/);
});
