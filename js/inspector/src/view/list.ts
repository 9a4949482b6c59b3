import { count, hex } from '../bytes.js';
import type { Frame, Head, Item, Rest } from '../judge/index.js';
import { button, h } from './dom.js';
import { frameView } from './frame.js';
import { headView } from './head.js';

/** How many items are shown at once. */
const PAGE = 200;
/** So few are shown opened. */
const FEW = 6;
const SHOWN_REST = 64;

/** When something went by and where to, if there is more than one side. */
export type Caption = (item: Item) => string;

/** Shows the items, the first of them at once. */
export function showItems(into: HTMLElement, items: Item[], caption: Caption): void {
  const list = h('ol', { class: 'items' });
  const more = button('', () => show());
  let shown = 0;
  const show = (): void => {
    const first = shown;
    for (const item of items.slice(first, first + PAGE)) list.append(itemView(item, caption(item), items.length <= FEW));
    shown = Math.min(items.length, first + PAGE);
    more.textContent = `Show ${Math.min(PAGE, items.length - shown)} more of ${items.length - shown}`;
    more.hidden = shown === items.length;
    // The button goes away under the keyboard otherwise.
    if (first > 0) list.children[first]?.querySelector('summary')?.focus();
  };
  show();
  into.replaceChildren(...(items.length > FEW ? [openAll(list)] : []), list, more);
}

/** Opens what is shown, or closes it again. */
function openAll(list: HTMLElement): HTMLElement {
  const toggle = button('Open all', () => {
    const isOpening = toggle.textContent === 'Open all';
    for (const details of list.querySelectorAll('details')) details.open = isOpening;
    toggle.textContent = isOpening ? 'Close all' : 'Open all';
  });
  return h('div', { class: 'items-head' }, toggle);
}

function itemView(item: Item, caption: string, isOpen: boolean): HTMLElement {
  return h('li', {}, caption !== '' && h('p', { class: `caption ${item.sender}` }, caption), viewOf(item, isOpen));
}

function viewOf(item: Item, isOpen: boolean): HTMLElement {
  const { what } = item;
  if (what.type === 'head') return headView(item as Item & { what: Head });
  if (what.type === 'rest') return restView(what, item.side.bytes);
  return frameView(item as Item & { what: Frame }, isOpen || what.failure !== undefined);
}

function restView({ start, end, why }: Rest, bytes: Uint8Array): HTMLElement {
  const shown = bytes.subarray(start, Math.min(end, start + SHOWN_REST));
  return h('div', { class: 'rest' },
    h('p', {}, h('strong', {}, 'Not read any more: '), `${count(end - start, 'byte')} from offset ${start} on, because ${why}.`),
    h('pre', { class: 'dump' }, hex(shown), end - start > SHOWN_REST && ' …'),
  );
}
