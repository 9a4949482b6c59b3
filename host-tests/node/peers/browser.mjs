// Chromium, with the page that the gate shows: `browser.mjs PAGE CHROMIUM SCREENSHOTS`. Whatever
// isn't as it should be is an error, and an exit status.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launch } from './chromium.mjs';

const [address, executablePath, screenshots] = process.argv.slice(2);

/** For each thing that is waited for. */
const patience = 20_000;

/** In the page: sends messages through a WebSocket of its own, and tells what came of it. */
async function speak(url) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const next = (kind) => new Promise((resolve) => { socket[`on${kind}`] = resolve; });
  await next('open');

  const large = new Uint8Array(16 * 1024 * 1024).map((_, index) => index % 251);
  const echoes = [];
  for (const data of [new Uint8Array(), Uint8Array.of(9), large]) {
    socket.send(data);
    const echoed = new Uint8Array((await next('message')).data);
    echoes.push(echoed.length === data.length && echoed.every((byte, index) => byte === data[index]));
  }
  for (const data of ['', 'a', 'Grüße 🌍', 'x'.repeat(16 * 1024 * 1024)]) {
    socket.send(data);
    echoes.push((await next('message')).data === data);
  }
  socket.close(4001, 'the page has had enough');
  const { code, wasClean } = await next('close');
  return { echoes, code, wasClean, extensions: socket.extensions };
}

const browser = await launch(executablePath);
try {
  const page = await browser.newPage({
    viewport: { width: 1100, height: 720 },
    // The authority of a test is no browser's.
    ignoreHTTPSErrors: true,
  });
  page.setDefaultTimeout(patience);
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));

  await page.goto(address);
  const log = page.getByRole('log');
  const message = page.getByRole('textbox', { name: /message/i });
  await message.fill('Grüße 🌍');
  await message.press('Enter');
  // What was sent, and what came back.
  await log.getByText('Grüße 🌍').nth(1).waitFor();

  const { echoes, ...end } = await page.evaluate(speak, address.replace('http', 'ws'));
  assert.deepEqual(echoes, Array(7).fill(true));
  assert.deepEqual(end, { code: 4001, wasClean: true, extensions: '' });

  await mkdir(screenshots, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const [name, width] of [['desktop', 1100], ['phone', 375]]) {
      await page.setViewportSize({ width, height: 720 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than a ${name}`);
      await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}.png`) });
    }
  }

  // Also with the keyboard alone.
  await page.getByRole('button', { name: 'Close', exact: true }).press('Enter');
  await log.getByText('closed with 1000').waitFor();
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
