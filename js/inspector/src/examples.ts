import { fromLatin1, hex } from './bytes.js';
import type { Choices } from './judge/index.js';

/** Something to look at, for whoever has no bytes at hand. */
export interface Example {
  label: string;
  text: string;
  deflate?: Choices['deflate'];
}

const REQUEST = [
  'GET /chat HTTP/1.1', 'Host: server.example.com', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Origin: http://example.com',
  'Sec-WebSocket-Protocol: chat, superchat', 'Sec-WebSocket-Version: 13', '', '',
].join('\r\n');

export const EXAMPLES: Example[] = [
  {
    label: 'A good exchange',
    text: [
      rows(hex(fromLatin1(REQUEST))), '81 85 37 fa 21 3d 7f 9f 4d 51 58', '01 83 37 fa 21 3d 7f 9f 4d', '80 82 3d 54 23 06 51 3b',
      '89 80 00 00 00 00', '88 86 12 34 56 78 11 dc 34 01 77 15',
    ].join('\n'),
  },
  { label: 'A broken frame', text: '81 05 48 65 6c 6c 6f\nb1 05 48 65 6c 6c 6f\n82 03 01 02 03' },
  { label: 'A compressed message', text: 'c1 07 f2 48 cd c9 c9 07 00\nc1 05 f2 00 11 00 00', deflate: true },
];

/** So many bytes a line that a phone has room for them. */
function rows(digits: string): string {
  return digits.replace(/((?:\S\S ){15}\S\S) /g, '$1\n');
}
