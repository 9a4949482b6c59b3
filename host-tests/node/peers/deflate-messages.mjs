// What is sent to see that it comes back: text that compresses and bytes that don't, of every kind of length.

import { randomBytes } from 'node:crypto';

const words = 'Whoever reads this reads it again, and whoever reads it again knows it. ';

const lengths = [0, 1, 125, 126, 1000, 4096, 65_535, 65_536, 1 << 20, 16 << 20];

export function messages(longest) {
  const within = lengths.filter((length) => length <= longest);
  const text = (length) => words.repeat(Math.ceil(length / words.length)).slice(0, length);
  return within.flatMap((length) => [text(length), randomBytes(length)]);
}
