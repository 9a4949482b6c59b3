// Chromium with the pages of the examples: `examples.mjs echo|chat|http2 URL CHROMIUM`. Whatever isn't as it should be is an
// error, and an exit status.

import assert from 'node:assert/strict';
import { launch } from './chromium.mjs';

const [what, url, executablePath] = process.argv.slice(2);

/** For each thing that is waited for. */
const patience = 20_000;

const browser = await launch(executablePath);
const open = async (address) => {
  // The authority of a test is no browser's.
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  page.setDefaultTimeout(patience);
  await page.goto(address);
  return page;
};

const examples = {
  /** From the page that says that it is none. */
  async echo() {
    const page = await open(url.replace('ws', 'http'));
    const echo = await page.evaluate((address) => new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      socket.onopen = () => socket.send('Grüße 🌍');
      socket.onmessage = ({ data }) => resolve(data);
      socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    }), url);
    assert.equal(echo, 'Grüße 🌍');
  },

  async chat() {
    const [one, other] = [await open(url), await open(url)];
    for (const page of [one, other]) await page.getByText('connected').waitFor();
    for (const [from, to, line] of [[one, other, 'Grüße 🌍'], [other, one, 'and back']]) {
      await from.getByRole('textbox').fill(line);
      await from.getByRole('textbox').press('Enter');
      await to.getByRole('log').getByText(line).waitFor();
    }
  },

  async http2() {
    const page = await open(url);
    await page.getByText('This page came over h2, and its WebSocket goes over HTTP/2.0.').waitFor();
  },
};

try {
  await examples[what]();
} finally {
  await browser.close();
}
