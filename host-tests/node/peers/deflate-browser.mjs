// Chromium as a client that offers permessage-deflate, as it always does: `deflate-browser.mjs CHROMIUM
// LONGEST URL...`, a connection to each. Whatever doesn't come back is an error, and an exit status. A page
// is loaded before from the origin of a URL with wss, whose certificate may be any: Chromium opens a WebSocket
// as a stream of a connection of HTTP/2 that is there already.

import assert from 'node:assert/strict';
import { launch } from './chromium.mjs';

const [executablePath, longest, ...urls] = process.argv.slice(2);

/** In the page: sends text that compresses and bytes that don't, and tells what came of it. */
async function speak([url, longest]) {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const next = (kind) => new Promise((resolve, reject) => {
    socket[`on${kind}`] = resolve;
    socket.onerror = () => reject(new Error(`no ${kind}`));
  });
  await next('open');
  const words = 'Whoever reads this reads it again, and whoever reads it again knows it. ';
  const others = [];
  for (const length of [0, 1, 125, 126, 1000, 4096, 65_535, 65_536, 1 << 20, 16 << 20]) {
    if (length > longest) break;
    const text = words.repeat(Math.ceil(length / words.length)).slice(0, length);
    socket.send(text);
    if ((await next('message')).data !== text) others.push(`text of ${length}`);
    const noise = new Uint8Array(length);
    for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
    socket.send(noise);
    const echoed = new Uint8Array((await next('message')).data);
    if (echoed.length !== length || !echoed.every((byte, at) => byte === noise[at])) others.push(`bytes of ${length}`);
  }
  socket.close(1000);
  const { code } = await next('close');
  return { others, code, extensions: socket.extensions };
}

const browser = await launch(executablePath);
try {
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  for (const url of urls) {
    if (url.startsWith('wss:')) await page.goto(url.replace('wss:', 'https:'));
    const { extensions, ...end } = await page.evaluate(speak, [url, Number(longest)]);
    assert.deepEqual(end, { others: [], code: 1000 }, url);
    assert.match(extensions, /^permessage-deflate/, url);
    console.log(extensions);
  }
} finally {
  await browser.close();
}
