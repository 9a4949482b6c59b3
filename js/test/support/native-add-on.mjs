// Says which native code npm's ws has in this process; fails if it has none.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// bufferutil itself works without it.
const folder = require.resolve('bufferutil/package.json').replace(/package\.json$/, '');
const native = require('node-gyp-build')(folder);
const { mask } = require('bufferutil');
if (mask !== native.mask) throw new Error('bufferutil is not native');
console.log(`bufferutil ${require('bufferutil/package.json').version}`);
