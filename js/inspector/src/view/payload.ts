import { count, latin1Of, textOf } from '../bytes.js';
import type { Content, Frame } from '../judge/index.js';
import { opcodeOf, unmask } from '../judge/wire.js';
import { meaningOfCode } from './codes.js';
import { h } from './dom.js';

/** How many bytes of a payload are shown, and how many characters of a text. */
const SHOWN = 256;
const SHOWN_TEXT = 1000;
const ROW = 8;
const CLOSE = 8;

/** The offset of the byte that makes a text invalid, if the frame holds it as it is. */
export function wrongByte({ wire, failure, content, isCompressed }: Frame): number | undefined {
  if (failure?.rule !== 'invalid-utf8' || isCompressed) return undefined;
  // What the engine has delivered is what it has found to be valid.
  const at = wire.payload + content.length;
  return at < wire.end ? at : undefined;
}

/** All that can be said of a frame's payload. */
export function payloadView(frame: Frame, bytes: Uint8Array): HTMLElement {
  const { wire, content, isCompressed, isText, message } = frame;
  const there = Math.max(0, wire.end - wire.payload);
  const isMasked = wire.key !== undefined;
  const raw = bytes.subarray(wire.payload, Math.min(wire.end, wire.payload + SHOWN));
  const plain = unmask(bytes, wire, 0, SHOWN);
  const view = h('div', { class: 'payload' });
  if (there > 0) {
    const wrong = wrongByte(frame);
    if (isMasked) view.append(dumpView('Payload, masked', raw, wire.payload, there));
    view.append(dumpView(isMasked ? 'Payload, unmasked' : 'Payload', plain, wire.payload, there, wrong));
  }
  if (opcodeOf(wire) === CLOSE) {
    view.append(...closeView(frame));
  } else if (isCompressed && content.length > 0) {
    view.append(contentView(`Inflated, ${count(content.length, 'byte')}`, content, isText));
  } else if (isText && content.length > 0) {
    view.append(textView('Text', content));
  }
  if (message) {
    const title = `The whole message, ${count(message.frames, 'frame')}, ${count(message.length, 'byte')}`;
    view.append(contentView(title, message, isText));
  }
  return view;
}

function contentView(title: string, content: Content, isText: boolean): HTMLElement {
  return isText ? textView(title, content) : dumpView(title, content.bytes.subarray(0, SHOWN), 0, content.length);
}

function closeView({ closeCode, content }: Frame): HTMLElement[] {
  if (closeCode === undefined) return [];
  const meaning = `${closeCode}: ${meaningOfCode(closeCode)}`;
  const code = h('div', { class: 'block' }, h('p', { class: 'title' }, 'Close code'), h('p', {}, meaning));
  return content.length > 0 ? [code, textView('Reason', content)] : [code];
}

function textView(title: string, { bytes, length }: Content): HTMLElement {
  const text = textOf(bytes);
  const shown = text.slice(0, SHOWN_TEXT);
  const isShort = shown.length < text.length || bytes.length < length;
  return h('div', { class: 'block' },
    h('p', { class: 'title' }, title),
    h('pre', { class: 'text' }, shown, isShort && '…'),
  );
}

/** Rows of offset, hex and characters; the byte `wrong` is marked, if it is among them. */
function dumpView(title: string, bytes: Uint8Array, start: number, length: number, wrong?: number): HTMLElement {
  const dump = h('pre', { class: 'dump' });
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = bytes.subarray(at, at + ROW);
    dump.append(`${at > 0 ? '\n' : ''}${String(start + at).padStart(5)} `);
    for (const [index, byte] of row.entries()) {
      const digits = byte.toString(16).padStart(2, '0');
      dump.append(' ', start + at + index === wrong ? h('mark', {}, digits) : digits);
    }
    dump.append(`${'   '.repeat(ROW - row.length)}  ${latin1Of(row).replace(/[^ -~]/g, '·')}`);
  }
  return h('div', { class: 'block' },
    h('p', { class: 'title' }, title),
    dump,
    bytes.length < length && h('p', { class: 'faint' }, `… and ${count(length - bytes.length, 'byte')} more`),
  );
}
