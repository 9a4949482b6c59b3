import { count } from '../bytes.js';
import type { Between, Frame, Item } from '../judge/index.js';

/** What came of it all, in a sentence or two. */
export function summaryOf(items: Item[]): { text: string; isBad: boolean } {
  const frames = items.map(({ what }) => what).filter((what): what is Frame => what.type === 'frame');
  const heads = items.filter(({ what }) => what.type === 'head').length;
  const found = [heads > 0 && count(heads, 'HTTP head'), (frames.length > 0 || heads === 0) && count(frames.length, 'frame')];
  const problems = items.map(problemOf).filter((problem): problem is string => problem !== undefined);
  const text = `${found.filter(Boolean).join(' and ')}. ${problems.join(' ') || 'No rule is broken.'}`;
  return { text, isBad: problems.length > 0 };
}

/** What a proxy between the sides would say. */
export function betweenOf(between: Between): string[] {
  if (!between.isKnown) return [];
  const { broken } = between;
  if (!broken) return ['A proxy that inspects both directions finds no broken rule.'];
  const { from, side, offset, rule, section } = broken;
  const where = side.label ? ` of ${side.label}` : '';
  return [`A proxy that inspects both directions fails at offset ${offset}${where}: the ${from} breaks ${rule}, ${section}.`];
}

function problemOf({ what, number, side }: Item): string | undefined {
  if (what.type === 'rest') return undefined;
  const name = what.type === 'frame' ? `frame ${number}` : what.isResponse ? 'the response' : 'the request';
  const which = side.label ? `${name} (${side.label})` : name;
  const start = `${which.slice(0, 1).toUpperCase()}${which.slice(1)}`;
  if (what.failure) return `${start} breaks a rule: ${what.failure.rule}, ${what.failure.section}.`;
  const isCut = what.type === 'head' ? what.isCut : what.wire.missing > 0n;
  return isCut ? `${start} is incomplete.` : undefined;
}
