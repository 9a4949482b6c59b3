// Prints what a message takes in Node and then in Chromium, a line of JSON for each: `print-per-message.mjs ROUNDS`.

import { browser, pages } from './browser.mjs';
import { measure } from './per-message.mjs';

const rounds = Number(process.argv[2]);
const ends = [];
const owner = { after: (end) => ends.unshift(end) };
console.log(JSON.stringify(await measure(await import('websocket-component'), rounds)));
try {
  const page = await (await browser(owner)).newPage();
  await page.goto(await pages(owner));
  const inChromium = await page.evaluate(async (rounds) => {
    const { measure } = await import('/support/per-message.mjs');
    return measure(await import('/package/dist/index.js'), rounds);
  }, rounds);
  console.log(JSON.stringify(inChromium));
} finally {
  for (const end of ends) await end();
}
