import type { Connection, Side, Source } from '../formats/source.js';
import type { Item } from '../judge/index.js';
import { byId, h } from '../view/dom.js';

/** Sides that are shown together. */
interface Stream {
  label: string;
  connections: Connection[];
  sides: Side[];
}

/** The choice among the byte streams of an input that has more than one. */
export class Streams {
  readonly #select = byId<HTMLSelectElement>('stream');
  #streams: Stream[] = [];

  constructor(changed: () => void) {
    this.#select.addEventListener('change', changed);
  }

  /** Shows what there is to choose, and gives back the connections that are needed for what is chosen. */
  offer({ connections }: Source): Connection[] {
    const streams = streamsOf(connections);
    const labels = streams.map(({ label }) => label);
    const isSame = labels.join('\n') === this.#streams.map(({ label }) => label).join('\n');
    if (!isSame) this.#select.replaceChildren(...labels.map((label, index) => h('option', { value: String(index) }, label)));
    this.#streams = streams;
    byId('streams').hidden = streams.length < 2;
    return this.#current().connections;
  }

  clear(): void {
    this.#streams = [];
    this.#select.replaceChildren();
    byId('streams').hidden = true;
  }

  /** Those of the chosen sides; in order of time if there are several. */
  chosen(items: Item[]): Item[] {
    const { sides } = this.#current();
    const wanted = items.filter(({ side }) => sides.includes(side));
    if (sides.length < 2) return wanted;
    const timed = wanted.map((item) => ({ item, at: timeOf(item) ?? 0 }));
    return timed.sort((one, other) => one.at - other.at).map(({ item }) => item);
  }

  /** Whether both directions of a connection are shown. */
  get hasBoth(): boolean {
    return this.#current().sides.length > 1;
  }

  captionOf(item: Item): string {
    const at = timeOf(item);
    const way = this.#current().sides.length > 1 ? item.side.label : '';
    return [way, at !== undefined && `${at.toFixed(6)} s`].filter(Boolean).join(', ');
  }

  #current(): Stream {
    return this.#streams[Number(this.#select.value || 0)] ?? { label: '', connections: [], sides: [] };
  }
}

function streamsOf(connections: Connection[]): Stream[] {
  const sides = connections.flatMap((connection) => connection.sides.filter(({ bytes }) => bytes.length > 0));
  const isDistinct = new Set(sides.map(({ label }) => label)).size === sides.length;
  const streams = connections.flatMap((connection): Stream[] => {
    const own = sides.filter((side) => connection.sides.includes(side));
    const prefix = isDistinct ? '' : `${connection.label}: `;
    const single = own.map((side) => ({ label: prefix + side.label, connections: [connection], sides: [side] }));
    if (own.length < 2) return single;
    return [{ label: `${connection.label}, both in order of time`, connections: [connection], sides: own }, ...single];
  });
  if (isDistinct && sides.length > 2) streams.push({ label: 'all, in order of time', connections, sides });
  return streams;
}

/** When the first byte of an item went by, in seconds. */
function timeOf({ side: { marks }, what }: Item): number | undefined {
  const start = what.type === 'head' ? 0 : what.type === 'frame' ? what.wire.start : what.start;
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.offset ?? 0) > start) high = middle;
    else low = middle + 1;
  }
  return marks[low - 1]?.at;
}
