// The frame inspector: the input it accepts, and its errors for the rest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { block, fixture, hello, input, inspect, items, open, result, said } from './support/inspector.mjs';

test('each form of hex and base64 is recognised', async (t) => {
  const page = await open(t);
  const forms = [
    ['hex', '810548656c6c6f'],
    ['hex', '0x81, 0x05, 0x48, 0x65,\n0x6C, 0x6C, 0x6F'],
    ['hex', '8105 4865\n6c6c 6f'],
    ['hex', '{ 81:05:48:65:6c:6c:6f };'],
    ['hex', String.raw`\x81\x05\x48\x65\x6c\x6c\x6f`],
    ['hex dump', '00000000: 8105 4865 6c6c 6f                        ..Hello'],
    ['hex dump', '00000000  81 05 48 65 6c 6c 6f                              |..Hello|\n00000007\n'],
    ['hex dump', '0000   81 05 48 65 6c 6c 6f                              ..Hello'],
    ['base64', 'gQVIZWxsbw=='],
  ];
  for (const [name, text] of forms) {
    assert.match(await inspect(page, text), new RegExp(`No rule is broken\\. Recognised as ${name}: 7 bytes`), text);
    assert.equal(await block(items(page).first(), 'Text').textContent(), 'Hello');
  }
  const zeros = '00000000  82 7e 01 00 00 00 00 00  00 00 00 00 00 00 00 00  |.~..............|\n'
    + '00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000100  00 00 00 00\n00000104\n';
  assert.match(await inspect(page, zeros), /No rule is broken.*260 bytes/);
});

test('a format can be chosen against the recognised one', async (t) => {
  const page = await open(t);
  assert.match(await inspect(page, '8105'), /Recognised as hex: 2 bytes/);
  assert.match(await inspect(page, '8105', { format: 'base64' }), /Read as base64: 3 bytes/);
  assert.match(await inspect(page, 'Q', { format: 'raw' }), /Read as raw bytes: 1 byte/);
});

test('nonsense is told what was expected, and where it stops making sense', async (t) => {
  const page = await open(t);
  const messages = [
    ['hello world!', /nothing that the page knows: hex, .* a recording of wsgate\. .*line 1, column 1, not “h”/],
    ['81 05 48\n65 6c 6c 6', /“6” at line 2, column 10 stands alone/],
    ['81 05 48\n65 6c 6c 6x', /“6” at line 2, column 10 stands alone/],
    ['00000000: 8105\n00000020: 48', /Line 2: its offset is 00000020, but 2 bytes stand before it/],
    ['0000000 0581 6548 6c6c\n0000006', /Line 1: these are words of two bytes.* Use xxd or hexdump -C/],
    ['{"log":', /no complete JSON/],
    ['{"log":{"entries":[]}}', /This HAR has no WebSocket/],
    ['{"recording":"wsgate","version":2}', /Line 1: version 1 is known, not 2/],
    ['{"recording":"wsgate","version":1}\n{"at":0,"side":"left"}\n{}', /Line 2: expected \{"at":seconds/],
  ];
  for (const [text, message] of messages) {
    assert.match(await inspect(page, text), message);
    assert.equal(await items(page).count(), 0);
  }
  assert.match(await inspect(page, 'gQ=VIZ', { format: 'base64' }), /Expected base64 at line 1, column 3, not “=”/);
});

test('a file is taken by choice and by drop, whatever it holds', async (t) => {
  const page = await open(t);
  const bytes = Buffer.from(hello.client.replaceAll(' ', ''), 'hex');
  const choosing = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a file' }).press('Enter');
  await (await choosing).setFiles({ name: 'frames.bin', mimeType: 'application/octet-stream', buffer: bytes });
  assert.match(await said(page), /Recognised as raw bytes: 11 bytes, sent by the client/);
  await page.getByText('frames.bin, 11 bytes').waitFor();

  await page.getByRole('button', { name: 'Clear' }).click();
  const dropped = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], 'frames.txt'));
    return transfer;
  }, hello.server);
  await page.locator('#panel-inspect').dispatchEvent('drop', { dataTransfer: dropped });
  assert.match(await said(page), /Recognised as hex: 7 bytes, sent by the server/);

  // Typed text then replaces it.
  await input(page).pressSequentially('8100');
  await result(page).getByText('2 bytes').waitFor();
  assert.equal(await page.locator('#opened').textContent(), '');
});

test('a recording of the gate has four streams, alone or in order of time', async (t) => {
  const page = await open(t);
  const recording = await fixture('recording.jsonl');
  const summary = await inspect(page, recording);
  assert.match(summary, /^2 HTTP heads and 4 frames\. No rule is broken.*recording of wsgate.*the client is 127\.0\.0\.1:5555/);
  const captions = await page.locator('.caption').allTextContents();
  const expected = ['client → gate, 0.000412 s', 'gate → client, 0.001905 s', 'client → gate, 0.250113 s'];
  assert.deepEqual(captions.slice(0, 3), expected);
  await page.getByText('Sec-WebSocket-Accept answers the key of the request.').waitFor();

  const stream = page.getByRole('combobox', { name: 'Show' });
  assert.deepEqual(await stream.locator('option').allTextContents(), [
    'client ↔ gate, both in order of time', 'client → gate', 'gate → client',
    'gate ↔ upstream, both in order of time', 'gate → upstream', 'upstream → gate', 'all, in order of time',
  ]);
  await stream.selectOption('upstream → gate');
  await result(page).getByText('1 HTTP head and 1 frame').waitFor();
  await stream.selectOption('all, in order of time');
  await result(page).getByText('4 HTTP heads and 6 frames').waitFor();

  const wrong = recording.replace(/(?<="out","bytes":")SFRUUC[^"]+/, (bytes) => btoa(atob(bytes).replace('s3p', 'S3P')));
  assert.match(await inspect(page, wrong), /The response \(gate → client\) breaks a rule: accept-wrong/);
  assert.match(await inspect(page, recording.slice(0, -20)), /Line 13, the last, is cut and left out.*It has no end/);
  assert.doesNotMatch(summary, /incomplete|no end/);
  const full = recording.replace('"missing":0,"missing_bytes":0', '"missing":3,"missing_bytes":1234,"why":"No space left on device"');
  const missing = /It is incomplete: 3 reads and writes with 1234 bytes are missing at its end \(No space left on device\)/;
  assert.match(await inspect(page, full), missing);
});

test('a recording of both directions is inspected as a proxy would, which names the side and the offset', async (t) => {
  const page = await open(t);
  const recording = await fixture('recording.jsonl');
  assert.match(await inspect(page, recording), /A proxy that inspects both directions finds no broken rule\./);
  const broken = recording.replace(/("side":"client","way":"out","bytes":")gQVIZWxsbw==/, (_, before) => `${before}${btoa('\x81\x05Hello\x83\x00')}`);
  const offset = atob(/"side":"client","way":"out","bytes":"([^"]+)/.exec(recording)[1]).length + 7;
  const found = new RegExp(`fails at offset ${offset} of gate → client: the server breaks reserved-opcode, RFC 6455 5\\.2\\.`);
  assert.match(await inspect(page, broken), found);
  const stream = page.getByRole('combobox', { name: 'Show' });
  await stream.selectOption('client → gate');
  await result(page).getByText('1 HTTP head and 2 frames').waitFor();
  assert.doesNotMatch(await result(page).textContent(), /A proxy/);
  await stream.selectOption('gate ↔ upstream, both in order of time');
  await result(page).getByText('A proxy that inspects both directions finds no broken rule.').waitFor();
});

test('a HAR shows the messages of both sides, and its handshake', async (t) => {
  const page = await open(t);
  const summary = await inspect(page, await fixture('chrome.har'));
  assert.match(summary, /^2 HTTP heads and 3 frames\. No rule is broken.*HAR.*keeps messages, not frames/);
  assert.equal(await items(page).count(), 5);
  assert.match(await items(page).nth(2).textContent(), /client → server, 0\.150000 s.*“Grüße 🌍”/);
  await page.getByText('In use from here on: permessage-deflate.').waitFor();
  assert.equal(await page.getByText('counts as accepted').count(), 0);
  await page.getByRole('combobox', { name: 'Show' }).selectOption('server → client');
  await items(page).nth(2).getByText('00 01 02 03').first().waitFor();
});
