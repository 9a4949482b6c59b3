// npm's ws as a client that offers permessage-deflate: `deflate-client.mjs URL PARAMETERS LONGEST`.
// PARAMETERS is a list of what to offer, by the names of RFC 7692, a connection for each; LONGEST is the
// length of the longest message. Whatever it doesn't get back is an error, and an exit status.

import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { WebSocket } from 'ws';
import { messages } from './deflate-messages.mjs';
import { options } from './deflate-options.mjs';

const [url, offers, longest] = process.argv.slice(2);
for (const offer of JSON.parse(offers)) {
  const socket = new WebSocket(url, { perMessageDeflate: options(offer) });
  await once(socket, 'open');
  assert.match(socket.extensions, /^permessage-deflate/, JSON.stringify(offer));
  const inbox = on(socket, 'message');
  for (const message of messages(Number(longest))) {
    socket.send(message);
    const [received] = (await inbox.next()).value;
    assert.ok(received.equals(Buffer.from(message)), `${message.length} with ${JSON.stringify(offer)}`);
  }
  // With a control frame between the fragments, and the same words as before.
  const fragments = ['Whoever reads this ', 'reads it again, ', '', 'and again.'];
  fragments.forEach((data, index) => {
    socket.send(data, { fin: index === fragments.length - 1 });
    if (index === 1) socket.ping('in between');
  });
  assert.equal((await inbox.next()).value[0].toString(), fragments.join(''));
  socket.close(1000);
  const [code] = await once(socket, 'close');
  assert.equal(code, 1000);
}
