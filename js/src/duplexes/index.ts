import type { Duplex } from '../duplex.js';
import { NodeDuplex, type NodeStream } from './node.js';
import { PortDuplex } from './port.js';
import { StreamDuplex, type StreamPair } from './streams.js';

/** The transports that a connection can use. */
export type Transport = StreamPair | MessagePort | NodeStream | Duplex;

/** Returns a duplex over a transport. */
export function duplexOf(transport: Transport): Duplex {
  if ('getReader' in transport || typeof transport !== 'object') throw new TypeError('not a duplex of bytes');
  if ('readable' in transport && typeof transport.readable === 'object') return new StreamDuplex(transport as StreamPair);
  if ('postMessage' in transport) return new PortDuplex(transport);
  if ('pipe' in transport) return new NodeDuplex(transport as NodeStream);
  if ('start' in transport) return transport as Duplex;
  throw new TypeError('not a duplex of bytes');
}
