import { utf8 } from '../bytes.js';
import { compose } from '../compose.js';
import { sandbox } from '../engine.js';
import { show as showPanel } from '../tabs.js';
import { button, byId, h } from '../view/dom.js';
import { inspectBytes } from './inspect.js';

type Way = 'sent' | 'received';
type Data = string | ArrayBuffer;

const MAX_ROWS = 500;
const MAX_SHOWN = 200;
/** How much of what went by is kept, in bytes, so that its frames can be shown. */
const MAX_KEPT = 32 << 20;
const STATES = ['connecting', 'open', 'closing', 'closed'];
const ARROWS = { sent: '↑ sent', received: '↓ received', note: '· note' };

const address = byId<HTMLInputElement>('address');
const message = byId<HTMLTextAreaElement>('message');
const log = byId('log');
const totals = { sent: { messages: 0, bytes: 0 }, received: { messages: 0, bytes: 0 } };
let socket: WebSocket | undefined;
let waiting: Data[] = [];
/** The buttons that show frames, each with how many bytes it keeps. */
const kept: { show: HTMLButtonElement; bytes: number }[] = [];

export function startLive(): void {
  const isServed = location.protocol.startsWith('http');
  address.value = isServed ? `${location.origin.replace(/^http/, 'ws')}/` : 'ws://127.0.0.1:8080/';
  byId('connection').addEventListener('submit', (event) => {
    event.preventDefault();
    connect();
  });
  byId('close').addEventListener('click', close);
  byId('sending').addEventListener('submit', (event) => {
    event.preventDefault();
    const isBinary = document.querySelector<HTMLInputElement>('input[name=kind]:checked')?.value === 'binary';
    send(isBinary ? utf8(message.value).buffer : message.value);
    message.value = '';
    message.focus();
  });
  message.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId<HTMLFormElement>('sending').requestSubmit();
  });
  byId('random').addEventListener('click', () => {
    const bytes = new Uint8Array(1 << 20);
    for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
    send(bytes.buffer);
  });
  byId('clear').addEventListener('click', () => {
    log.replaceChildren();
    kept.length = 0;
  });
}

export function connect(): void {
  try {
    socket = new WebSocket(address.value);
  } catch (error) {
    return note('error', (error as Error).message, true);
  }
  const mine = socket;
  mine.binaryType = 'arraybuffer';
  mine.onopen = () => {
    note('open', `connected to ${mine.url}${mine.protocol && `, subprotocol ${mine.protocol}`}`);
    showState();
    for (const data of waiting.splice(0)) transmit(mine, data);
  };
  mine.onmessage = ({ data }: MessageEvent<Data>) => show('received', data);
  mine.onclose = ({ code, reason, wasClean }) => {
    const how = wasClean
      ? `closed with ${code}${reason && ` “${reason}”`}`
      : `${code}: closed without a closing handshake, or never opened`;
    note('close', how, !wasClean);
    waiting = [];
    showState();
  };
  showState();
}

function close(): void {
  const code = byId<HTMLInputElement>('code').value;
  try {
    socket?.close(Number(code), byId<HTMLInputElement>('reason').value);
    note('close', `closing with ${code}`);
  } catch (error) {
    note('error', (error as Error).message, true);
  }
  showState();
}

/** What is sent before the connection is open waits for it. */
function send(data: Data): void {
  if (socket?.readyState === WebSocket.OPEN) return transmit(socket, data);
  waiting.push(data);
  if (!socket || socket.readyState === WebSocket.CLOSED) connect();
}

function transmit(to: WebSocket, data: Data): void {
  to.send(data);
  show('sent', data);
}

function showState(): void {
  const now = STATES[socket?.readyState ?? WebSocket.CLOSED] as string;
  byId('state').textContent = now;
  byId('state').dataset['state'] = now;
  byId<HTMLButtonElement>('connect').disabled = now !== 'closed';
  byId<HTMLButtonElement>('close').disabled = now !== 'open' && now !== 'connecting';
}

function show(way: Way, data: Data): void {
  const isText = typeof data === 'string';
  const bytes = isText ? utf8(data) : new Uint8Array(data);
  totals[way].messages += 1;
  totals[way].bytes += bytes.length;
  const part = (name: Way): string => `${totals[name].messages} ${name} (${size(totals[name].bytes)})`;
  byId('totals').textContent = `${part('sent')}, ${part('received')}`;
  const digits = Array.from(bytes.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const what = isText
    ? data.slice(0, MAX_SHOWN) + (data.length > MAX_SHOWN ? ' …' : '')
    : digits + (bytes.length > 32 ? ' …' : '');
  row(way, isText ? 'text' : 'binary', size(bytes.length), what, false, framesButton(way, isText, bytes));
}

/** The browser tells messages, not frames: the engine makes one again. */
function framesButton(way: Way, isText: boolean, bytes: Uint8Array): HTMLButtonElement {
  const sender = way === 'sent' ? 'client' : 'server';
  const made = button('Show frames', () => void sandbox().then((engine) => {
    const frames = compose(engine, { kind: isText ? 'text' : 'binary', bytes }, { sender });
    inspectBytes('A message of the log, as one frame', frames, sender);
    showPanel('inspect');
    byId('tab-inspect').focus();
  }));
  kept.push({ show: made, bytes: bytes.length });
  for (let sum = kept.reduce((all, one) => all + one.bytes, 0); sum > MAX_KEPT;) {
    const oldest = kept.shift();
    oldest?.show.remove();
    sum -= oldest?.bytes ?? sum;
  }
  return made;
}

function note(kind: string, what: string, isBad = false): void {
  row('note', kind, '', what, isBad);
}

function row(way: Way | 'note', kind: string, size: string, what: string, isBad: boolean, more?: HTMLElement): void {
  const now = new Date();
  const time = `${now.toTimeString().slice(0, 8)}.${String(now.getMilliseconds()).padStart(3, '0')}`;
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(h('div', { class: `row ${way}${isBad ? ' bad' : ''}` },
    h('span', { class: 'time' }, time),
    h('span', { class: 'way' }, ARROWS[way]),
    h('span', { class: 'kind' }, kind),
    h('span', { class: 'size' }, size),
    h('span', { class: 'what' }, what),
    more,
  ));
  while (log.childElementCount > MAX_ROWS) log.firstElementChild?.remove();
  if (follows) log.scrollTop = log.scrollHeight;
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
