// The time of a message without sockets, in nanoseconds; runs in Node and in a page.
//
// decode   a server's session in the sandbox is given frames of a client, as the driver of a connection in ws's shape does it
// port     the `WebSocket` class hears messages over a MessagePort, beside a bare port that hears the same bytes

const SIZES = [16, 1024];
/** How many messages there are in a call or a post. */
const TOGETHER = [1, 64];

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const REQUEST = [
  'GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', '',
].join('\r\n');
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** So many binary frames, with a mask if a client sends them, in one array (RFC 6455, section 5.2). */
function frames(size, count, isMasked) {
  const mask = isMasked ? 0x80 : 0;
  const header = size < 126 ? [0x82, mask | size] : [0x82, mask | 126, size >> 8, size & 255];
  const key = isMasked ? [1, 2, 3, 4] : [];
  const one = [...header, ...key, ...Array.from({ length: size }, (_, index) => (index * 7) & 255)];
  return new Uint8Array(Array.from({ length: count }, () => one).flat());
}

const median = (numbers) => numbers.sort((one, other) => one - other)[numbers.length >> 1];

/** A server's session that is open, called as the driver does. */
function openServer({ component, core, representations }) {
  const session = component.session.WebsocketSession.server(new component.options.SessionOptions(), 0n);
  const representation = representations.of(session);
  core.exchange(representation, encoder.encode(REQUEST), [], 1, 1 << 16);
  session.accept({ extensions: [], headers: [] }, 1n);
  core.exchange(representation, new Uint8Array(), [], 1, 1 << 16);
  return (input) => core.exchange(representation, input, [], 2, 1 << 16, true);
}

async function decode({ Engine }, rounds) {
  const engine = await Engine.load();
  const rows = [];
  for (const size of SIZES) {
    for (const together of TOGETHER) {
      const exchange = openServer(engine);
      const input = frames(size, together, true);
      const calls = Math.ceil(20_000 / together);
      const times = [];
      for (let round = 0; round < rounds; round += 1) {
        let count = 0;
        const from = performance.now();
        for (let call = 0; call < calls; call += 1) count += exchange(input).events.length;
        times.push(((performance.now() - from) * 1e6) / count);
        if (count !== calls * together) throw new Error(`${count} messages came out`);
      }
      rows.push({ what: 'decode', size, together, ns: median(times) });
    }
  }
  return rows;
}

/** The class over a port whose other end is played here. */
async function connected({ WebSocket }) {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = async ({ data }) => {
    // The last is `null`, the end.
    const [, key] = (data && /Sec-WebSocket-Key: (.*)\r/i.exec(decoder.decode(data))) ?? [];
    if (!key) return;
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', encoder.encode(key + GUID)));
    const accept = btoa(String.fromCharCode(...hash));
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
    port2.postMessage(encoder.encode([...lines, '', ''].join('\r\n')));
  };
  const socket = new WebSocket('ws://a/', [], { transport: port1 });
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  return { port2, hear: (heard) => (socket.onmessage = heard), end: () => socket.close() };
}

/** A port that hears the very bytes. */
function bare() {
  const { port1, port2 } = new MessageChannel();
  return { port2, hear: (heard) => (port1.onmessage = heard), end: () => port1.close() };
}

async function port(module, rounds) {
  const rows = [];
  for (const size of SIZES) {
    for (const together of TOGETHER) {
      const posts = Math.ceil(10_000 / together);
      const bytes = frames(size, together, false);
      const subjects = [['port', await connected(module), posts * together], ['bare port', bare(), posts]];
      const times = subjects.map(() => []);
      for (let round = 0; round < rounds; round += 1) {
        for (const [index, [, { port2, hear }, expected]] of subjects.entries()) {
          let count = 0;
          const all = new Promise((resolve) => hear(() => {
            count += 1;
            if (count === expected) resolve();
          }));
          const from = performance.now();
          for (let post = 0; post < posts; post += 1) port2.postMessage(bytes);
          await all;
          times[index].push(((performance.now() - from) * 1e6) / (posts * together));
        }
      }
      for (const [index, [what, { end }]] of subjects.entries()) {
        rows.push({ what, size, together, ns: median(times[index]) });
        end();
      }
    }
  }
  return rows;
}

/** Runs everything, in this many rounds. */
export async function measure(module, rounds) {
  return [...(await decode(module, rounds)), ...(await port(module, rounds))];
}
