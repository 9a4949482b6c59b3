// Valid settings, and the errors for others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine, WebSocketSession } from 'websocket-component';
import { frame, manual, opening, pair, ports, take, url } from './support/connections.mjs';

const refused = (settings, expected) => assert.rejects(WebSocketSession.connect(ports()[0], { url, ...settings }), expected);

test('a number that is out of its range is a RangeError that names the setting', async () => {
  const cases = [
    [{ deflate: { level: 10 } }, 'deflate.level is 10, and is at most 9'],
    [{ deflate: { sendWindowBits: 7 } }, 'deflate.sendWindowBits is 7, and is at least 8'],
    [{ deflate: { receiveWindowBits: 16 } }, 'deflate.receiveWindowBits is 16, and is at most 15'],
    [{ deflate: { memoryLevel: 0 } }, 'deflate.memoryLevel is 0, and is at least 1'],
    [{ deflate: { level: 262 } }, 'deflate.level is 262'],
    [{ deflate: { level: 1.5 } }, 'deflate.level is 1.5'],
    [{ deflate: { minLength: -1 } }, 'deflate.minLength is -1'],
    [{ limits: { inflatePerCall: 1023 } }, 'limits.inflatePerCall is 1023, and is at least 1024'],
    [{ limits: { head: 2 ** 32 } }, 'limits.head is 4294967296'],
    [{ limits: { message: 0.5 } }, 'limits.message is 0.5'],
    [{ timeouts: { keepalive: 0.5 } }, 'timeouts.keepalive is 0.5, and is at least 1'],
    [{ timeouts: { close: -1 } }, 'timeouts.close is -1'],
    [{ timeouts: { write: NaN } }, 'timeouts.write is NaN'],
  ];
  for (const [settings, message] of cases) await refused(settings, { name: 'RangeError', message });
});

test('what is undefined keeps its default, and Infinity is no limit', async () => {
  const [one, other] = await pair({
    client: { deflate: undefined, limits: { message: undefined, frame: Infinity, head: Infinity }, timeouts: { idle: undefined, close: Infinity } },
    server: { deflate: { level: undefined, minLength: 0 }, timeouts: undefined, pongs: undefined },
  });
  await one.send('works');
  assert.deepEqual(await take(other, 1), ['works']);
  one.abort();
});

test('a limit that is exceeded is told with the error, by how much and where', async () => {
  const duplex = manual();
  const server = await duplex.accept({ limits: { frame: 4 } });
  duplex.listener.data(frame(0x81, 'hi'));
  duplex.listener.data(frame(0x81, 'hello'));
  await assert.rejects(take(server, 2), (error) => {
    const { rule, offset, limit, value } = error;
    assert.deepEqual([rule, offset, limit, value], ['frame-too-big', opening.length + frame(0x81, 'hi').length, 4, 5]);
    return true;
  });
  duplex.listener.end();
});

test('settings leave nothing behind in the sandbox, whether they are good or not', async () => {
  const engine = await (await Engine.shared()).another();
  const round = async () => {
    await refused({ engine, deflate: { level: 10 } }, RangeError);
    const session = await manual().connect({ engine, deflate: true });
    session.abort();
  };
  for (let count = 0; count < 10; count += 1) await round();
  const before = engine.memory;
  for (let count = 0; count < 1000; count += 1) await round();
  assert.equal(engine.memory, before);
});
