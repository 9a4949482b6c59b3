import { count } from '../bytes.js';
import { type Engine, sandbox } from '../engine.js';
import { EXAMPLES } from '../examples.js';
import { FORMATS, type Format, type Input, read, recognise } from '../formats/index.js';
import { type Connection, FormatError, type Sender, type Source } from '../formats/source.js';
import { type Between, type Choices, type Item, judge, senderOf } from '../judge/index.js';
import { button, byId, h } from '../view/dom.js';
import { showItems } from '../view/list.js';
import { betweenOf, summaryOf } from '../view/summary.js';
import { Streams } from './streams.js';

/** How long a pause in typing is, in milliseconds. */
const PAUSE = 100;
/** How long the page works before it lets others, in milliseconds. */
const SLICE = 12;
/** The longest input, in bytes. */
const LONGEST = 256 << 20;
const READING = 'reading …';

const text = byId<HTMLTextAreaElement>('input');
const file = byId<HTMLInputElement>('file');
const format = byId<HTMLSelectElement>('format');
const sender = byId<HTMLSelectElement>('sender');
const deflate = byId<HTMLSelectElement>('deflate');
const result = byId('result');
const items = byId('items');
const streams = new Streams(() => void inspect());

/** The file that was opened, if one was. */
let opened: Uint8Array | undefined;
/** Names the inspection that counts; those before it stop. */
let current = 0;

export function startInspect(): void {
  format.append(...Object.entries(FORMATS).map(([value, label]) => h('option', { value }, label)));
  byId('examples').append(...EXAMPLES.map(({ label, text, deflate }) => button(label, () => inspectText(text, { deflate }))));
  let timer: ReturnType<typeof setTimeout> | undefined;
  text.addEventListener('input', () => {
    forgetFile();
    clearTimeout(timer);
    if (text.value === '') void inspect();
    else timer = setTimeout(() => void inspect(), PAUSE);
  });
  for (const choice of [format, sender, deflate]) choice.addEventListener('change', () => void inspect());
  file.addEventListener('change', () => file.files?.[0] && void openFile(file.files[0]));
  byId('choose').addEventListener('click', () => file.click());
  byId('clear-input').addEventListener('click', () => {
    inspectText('');
    text.focus();
  });
  takeDrops(byId('panel-inspect'));
}

/** Shows this input, as if it had been pasted. */
export function inspectText(input: string, choices: Partial<Choices> = {}): void {
  forgetFile();
  text.value = input;
  format.value = 'auto';
  sender.value = choices.sender ?? 'auto';
  deflate.value = choices.deflate === undefined ? 'auto' : choices.deflate ? 'on' : 'off';
  void inspect();
}

/** Shows these bytes, as if they had been read from a file. */
export function inspectBytes(name: string, bytes: Uint8Array, from: Sender): void {
  inspectText('');
  open(name, bytes);
  format.value = 'raw';
  sender.value = from;
  void inspect();
}

function takeDrops(target: HTMLElement): void {
  target.addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    target.classList.add('drop');
  });
  target.addEventListener('dragleave', () => target.classList.remove('drop'));
  target.addEventListener('drop', (event) => {
    target.classList.remove('drop');
    const [dropped] = event.dataTransfer?.files ?? [];
    if (!dropped) return;
    event.preventDefault();
    void openFile(dropped);
  });
}

async function openFile(from: File): Promise<void> {
  if (from.size > LONGEST) return fail(`${from.name} has ${count(from.size, 'byte')}; the page takes up to 256 MiB.`);
  open(from.name, new Uint8Array(await from.arrayBuffer()));
  file.value = '';
  text.value = '';
  format.value = 'auto';
  await inspect();
}

function open(name: string, bytes: Uint8Array): void {
  opened = bytes;
  byId('opened').textContent = `${name}, ${count(bytes.length, 'byte')}`;
}

function forgetFile(): void {
  if (!opened) return;
  opened = undefined;
  // What was true of its bytes need not be of others.
  format.value = 'auto';
  sender.value = 'auto';
  byId('opened').textContent = '';
}

async function inspect(): Promise<void> {
  const mine = (current += 1);
  const input: Input = opened ?? text.value;
  if (typeof input === 'string' && input.trim() === '') return clear();
  try {
    const engine = await sandbox();
    if (mine !== current) return;
    const recognised = format.value === 'auto' ? recognise(input) : (format.value as Format);
    const source = read(input, recognised, engine);
    const connections = streams.offer(source);
    const { items, betweens } = await judgeAll(engine, connections, () => mine === current);
    if (mine === current) show(items, betweens, source, recognised);
  } catch (error) {
    if (mine === current) fail(error instanceof FormatError ? error.message : `The page failed, which is a mistake of ours: ${String(error)}`);
  }
}

/** What was found in the sides that were chosen, and between them. */
interface Judged {
  items: Item[];
  betweens: Between[];
}

/** All items of the sides that were chosen, in order of time, without stopping the page. */
async function judgeAll(engine: Engine, connections: Connection[], isWanted: () => boolean): Promise<Judged> {
  const items: Item[] = [];
  const betweens: Between[] = [];
  let until = performance.now() + SLICE;
  for (const connection of connections) {
    const judging = judge(engine, connection, choices());
    for (;;) {
      const { done, value } = judging.next();
      if (done) {
        betweens.push(value);
        break;
      }
      if (value) items.push(value);
      if (performance.now() < until) continue;
      // Told once, because it is read out.
      if (result.textContent !== READING) result.textContent = READING;
      await new Promise((resume) => setTimeout(resume));
      if (!isWanted()) return { items: [], betweens: [] };
      until = performance.now() + SLICE;
    }
  }
  return { items: streams.chosen(items), betweens: streams.hasBoth ? betweens : [] };
}

function choices(): Choices {
  return {
    sender: sender.value === 'auto' ? undefined : (sender.value as Sender),
    deflate: deflate.value === 'auto' ? undefined : deflate.value === 'on',
  };
}

function show(judged: Item[], betweens: Between[], source: Source, recognised: Format): void {
  const { text: summary, isBad } = summaryOf(judged);
  const sides = source.connections.flatMap((connection) => connection.sides);
  const size = sides.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const [only] = sides;
  const isKnown = only?.sender !== undefined;
  sender.disabled = isKnown;
  const by = only && !isKnown ? `, sent by the ${senderOf(only, choices().sender)}` : '';
  const how = format.value === 'auto' ? 'Recognised as' : 'Read as';
  result.className = isBad ? 'result bad' : 'result good';
  result.replaceChildren(
    h('strong', {}, summary),
    ` ${how} ${FORMATS[recognised]}: ${count(size, 'byte')}${by}.`,
    ...betweens.flatMap(betweenOf).map((sentence) => ` ${sentence}`),
    ...source.notes.map((note) => ` ${note}`),
    ...hintOf(judged),
  );
  showItems(items, judged, (item) => streams.captionOf(item));
}

/** A reserved bit may only mean that the handshake is missing. */
function hintOf(judged: Item[]): HTMLElement[] {
  const isMaybeCompressed = judged.some(({ what }) =>
    what.type === 'frame' && what.failure?.rule === 'reserved-bits' && (what.wire.first & 0x78) === 0x40);
  if (!isMaybeCompressed || deflate.value !== 'auto') return [];
  return [button('Read it with permessage-deflate', () => {
    deflate.value = 'on';
    deflate.focus();
    void inspect();
  })];
}

function fail(message: string): void {
  clear();
  result.className = 'result bad';
  result.replaceChildren(h('strong', {}, message));
}

function clear(): void {
  streams.clear();
  sender.disabled = false;
  result.className = 'result';
  result.textContent = '';
  items.replaceChildren();
}
