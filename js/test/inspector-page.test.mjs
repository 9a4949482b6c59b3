// The frame inspector: its other panels, the keyboard, and its looks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { faint } from './support/inspector-contrast.mjs';
import {
  block, file, fixture, hello, inspect, items, long, open, request, result, said,
} from './support/inspector.mjs';

test('a message is composed, copied, and inspected as if it was received', async (t) => {
  const page = await open(t, { panel: 'compose', permissions: ['clipboard-read', 'clipboard-write'] });
  const composed = page.getByRole('status', { name: 'Composed' });
  const frames = page.locator('#compose-items .items > li');
  await composed.getByText('1 frame, 11 bytes').waitFor();
  await page.getByLabel('Content').fill('Hello, hello, hello');
  await page.getByLabel('Bytes in a fragment, at most').fill('8');
  await composed.getByText('3 frames, 37 bytes').waitFor();
  assert.equal(await block(frames.nth(2), 'The whole message').textContent(), 'Hello, hello, hello');
  await page.getByLabel('Bytes in a fragment, at most').fill('');
  await page.getByLabel('Sent by').locator('visible=true').selectOption('server');
  await page.getByLabel('Compress').check();
  await frames.getByText('the message is compressed').waitFor();
  await page.getByRole('button', { name: 'Copy as hex' }).click();
  await page.getByText(/^Copied \d+ bytes\.$/).waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^c1 /);
  await page.getByRole('button', { name: 'Inspect as if received' }).press('Enter');
  assert.match(await said(page), /No rule is broken.*sent by the server/);
  assert.equal(await block(items(page).first(), 'Inflated').textContent(), 'Hello, hello, hello');
});

test('what can’t be sent is refused with its rule', async (t) => {
  const page = await open(t, { panel: 'compose' });
  const composed = page.getByRole('status', { name: 'Composed' });
  await page.getByLabel('Type').selectOption('close');
  await page.getByLabel('Close code').locator('visible=true').fill('1005');
  await composed.getByText('The engine refuses: close-code-forbidden, RFC 6455 7.4.').waitFor();
  await page.getByLabel('Close code').locator('visible=true').fill('4000');
  await composed.getByText('1 frame').waitFor();
  await page.getByLabel('Type').selectOption('ping');
  await page.getByLabel('Content').fill('x'.repeat(126));
  await composed.getByText('control-payload-too-long').waitFor();
  await page.getByLabel('Read it as hex').check();
  await composed.getByText('Expected a hex digit at line 1, column 1').waitFor();
  await page.getByLabel('Content').fill('01 02');
  await composed.getByText('1 frame, 8 bytes').waitFor();
});

test('messages of a live connection are logged, and their frames shown', async (t) => {
  const page = await open(t, { panel: '' });
  await page.getByRole('status', { name: 'State of the connection' }).getByText('open').waitFor();
  const message = page.getByRole('textbox', { name: /message/i });
  await message.fill('Grüße 🌍');
  await message.press('Enter');
  const log = page.getByRole('log');
  await log.getByText('Grüße 🌍').nth(1).waitFor();
  await page.getByText('1 sent (12 B), 1 received (12 B)').waitFor();
  await log.getByRole('button', { name: 'Show frames' }).first().click();
  assert.match(await said(page), /No rule is broken.*sent by the client/);
  assert.equal(await block(items(page).first(), 'Text').textContent(), 'Grüße 🌍');
  await page.getByRole('tab', { name: 'Live' }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).press('Enter');
  await log.getByText('closed with 1000').waitFor();
});

test('the keyboard alone leads through the page', async (t) => {
  const page = await open(t);
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'tab-inspect');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.getByRole('tabpanel').getAttribute('id'), 'panel-compose');
  await page.keyboard.press('End');
  assert.equal(await focused(), 'tab-live');
  await page.keyboard.press('Home');
  const order = [];
  for (let count = 0; count < 9; count += 1) {
    await page.keyboard.press('Tab');
    order.push(await focused());
  }
  assert.deepEqual(order, [
    'input', 'choose', 'clear-input', 'A good exchange', 'A broken frame', 'A compressed message', 'format', 'sender', 'deflate',
  ]);
  await page.getByRole('button', { name: 'A broken frame' }).press('Space');
  assert.match(await said(page), /Frame 2 breaks a rule/);
  await page.getByLabel('permessage-deflate').locator('visible=true').focus();
  await page.keyboard.press('Tab');
  const isOpen = () => items(page).first().locator('details').evaluate((details) => details.open);
  assert.equal(await isOpen(), true);
  await page.keyboard.press('Enter');
  assert.equal(await isOpen(), false);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid');
});

test('many frames are shown by the two hundred', async (t) => {
  const page = await open(t);
  assert.match(await inspect(page, '8101 61'.repeat(20_000)), /^20\u202f000 frames\. No rule is broken/);
  assert.equal(await items(page).count(), 200);
  const opened = items(page).locator('details[open]');
  await page.getByRole('button', { name: 'Open all' }).click();
  assert.equal(await opened.count(), 200);
  await page.getByRole('button', { name: 'Close all' }).click();
  assert.equal(await opened.count(), 0);
  await page.getByRole('button', { name: 'Show 200 more of 19800' }).press('Enter');
  assert.equal(await items(page).count(), 400);
  assert.equal(await page.evaluate(() => document.activeElement.textContent.slice(0, 9)), 'Frame 201');
  await page.keyboard.press('Enter');
  assert.equal(await block(items(page).nth(200), 'Text').textContent(), 'a');
});

test('each example of the page shows what it says', async (t) => {
  const page = await open(t);
  const expected = {
    'A good exchange': /^1 HTTP head and 5 frames\. No rule is broken/,
    'A broken frame': /Frame 2 breaks a rule: reserved-bits/,
    'A compressed message': /^2 frames\. No rule is broken/,
  };
  for (const [name, summary] of Object.entries(expected)) {
    await page.getByRole('button', { name }).click();
    await result(page).getByText(summary).waitFor();
  }
});

test('text stands out, and nothing is wider than a phone, in light and in dark', async (t) => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open(t, { colorScheme, viewport: { width: 360, height: 740 } });
    const fits = async (what) => {
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} in ${colorScheme}`);
      assert.deepEqual(await page.evaluate(faint), [], `${what} in ${colorScheme}`);
    };
    await fits('the page');
    await inspect(page, `${Buffer.from(request.replaceAll('\n', '\r\n')).toString('hex')} ${hello.client} c1 80 01 02 03 04 00`);
    await fits('a request');
    await inspect(page, `82 7f 00 00 00 00 00 01 00 00 ${long.repeat(256)} 81 04 48 69 c3 28 00`);
    for (const summary of await page.locator('details:not([open]) > summary').all()) await summary.click();
    await fits('a long frame');
    await inspect(page, await fixture('recording.jsonl'));
    await fits('a recording');
    await inspect(page, 'nonsense');
    await fits('a problem');
    for (const name of ['Compose', 'Live']) {
      await page.getByRole('tab', { name }).click();
      await fits(name);
    }
  }
});

test('the page works as a file', async (t) => {
  const page = await open(t, { from: pathToFileURL(file).href, panel: '' });
  assert.match(await inspect(page, hello.client), /No rule is broken/);
});
