// Chromium as the tests start it.

import { chromium } from 'playwright-core';

export const launch = (executablePath) => chromium.launch({
  executablePath,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--no-first-run',
  ],
});
