// Prints what a message takes in Node and in Chromium, as JSON: `print-per-message.mjs ROUNDS`.

import { browser, pages } from './browser.mjs';
import { measure } from './per-message.mjs';

const rounds = Number(process.argv[2]);
const ends = [];
const owner = { after: (end) => ends.unshift(end) };
const inNode = await measure(await import('websocket-component'), rounds);
try {
  const page = await (await browser(owner)).newPage();
  await page.goto(await pages(owner));
  const inChromium = await page.evaluate(async (rounds) => {
    const { measure } = await import('/support/per-message.mjs');
    return measure(await import('/package/dist/index.js'), rounds);
  }, rounds);
  const named = (where, rows) => rows.map((row) => ({ where, ...row }));
  console.log(JSON.stringify([...named('Node', inNode), ...named('Chromium', inChromium)]));
} finally {
  for (const end of ends) await end();
}
