// Prints what the probes say of a class in Node: `own` for the package's, over TCP, or `platform` for Node's.

import * as own from 'websocket-component';
import { WebSocket } from 'websocket-component/node';
import { probeAll } from './w3c.mjs';

const [which, base] = process.argv.slice(2);
const errors = [];
process.on('uncaughtException', (error) => errors.push(error.message));
const reported = () => () => errors.splice(0);
const classes = which === 'own' ? { WebSocket, CloseEvent: own.CloseEvent } : { WebSocket: globalThis.WebSocket, CloseEvent: globalThis.CloseEvent };
console.log(JSON.stringify(await probeAll({ ...classes, base, extra: [], reported })));
process.exit();
