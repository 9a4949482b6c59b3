// What a program can see of a class that is the W3C's `WebSocket`: probes, each of which gives a value to compare, and the
// server that they talk to. It runs in Node and in a page.

const task = () => new Promise((resolve) => setTimeout(resolve, 20));
const event = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));

/** What the last client closed with. */
let last;

/** The server's part: what it does on a session depends on the path. */
export async function behave(session) {
  const path = session.request.target;
  void session.closed.then(({ code, reason }) => {
    if (path === '/echo') last = { code, reason };
  });
  if (path === '/greet') void session.send('greeting');
  if (path === '/two') for (const message of ['one', 'two', new Uint8Array([3])]) void session.send(message);
  if (path === '/bye') {
    void session.send('last words');
    void session.close(3001, 'bye');
  }
  if (path === '/closes') void session.close(4000, '');
  if (path === '/vanishes') return session.abort();
  if (path === '/last') void session.send(JSON.stringify(last));
  try {
    for await (const message of session) void session.send(message).catch(() => {});
  } catch {
    // The client has gone.
  }
}

/** Accepts a subprotocol that is offered, and refuses at `/refused`. */
export const answering = {
  protocols: ['chat'],
  answer: ({ target }) => (target === '/refused' ? { status: 403 } : undefined),
};

/** The name of what is thrown, or what is returned. */
function outcome(call) {
  try {
    return call();
  } catch (error) {
    return `throws ${error.name}`;
  }
}

const kind = (data) => (typeof data === 'string' ? data : data instanceof Blob ? 'Blob' : Object.prototype.toString.call(data));

function shape(object) {
  const own = Object.getOwnPropertyDescriptors(object);
  const rows = Reflect.ownKeys(own).map((key) => {
    const { value, get, set, ...flags } = own[key];
    const of = (f) => f && `${f.name}/${f.length}`;
    const what = typeof value === 'function' ? of(value) : typeof value === 'object' ? 'object' : value;
    return [String(key), what, of(get), of(set), flags];
  });
  return rows.sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Calls `close` with each of these arguments. Returns what it threw, `readyState` after it, `wasClean`, and what the server got. */
export async function closeWith(open, calls) {
  const results = [];
  for (const call of calls) {
    const socket = open('/echo');
    await event(socket, 'open');
    const closed = event(socket, 'close');
    const thrown = outcome(() => socket.close(...call));
    const state = socket.readyState;
    if (state === 1) socket.close();
    const { wasClean } = await closed;
    await task();
    const asking = open('/last');
    const { data } = await event(asking, 'message');
    asking.close();
    results.push([String(thrown), state, wasClean, state === 1 ? '' : data]);
  }
  return results;
}

/** The probes. `open` makes a socket to a path: `new WebSocket(base + path, …)`. */
export const probes = {
  async 'the interface object and its constants'({ WebSocket }) {
    const without = outcome(() => WebSocket('ws://a/'));
    return [shape(WebSocket), Object.getPrototypeOf(WebSocket) === EventTarget, without];
  },

  async 'the prototype and its members'({ WebSocket }) {
    const { prototype } = WebSocket;
    const chain = Object.getPrototypeOf(prototype) === EventTarget.prototype;
    return [shape(prototype), chain, Object.prototype.toString.call(prototype)];
  },

  async 'members need a WebSocket'({ WebSocket }) {
    const { prototype } = WebSocket;
    const own = Object.getOwnPropertyDescriptors(prototype);
    return ['url', 'readyState', 'bufferedAmount', 'binaryType', 'onopen', 'protocol', 'extensions'].map((name) => [
      name, outcome(() => own[name].get.call({})), outcome(() => own[name].get.call(prototype)),
    ]).concat(['send', 'close'].map((name) => [name, outcome(() => prototype[name].call({}, 'x'))]));
  },

  async 'an instance has nothing of its own'({ open }) {
    const socket = open('/echo');
    const before = [Object.getOwnPropertyNames(socket), Object.prototype.toString.call(socket), socket instanceof EventTarget];
    const attempt = () => {
      'use strict';
      socket.url = 'x';
    };
    const first = [outcome(attempt), socket.protocol, socket.extensions, socket.binaryType, socket.readyState, socket.bufferedAmount];
    socket.close();
    return [...before, ...first];
  },

  async 'what the constructor takes as a URL'({ WebSocket, base, extra }) {
    const { host } = new URL(base);
    const urls = [
      `${base}/echo`, new URL(`${base}/echo`), `ws://${host}/echo?a b`, `http://${host}/echo`, `ws://${host}/echo#`, `ws://${host}/echo#a`,
      'ws://', 'ws:', 'ftp://a/', 'mailto:a', 'ws://a b/', 'ws://a:99999/', '', null, undefined, 5, {}, Symbol('a'), [`${base}/echo`],
      `ws://${host}/\ud800`, `  ${base}/echo  `, `WS://${host.toUpperCase()}/Echo`, `ws://us%C3%A9r:p%FFss@${host}/echo`,
    ];
    return urls.map((url) => outcome(() => {
      const socket = new WebSocket(url, ...extra);
      socket.onerror = () => {};
      socket.close();
      return socket.url.replaceAll(host, 'host');
    })).concat(outcome(() => new WebSocket()));
  },

  async 'what the constructor takes as protocols'({ WebSocket, base, extra }) {
    const [, ...more] = extra.length > 0 ? extra : [undefined];
    const sequence = { *[Symbol.iterator]() { yield 'a'; yield 5; } };
    const lists = [
      undefined, [], null, '', 'chat', 'a b', 'a,b', 'ä', 5, true, {}, [''], ['a', 'b'], ['a', 'a'], ['a', 'A'], ['a', null], [null, 'null'],
      new String('ab'), new String('aa'), sequence, new Set(['x', 'y']), [['a']], Symbol('a'), [Symbol('a')], () => {}, { toString: () => 'chat' }, 'a"b', 'a/b',
    ];
    return lists.map((list) => outcome(() => {
      const socket = new WebSocket(`${base}/echo`, list, ...more);
      socket.onerror = () => {};
      socket.close();
      return 'is taken';
    }));
  },

  async 'the subprotocol that was chosen'({ open }) {
    const socket = open('/echo', ['soap', 'chat']);
    const before = socket.protocol;
    await event(socket, 'open');
    const after = [before, socket.protocol, socket.extensions];
    socket.close();
    await event(socket, 'close');
    return [...after, socket.protocol];
  },

  async 'what is sent, as it comes back'({ open }) {
    const socket = open('/echo');
    socket.binaryType = 'arraybuffer';
    await event(socket, 'open');
    const bytes = new Uint8Array([0, 1, 2, 3]);
    const values = [
      'text', '', null, undefined, 5, true, 10n, {}, [1, [2]], new String('object'), { toString: () => 'its own' }, () => {}, 'lone \ud800!',
      bytes.buffer, bytes.subarray(1, 3), new DataView(bytes.buffer, 2), new Uint16Array([258]), new Blob(['blob']), new ArrayBuffer(0),
    ];
    const results = [];
    for (const value of values) {
      const answer = event(socket, 'message');
      socket.send(value);
      const { data } = await answer;
      results.push(typeof data === 'string' ? data.replace(/=>.*/s, '') : [...new Uint8Array(data)]);
    }
    results.push(outcome(() => socket.send()), outcome(() => socket.send(Symbol('a'))));
    const resizable = outcome(() => new ArrayBuffer(1, { maxByteLength: 2 }));
    results.push(outcome(() => socket.send(resizable)), outcome(() => socket.send(new Uint8Array(resizable))));
    socket.close();
    return results;
  },

  async 'bytes are sent as they were at the call'({ open }) {
    const socket = open('/echo');
    socket.binaryType = 'arraybuffer';
    await event(socket, 'open');
    const bytes = new Uint8Array([1]);
    socket.send(new Blob(['blob']));
    socket.send(bytes);
    bytes[0] = 9;
    const heard = [];
    for (let count = 0; count < 2; count += 1) heard.push([...new Uint8Array((await event(socket, 'message')).data)]);
    socket.close();
    return heard;
  },

  async 'send and close before the connection is open'({ open }) {
    const socket = open('/echo');
    const events = [];
    for (const type of ['open', 'error', 'close']) socket.addEventListener(type, () => events.push([type, socket.readyState]));
    const closed = event(socket, 'close');
    const first = [
      outcome(() => socket.send('x')), outcome(() => socket.send(Symbol('a'))), outcome(() => socket.send()),
      outcome(() => socket.close(999)), outcome(() => socket.close(1000, 'x'.repeat(124))), socket.readyState,
    ];
    socket.close();
    const now = [socket.readyState, outcome(() => socket.send('behind')), socket.bufferedAmount];
    const { code, reason, wasClean } = await closed;
    return [first, now, events, code, reason, wasClean];
  },

  async 'what close takes, and the server is told'({ open }) {
    const calls = [
      [], [1000], ['1000'], ['3000', 'bye'], [1000, ''], [1000, null], [3000, 'grüße'], [3000.4], [4999.4],
      [4999, 'ü'.repeat(61)], [999], [1001], [2999], [5000], [NaN], [null], [Infinity], [-1], [66536], [true], [{}], ['x'], [Symbol('a')], [1000n],
      [4000, 'ü'.repeat(62)], [4000, 'x'.repeat(124)], [999, 'x'.repeat(124)], [4000, 'lone \ud800'], [4000, Symbol('a')],
    ];
    return closeWith(open, calls);
  },

  async 'a program that awaits open hears a server that speaks first'({ open }) {
    const heard = [];
    for (let round = 0; round < 20; round += 1) {
      const socket = open('/greet');
      await new Promise((resolve) => (socket.onopen = resolve));
      await null;
      const { data } = await new Promise((resolve) => (socket.onmessage = resolve));
      heard.push(data);
      socket.close();
    }
    return heard;
  },

  async 'a program that awaits open hears a server that closes at once'({ open }) {
    const heard = [];
    for (let round = 0; round < 20; round += 1) {
      const socket = open('/closes');
      await new Promise((resolve) => (socket.onopen = resolve));
      const { code } = await new Promise((resolve) => (socket.onclose = resolve));
      heard.push(code);
    }
    return heard;
  },

  async 'promises run between two messages of one read'({ open }) {
    const socket = open('/two');
    socket.binaryType = 'arraybuffer';
    const heard = [];
    const done = new Promise((resolve) => {
      socket.onmessage = ({ data }) => {
        heard.push(kind(data));
        void Promise.resolve().then(() => null).then(() => {
          heard.push('a promise');
          if (heard.length === 6) resolve();
        });
      };
    });
    await done;
    socket.close();
    return heard;
  },

  async 'the order of events and the state in each'({ open }) {
    const socket = open('/bye');
    const events = [];
    for (const type of ['open', 'message', 'error', 'close']) {
      socket.addEventListener(type, (told) => events.push([type, socket.readyState, told.data, told.code, told.reason, told.wasClean]));
    }
    await event(socket, 'close');
    await task();
    return events;
  },

  async 'a connection that breaks'({ open }) {
    const results = [];
    for (const path of ['/vanishes', '/refused']) {
      const socket = open(path);
      const events = [];
      for (const type of ['open', 'error', 'close']) socket.addEventListener(type, () => events.push([type, socket.readyState]));
      const { code, reason, wasClean } = await event(socket, 'close');
      // Whether the socket had opened depends on the transport.
      results.push([events.filter(([type]) => type !== 'open' && path), code, reason, wasClean, socket.readyState]);
    }
    // Whether `error` is fired when the transport is simply gone is left open; `close` always is.
    return results.map(([events, ...rest]) => [events.at(-1), ...rest]);
  },

  async 'what events are'({ open, base }) {
    const socket = open('/greet');
    const events = [];
    for (const type of ['open', 'message', 'close']) socket.addEventListener(type, (told) => events.push(told));
    await event(socket, 'message');
    socket.close();
    await event(socket, 'close');
    return events.map((told) => [
      told.type, told instanceof MessageEvent, told.bubbles, told.cancelable, told.composed, told.target === socket,
      told.origin && told.origin === new URL(base).origin, told.lastEventId, told.ports?.length, told.source,
    ]);
  },

  async 'CloseEvent'({ CloseEvent }) {
    const read = ({ type, code, reason, wasClean, bubbles, cancelable }) => [type, code, reason, wasClean, bubbles, cancelable];
    return [
      read(new CloseEvent('close')), read(new CloseEvent('x', { code: 65537, reason: null, wasClean: 1, cancelable: true })),
      read(new CloseEvent('x', undefined)), outcome(() => new CloseEvent()), outcome(() => CloseEvent('x')),
      Object.prototype.toString.call(new CloseEvent('x')), shape(CloseEvent.prototype), new CloseEvent('x') instanceof Event,
    ];
  },

  async 'a close event is a CloseEvent'({ open, CloseEvent }) {
    const socket = open('/closes');
    return (await event(socket, 'close')) instanceof CloseEvent;
  },

  async 'what handlers can be set to'({ open }) {
    const socket = open('/greet');
    const results = [];
    const object = { handleEvent: () => results.push('handleEvent') };
    socket.onmessage = object;
    results.push(socket.onmessage === object);
    for (const value of [5, 'x', true, undefined, Symbol('a'), null]) {
      socket.onerror = () => {};
      socket.onerror = value;
      results.push(socket.onerror);
    }
    await event(socket, 'message');
    socket.onmessage = function (told) {
      results.push(this === socket, told.type);
      return false;
    };
    socket.send('x');
    await event(socket, 'message');
    await task();
    socket.close();
    return results;
  },

  async 'the turn of handlers among listeners'({ open }) {
    const socket = open('/echo');
    const heard = [];
    const note = (name) => () => void heard.push(name);
    socket.addEventListener('message', note('first'));
    socket.onmessage = note('handler');
    socket.addEventListener('message', note('second'));
    await event(socket, 'open');
    const round = async () => {
      socket.send('x');
      await event(socket, 'message');
      await task();
      return heard.splice(0);
    };
    const rounds = [await round()];
    socket.onmessage = note('another');
    rounds.push(await round());
    socket.onmessage = null;
    rounds.push(await round());
    socket.onmessage = note('back');
    rounds.push(await round());
    socket.close();
    return rounds;
  },

  async 'binaryType'({ open }) {
    const socket = open('/echo');
    const results = [];
    await event(socket, 'open');
    for (const type of ['arraybuffer', 'nonsense', 'Blob', 'blob', null, { toString: () => 'arraybuffer' }]) {
      results.push(outcome(() => (socket.binaryType = type, socket.binaryType)));
      socket.send(new Uint8Array([1]));
      results.push(kind((await event(socket, 'message')).data));
    }
    results.push(outcome(() => (socket.binaryType = Symbol('a'))));
    socket.close();
    return results;
  },

  async 'bufferedAmount'({ open }) {
    const socket = open('/echo');
    await event(socket, 'open');
    const amounts = [];
    socket.send('grüße');
    amounts.push(socket.bufferedAmount);
    await null;
    await null;
    amounts.push(socket.bufferedAmount);
    socket.send(new Uint8Array(3));
    amounts.push(socket.bufferedAmount);
    await event(socket, 'message');
    await task();
    amounts.push(socket.bufferedAmount);
    socket.close();
    socket.send('xx');
    amounts.push(socket.bufferedAmount);
    await event(socket, 'close');
    socket.send(new Blob(['four']));
    socket.send(new ArrayBuffer(1));
    await task();
    amounts.push(socket.bufferedAmount);
    return amounts;
  },

  async 'nothing is heard behind a close of one\'s own'({ open }) {
    const socket = open('/echo');
    await event(socket, 'open');
    const heard = [];
    socket.onmessage = ({ data }) => heard.push(data);
    socket.send('x');
    socket.close();
    const { code, wasClean } = await event(socket, 'close');
    socket.close(4000);
    return [heard, code, wasClean, socket.readyState, outcome(() => socket.close(999))];
  },

  async 'what a listener throws is reported, and others are told all the same'({ open, reported }) {
    const socket = open('/echo');
    await event(socket, 'open');
    const errors = reported();
    const heard = [];
    socket.addEventListener('message', () => {
      throw new Error('a listener');
    });
    socket.addEventListener('message', ({ data }) => heard.push(data));
    for (const text of ['x', 'y']) {
      socket.send(text);
      await event(socket, 'message');
    }
    await task();
    const { readyState } = socket;
    socket.close();
    return [heard, errors(), readyState];
  },

  async 'a class can be derived'({ WebSocket, base, extra }) {
    class Derived extends WebSocket {
      constructor(path) {
        super(base + path, ...extra);
      }

      get shout() {
        return this.url.endsWith('/echo');
      }
    }
    const socket = new Derived('/echo');
    await event(socket, 'open');
    const results = [socket.shout, socket instanceof WebSocket, Derived.OPEN];
    socket.close();
    return results;
  },
};

/** The results of all probes, by name. */
export async function probeAll(environment) {
  const { WebSocket, base, extra } = environment;
  const [protocols, ...more] = extra;
  const open = (path, offered = protocols) => new WebSocket(base + path, offered, ...more);
  const results = {};
  for (const [name, probe] of Object.entries(probes)) {
    const late = new Promise((resolve) => setTimeout(() => resolve('it took longer than 20 s'), 20_000));
    const probing = probe({ ...environment, open }).catch((error) => `failed: ${error}`);
    results[name] = JSON.parse(JSON.stringify((await Promise.race([probing, late])) ?? null));
  }
  return results;
}
