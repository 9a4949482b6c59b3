import type { Failure } from '../engine.js';
import { meaningOfCode } from './codes.js';
import { h } from './dom.js';

/** The rule that was broken, with its section and what it calls for. */
export function failureView(failure: Failure, more?: string): HTMLElement {
  const { rule, section, description, closeCode, status } = failure;
  return h('div', { class: 'failure' },
    h('p', {}, h('strong', {}, 'Broken rule: ', h('code', {}, rule)), ' ', sectionLink(section)),
    h('p', {}, sentence(description), more ? ` ${more}` : ''),
    closeCode !== undefined && h('p', {}, `The connection fails with close code ${closeCode} (${meaningOfCode(closeCode)}).`),
    status !== undefined && h('p', {}, `The server refuses the request with status ${status}.`),
  );
}

export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** A link to the section, where it is one of an RFC. */
function sectionLink(section: string): HTMLElement {
  const [, rfc, number] = /^RFC (\d+) ([\d.]+)$/.exec(section) ?? [];
  if (!rfc || !number) return h('span', {}, section);
  const href = `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${number}`;
  return h('a', { href, target: '_blank', rel: 'noreferrer' }, `RFC ${rfc}, section ${number}`);
}
