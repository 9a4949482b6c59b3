// The frame inspector: what it shows for valid and invalid bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { broken } from './support/inspector-broken.mjs';
import { block, hello, inspect, items, long, open, parts, request, response, result } from './support/inspector.mjs';

test('the examples of RFC 6455, section 5.7, are taken apart', async (t) => {
  const page = await open(t);
  const first = items(page).first();

  assert.match(await inspect(page, hello.server), /^1 frame\. No rule is broken\. .* 7 bytes, sent by the server\.$/);
  const plain = await parts(first);
  assert.deepEqual(plain.get('FIN'), { at: '0, bit 0', value: '1', meaning: 'the last frame of its message' });
  assert.deepEqual(plain.get('Opcode'), { at: '0, bits 4–7', value: '0001', meaning: '0x1: text' });
  assert.equal(plain.get('MASK').value, '0');
  assert.equal(await block(first, 'Text').textContent(), 'Hello');

  assert.match(await inspect(page, hello.client), /No rule is broken.*sent by the client/);
  assert.deepEqual((await parts(first)).get('Masking key'), {
    at: '2', value: '37 fa 21 3d', meaning: 'the payload is XORed with it, byte by byte',
  });
  assert.match(await block(first, 'Payload, masked').textContent(), /6 {2}7f 9f 4d 51 58/);
  assert.match(await block(first, 'Payload, unmasked').textContent(), /48 65 6c 6c 6f +Hello/);

  assert.match(await inspect(page, '01 03 48 65 6c 80 02 6c 6f'), /^2 frames\. No rule is broken/);
  assert.equal(await block(items(page).nth(1), 'The whole message, 2 frames, 5 bytes').textContent(), 'Hello');

  await inspect(page, `89 05 48 65 6c 6c 6f`);
  assert.equal((await parts(first)).get('Opcode').meaning, '0x9: ping');
  await inspect(page, '8a 85 37 fa 21 3d 7f 9f 4d 51 58');
  assert.equal((await parts(first)).get('Opcode').meaning, '0xa: pong');

  assert.match(await inspect(page, `82 7e 01 00 ${long}`), /No rule is broken/);
  assert.deepEqual((await parts(first)).get('Extended length'), { at: '2', value: '01 00', meaning: 'a payload of 256 bytes' });

  assert.match(await inspect(page, `82 7f 00 00 00 00 00 01 00 00 ${long.repeat(256)}`), /No rule is broken/);
  assert.equal((await parts(first)).get('Extended length').value, '00 00 00 00 00 01 00 00');
  await first.getByText('… and 65\u202f280 bytes more').waitFor();
});

test('the examples of RFC 7692, section 7.2.3, are inflated', async (t) => {
  const page = await open(t);
  const inflated = (index) => block(items(page).nth(index), 'Inflated, ').textContent();
  const examples = {
    'one block': 'c1 07 f2 48 cd c9 c9 07 00',
    'no compression': 'c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00',
    'a final block': 'c1 08 f3 48 cd c9 c9 07 00 00',
    'two blocks': 'c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00',
  };
  for (const [name, bytes] of Object.entries(examples)) {
    assert.match(await inspect(page, bytes, { deflate: 'on' }), /No rule is broken/, name);
    assert.equal(await inflated(0), 'Hello', name);
  }
  await inspect(page, 'c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00', { deflate: 'on' });
  assert.deepEqual([await inflated(0), await inflated(1)], ['Hello', 'Hello'], 'a window that is shared');
  await inspect(page, '41 03 f2 48 cd 80 04 c9 c9 07 00', { deflate: 'on' });
  assert.equal(await block(items(page).nth(1), 'The whole message').textContent(), 'Hello', 'fragments');
  assert.equal((await parts(items(page).first())).get('RSV1').meaning, 'the message is compressed (RFC 7692)');
});

test('compressed frames without a handshake are offered to be read as such', async (t) => {
  const page = await open(t);
  assert.match(await inspect(page, 'c1 07 f2 48 cd c9 c9 07 00'), /reserved-bits/);
  await page.getByRole('button', { name: 'Read it with permessage-deflate' }).click();
  await result(page).getByText('No rule is broken').waitFor();
  assert.equal(await block(items(page).first(), 'Inflated').textContent(), 'Hello');
});

test('a broken frame names the rule, its section and the close code, and marks the part', async (t) => {
  const page = await open(t);
  for (const [rule, [bytes, wrong, section, code, sender]] of Object.entries(broken)) {
    assert.match(await inspect(page, bytes, { sender }), new RegExp(`breaks a rule: ${rule},`));
    const failure = page.locator('.failure');
    assert.match(await failure.textContent(), new RegExp(`Broken rule: ${rule} ${section}.*close code ${code} `));
    assert.deepEqual(await page.locator('tr.wrong th').allTextContents(), wrong, rule);
    const [, rfc, number] = /RFC (\d+), section ([\d.]+)/.exec(section);
    const href = `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${number}`;
    assert.equal(await failure.getByRole('link').getAttribute('href'), href);
  }
});

test('the byte that makes a text invalid is marked, also behind a mask and in a later fragment', async (t) => {
  const page = await open(t);
  await inspect(page, '81 84 37 fa 21 3d 7f 93 e2 15');
  await page.getByText('The byte at offset 9 can’t stand there.').waitFor();
  assert.equal(await block(items(page).first(), 'Payload, unmasked').locator('mark').textContent(), '28');
  await inspect(page, '01 01 c3 80 01 28');
  await page.getByText('The byte at offset 5 can’t stand there.').waitFor();
  await inspect(page, '81 01 c3');
  await page.getByText('It ends inside a character.').waitFor();
});

test('a compressed message that is malformed names the rule of RFC 7692', async (t) => {
  const page = await open(t);
  assert.match(await inspect(page, 'c1 03 ff ff ff', { deflate: 'on' }), /deflate-malformed, RFC 7692 7\.2\.2/);
});

test('what stands behind a broken frame, or a close frame, is not read any more', async (t) => {
  const page = await open(t);
  await inspect(page, `${hello.server} 83 00 ${hello.server}`);
  assert.equal(await items(page).count(), 3);
  const rest = await items(page).nth(2).textContent();
  assert.match(rest, /^Not read any more: 7 bytes from offset 9 on, because the connection has failed/);
  await inspect(page, `88 02 03 e8 ${hello.server}`);
  assert.match(await items(page).first().textContent(), /Close code1000: normal closure/);
  assert.match(await items(page).nth(1).textContent(), /Not read any more: 7 bytes.*behind a close frame/);
});

test('a frame that is cut tells how many bytes are missing', async (t) => {
  const page = await open(t);
  assert.match(await inspect(page, hello.client.slice(0, -6)), /Frame 1 is incomplete/);
  await page.getByText('2 bytes missing').waitFor();
  await inspect(page, '82 7e 01');
  await page.getByText('at least 1 byte missing').waitFor();
});

test('a good request is shown line by line, and the frames behind it', async (t) => {
  const page = await open(t);
  const head = Buffer.from(request.replaceAll('\n', '\r\n')).toString('hex');
  assert.match(await inspect(page, head + hello.client), /^1 HTTP head and 1 frame\. No rule is broken.*sent by the client/);
  const key = items(page).first().getByRole('row', { name: /Sec-WebSocket-Key/ });
  assert.match(await key.textContent(), /^87.*16 random bytes in base64/);
  assert.match(await inspect(page, request), /Recognised as HTTP head/);
  const offer = `${request.trimEnd()}\nSec-WebSocket-Extensions: permessage-deflate\n\n`.replaceAll('\n', '\r\n');
  await inspect(page, `${Buffer.from(offer).toString('hex')} c1 87 00 00 00 00 f2 48 cd c9 c9 07 00`);
  await page.getByText('Without its response, the offer of permessage-deflate counts as accepted.').waitFor();
  assert.equal(await block(items(page).nth(1), 'Inflated').textContent(), 'Hello');
});

test('a broken request names the rule, the line and the status', async (t) => {
  const page = await open(t);
  const cases = [
    [request.replace(/dGhl.*/, 'AAAA'), /key-malformed.*status 400/, ['Sec-WebSocket-Key: AAAA']],
    [request.replace('Version: 13', 'Version: 8'), /version-unsupported.*status 426/, ['Sec-WebSocket-Version: 8']],
    [request.replace('GET', 'POST'), /method-not-get.*status 405/, ['POST /chat HTTP/1.1']],
    [request.replace('Host:', 'Host'), /head-malformed.*stopped at byte 24.*status 400/, ['Host server.example.com']],
    [request.replace(/Host.*\n/, ''), /host-missing.*status 400/, []],
  ];
  for (const [text, failure, lines] of cases) {
    await inspect(page, text);
    assert.match(await page.locator('.failure').textContent(), failure);
    assert.deepEqual(await page.locator('tr.wrong td.head-line').allTextContents(), lines);
  }
  await inspect(page, request.trimEnd());
  await page.getByText('no empty line ends it').waitFor();
});

test('what is untidy in a request, and let pass, is named beside its line', async (t) => {
  const page = await open(t);
  const fields = request.trimEnd().replace(/Host:.*/, 'Host: ::1:8080');
  const untidy = `${fields}\nSec-WebSocket-Extensions: permessage-deflate;\n\n`;
  assert.match(await inspect(page, untidy), /No rule is broken/);
  for (const [field, rule] of [['Host', 'host-malformed'], ['Sec-WebSocket-Extensions', 'extension-malformed']]) {
    const line = items(page).first().getByRole('row', { name: field });
    assert.match(await line.textContent(), new RegExp(`breaks ${rule}, which is let pass`));
  }
});

test('a response without its request is judged but for the key', async (t) => {
  const page = await open(t);
  assert.match(await inspect(page, response), /No rule is broken.*sent by the server/);
  await page.getByText('can only be told when the request is given as well').waitFor();
  assert.match(await inspect(page, response.replace('101 Switching Protocols', '404 Not Found')), /handshake-refused/);
  assert.match(await inspect(page, response.replace('s3pPL', '')), /accept-wrong/);
  const deflate = response.replace(/\n\n$/, '\nSec-WebSocket-Extensions: permessage-deflate\n\n').replaceAll('\n', '\r\n');
  const bytes = Buffer.concat([Buffer.from(deflate), Buffer.from('c107f248cdc9c90700', 'hex')]).toString('hex');
  assert.match(await inspect(page, bytes), /No rule is broken/);
  assert.equal(await block(items(page).nth(1), 'Inflated').textContent(), 'Hello');
});
