import { count, hex, utf8 } from '../bytes.js';
import { type Draft, compose } from '../compose.js';
import { type Failure, sandbox } from '../engine.js';
import { digitsOf } from '../formats/hex.js';
import { FormatError, type Sender } from '../formats/source.js';
import { judge } from '../judge/index.js';
import { show } from '../tabs.js';
import { byId, h } from '../view/dom.js';
import { sentence } from '../view/failure.js';
import { showItems } from '../view/list.js';
import { inspectText } from './inspect.js';

type Kind = Draft['kind'];

const form = byId<HTMLFormElement>('compose');
const kind = byId<HTMLSelectElement>('compose-kind');
const sender = byId<HTMLSelectElement>('compose-sender');
const payload = byId<HTMLTextAreaElement>('compose-payload');
const isHex = byId<HTMLInputElement>('compose-hex');
const code = byId<HTMLInputElement>('compose-code');
const isCompressed = byId<HTMLInputElement>('compose-compress');
const fragment = byId<HTMLInputElement>('compose-fragment');
const result = byId('compose-result');
const actions = byId('compose-actions');

let composed: Uint8Array = new Uint8Array();
let current = 0;

export function startCompose(): void {
  form.addEventListener('input', () => void update());
  form.addEventListener('submit', (event) => event.preventDefault());
  byId('compose-copy').addEventListener('click', () => void copy());
  byId('compose-inspect').addEventListener('click', () => {
    inspectText(hex(composed), { sender: sender.value as Sender, deflate: isCompressed.checked });
    show('inspect');
    byId('tab-inspect').focus();
  });
  void update();
}

async function update(): Promise<void> {
  const mine = (current += 1);
  const isClose = kind.value === 'close';
  const isData = kind.value === 'text' || kind.value === 'binary';
  byId('compose-close').hidden = !isClose;
  byId('compose-hex-choice').hidden = isClose || kind.value === 'text';
  isCompressed.disabled = fragment.disabled = !isData;
  byId('compose-payload-label').textContent = isClose ? 'Reason' : isData ? 'Content' : 'Content, at most 125 bytes';
  try {
    const engine = await sandbox();
    if (mine !== current) return;
    const from = sender.value as Sender;
    const manner = { sender: from, isCompressed: isCompressed.checked && isData, fragment: fragmentOf() };
    composed = compose(engine, draftOf(), manner);
    const side = { label: '', sender: from, bytes: composed, marks: [] };
    const judged = judge(engine, { label: '', sides: [side] }, { sender: from, deflate: manner.isCompressed });
    const items = [...judged].filter((item) => item !== undefined);
    result.className = 'result good';
    result.textContent = `${count(items.length, 'frame')}, ${count(composed.length, 'byte')}.`;
    showItems(byId('compose-items'), items, () => '');
    actions.hidden = false;
  } catch (error) {
    if (mine !== current) return;
    actions.hidden = true;
    byId('compose-items').replaceChildren();
    result.className = 'result bad';
    result.replaceChildren(h('strong', {}, problemOf(error)));
  }
}

/** @throws FormatError If a field holds nothing of its kind. */
function draftOf(): Draft {
  if (kind.value === 'close') {
    const reason = payload.value;
    if (code.value === '') return { kind: 'close', code: undefined, reason };
    const isCode = /^\d{1,5}$/.test(code.value) && Number(code.value) < 2 ** 16;
    if (!isCode) throw new FormatError('A close code is a number from 0 to 65535.');
    return { kind: 'close', code: Number(code.value), reason };
  }
  const isBytes = isHex.checked && kind.value !== 'text';
  const bytes = isBytes ? digitsOf(payload.value) : utf8(payload.value);
  return { kind: kind.value as Exclude<Kind, 'close'>, bytes };
}

function fragmentOf(): number | undefined {
  const { badInput } = fragment.validity;
  if (fragment.value === '' && !badInput) return undefined;
  const most = Number(fragment.value);
  if (badInput || !Number.isSafeInteger(most) || most < 1) throw new FormatError('A fragment has at least 1 byte.');
  return most;
}

function problemOf(error: unknown): string {
  if (error instanceof FormatError) return error.message;
  const { payload: failure } = error as { payload?: Failure };
  if (!failure) return `The page failed, which is a mistake of ours: ${String(error)}`;
  return `The engine refuses: ${failure.rule}, ${failure.section}. ${sentence(failure.description)}`;
}

async function copy(): Promise<void> {
  const digits = hex(composed);
  try {
    await navigator.clipboard.writeText(digits);
  } catch {
    // The clipboard's interface is for pages of a secure origin.
    const area = document.createElement('textarea');
    area.value = digits;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    byId('compose-copy').focus();
  }
  byId('compose-copied').textContent = `Copied ${count(composed.length, 'byte')}.`;
}
