// One direction of an inspected connection, as far as its inspector lets bytes be forwarded.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Direction } from './node_modules/websocket-component/dist/inspect/direction.js';

const forwarding = (to, edits = [], more = {}) => ({
  to: BigInt(to),
  edits: edits.map(([at, insert, skip]) => ({ at: BigInt(at), insert: Buffer.from(insert), skip: BigInt(skip) })),
  end: 'none',
  isFinal: false,
  atBoundary: true,
  ...more,
});
const forwarded = (direction, input) => Buffer.from(direction.forward(Buffer.from(input))).toString();

test('what may not go on is held, and goes with what follows', () => {
  const direction = new Direction();
  direction.note(forwarding(3));
  assert.deepEqual([forwarded(direction, 'abcde'), direction.held], ['abc', 2]);
  assert.deepEqual([forwarded(direction, 'f'), direction.held], ['', 3]);
  direction.note(forwarding(8));
  assert.deepEqual([forwarded(direction, 'gh'), direction.held], ['defgh', 0]);
});

test('edits are made at their positions, also ahead of what was read', () => {
  const direction = new Direction();
  direction.note(forwarding(8, [[1, 'X', 0], [2, '', 2], [6, 'Y', 0], [6, 'Z', 0]]));
  assert.equal(forwarded(direction, 'abcde'), 'aXbe');
  assert.equal(forwarded(direction, 'fgh'), 'fYZgh');
});

test('nothing is held behind the last byte that goes on, and the end waits for it', () => {
  const direction = new Direction();
  direction.note(forwarding(4, [[4, 'bye', 0]], { end: 'shutdown', isFinal: true }));
  assert.deepEqual([forwarded(direction, 'ab'), direction.end], ['ab', 'none']);
  assert.deepEqual([forwarded(direction, 'cdef'), direction.end, direction.held], ['cdbye', 'shutdown', 0]);
  assert.deepEqual([forwarded(direction, 'gh'), direction.held], ['', 0]);
});

test('what is given out and what is held is memory of its own, however it comes', () => {
  const direction = new Direction();
  const memory = Buffer.alloc(1);
  let all = '';
  for (let count = 0; count < 1000; count += 1) {
    direction.note(forwarding(count % 100 === 99 ? count + 1 : count - (count % 100)));
    memory.fill(97 + (count % 26));
    const output = direction.forward(memory);
    memory.fill(0);
    all += Buffer.from(output);
  }
  assert.equal(all, Array.from({ length: 1000 }, (_, count) => String.fromCharCode(97 + (count % 26))).join(''));
});
