import { count, hex, textOf } from '../bytes.js';
import type { Frame, Item } from '../judge/index.js';
import { type Wire, isFinal, unmask } from '../judge/wire.js';
import { meaningOfCode } from './codes.js';
import { h } from './dom.js';
import { failureView } from './failure.js';
import { type Part, brokenPart, opcodeName, partsOf } from './parts.js';
import { payloadView, wrongByte } from './payload.js';

/** How many bytes a summary shows, and how many characters. */
const SUMMARY_BYTES = 12;
const SUMMARY_TEXT = 48;

/** A frame in a line, which opens to show all of it. */
export function frameView({ what, side, number }: Item & { what: Frame }, isOpen: boolean): HTMLElement {
  const { failure } = what;
  const details = h('details', { class: failure ? 'frame bad' : 'frame' }, summaryView(what, side.bytes, number));
  const fill = (): void => details.append(...bodyOf(what, side.bytes));
  // What nobody opens is never made.
  if (isOpen) fill();
  else details.addEventListener('toggle', fill, { once: true });
  details.open = isOpen;
  return details;
}

function summaryView(frame: Frame, bytes: Uint8Array, number: number): HTMLElement {
  const { wire, failure } = frame;
  const state = failure ? h('span', { class: 'badge bad' }, `✗ ${failure.rule}`)
    : wire.missing > 0n ? h('span', { class: 'badge cut' }, '… incomplete')
    : undefined;
  return h('summary', {},
    h('span', { class: 'number' }, `Frame ${number}`),
    h('span', { class: 'kind' }, opcodeName(wire), !isFinal(wire) && ', not the last'),
    h('span', { class: 'size' }, wire.length === undefined ? 'length cut' : count(wire.length, 'byte'), ` at ${wire.start}`),
    h('span', { class: 'what' }, inShort(frame, bytes)),
    state,
  );
}

/** What it says, in a line. */
function inShort({ wire, content, closeCode, isText, failure }: Frame, bytes: Uint8Array): string {
  if (closeCode !== undefined) return `${closeCode} ${meaningOfCode(closeCode)}`;
  if (isText && !failure) {
    const text = textOf(content.bytes.subarray(0, SUMMARY_TEXT * 4)).replace(/\s+/g, ' ');
    const isShort = text.length > SUMMARY_TEXT || content.length > content.bytes.length;
    return content.length > 0 ? `“${text.slice(0, SUMMARY_TEXT)}${isShort ? '…' : ''}”` : '';
  }
  const some = content.length > 0 ? content.bytes : unmask(bytes, wire, 0, SUMMARY_BYTES + 1);
  return hex(some.subarray(0, SUMMARY_BYTES)) + (some.length > SUMMARY_BYTES ? ' …' : '');
}

function bodyOf(frame: Frame, bytes: Uint8Array): HTMLElement[] {
  const { failure, wire } = frame;
  const parts = partsOf(frame, bytes);
  const broken = brokenPart(frame);
  const isWrong = ({ name, value }: Part): boolean => name === broken && !(name === 'rsv' && value === '0');
  return [
    ...(failure ? [failureView(failure, moreAbout(frame))] : []),
    ...(wire.missing > 0n && !failure ? [missingView(wire)] : []),
    diagram(frame, parts, isWrong),
    table(parts, isWrong),
    payloadView(frame, bytes),
  ];
}

/** Where exactly, or by whose limit. */
function moreAbout(frame: Frame): string | undefined {
  const { failure, content, isCompressed } = frame;
  if (failure?.rule === 'message-too-big') return 'The limit is this page’s: 64 MiB.';
  if (failure?.rule !== 'invalid-utf8') return undefined;
  if (isCompressed) return `The first ${count(content.length, 'byte')} of what was inflated are valid.`;
  const wrong = wrongByte(frame);
  return wrong === undefined ? 'It ends inside a character.' : `The byte at offset ${wrong} can’t stand there.`;
}

function missingView({ missing, length }: Wire): HTMLElement {
  const least = length === undefined ? 'at least ' : '';
  return h('p', { class: 'cut-note' }, `The bytes end inside this frame: ${least}${count(missing, 'byte')} missing.`);
}

/** The two bytes that each frame has, bit by bit; what the table says in words. */
function diagram({ wire }: Frame, parts: Part[], isWrong: (part: Part) => boolean): HTMLElement {
  const cell = (part: Part): HTMLElement =>
    h('span', { class: isWrong(part) ? 'cell wrong' : 'cell', 'data-part': part.name, 'data-bits': String(part.value.length) },
      h('span', { class: 'bits' }, ...[...part.value].map((bit) => h('span', {}, bit))),
      h('span', { class: 'cell-label' }, part.label),
    );
  const byte = (at: number, value: number): HTMLElement =>
    h('div', { class: 'byte' },
      h('span', { class: 'faint' }, `byte ${at}: 0x${value.toString(16).padStart(2, '0')}`),
      h('div', { class: 'cells' }, ...parts.filter(({ start, bits }) => bits && start === at).map(cell)),
    );
  return h('div', { class: 'diagram', 'aria-hidden': 'true' },
    byte(wire.start, wire.first),
    wire.second !== undefined && byte(wire.start + 1, wire.second),
  );
}

function table(parts: Part[], isWrong: (part: Part) => boolean): HTMLElement {
  const row = (part: Part): HTMLElement =>
    h('tr', { 'data-part': part.name, class: isWrong(part) && 'wrong' },
      h('th', { scope: 'row' }, h('span', { class: 'swatch' }), part.label),
      h('td', { class: 'at' }, part.bits ? `${part.start}, ${part.bits}` : String(part.start)),
      h('td', { class: 'value' }, part.value),
      h('td', {}, part.meaning, isWrong(part) && h('strong', { class: 'here' }, ' ✗ breaks the rule')),
    );
  return h('table', { class: 'parts' },
    h('thead', {}, h('tr', {}, ...['Part', 'Offset', 'Value', 'Meaning'].map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, ...parts.map(row)),
  );
}
