import { latin1Of } from '../bytes.js';
import type { Rule } from '../engine.js';
import type { Head, Item } from '../judge/index.js';
import { h } from './dom.js';
import { failureView } from './failure.js';

/** What the fields of the handshake mean: in a request, and in a response. */
const MEANINGS: Record<string, [string, string]> = {
  'host': ['the server’s name, and its port if that isn’t the usual one', ''],
  'upgrade': ['asks for another protocol on this connection', 'the protocol that is spoken from here on'],
  'connection': ['says that Upgrade is meant for this connection', 'says that Upgrade is meant for this connection'],
  'sec-websocket-key': ['16 random bytes in base64, which the server has to answer', ''],
  'sec-websocket-version': ['13 is the version of RFC 6455', 'the versions that the server speaks'],
  'sec-websocket-protocol': ['the subprotocols to choose from, most wanted first', 'the subprotocol that was chosen'],
  'sec-websocket-extensions': ['the extensions to choose from', 'the extensions in use'],
  'sec-websocket-accept': ['', 'SHA-1 of the key and a fixed GUID, in base64: the server has read the request'],
  'origin': ['the site whose page asks, for the server to check', ''],
};

/** The field that a rule is about; an empty name is the first line. */
const CONCERNS: Partial<Record<Rule, string>> = {
  'upgrade-missing': 'upgrade', 'connection-missing': 'connection',
  'host-duplicate': 'host', 'host-malformed': 'host',
  'key-duplicate': 'sec-websocket-key', 'key-malformed': 'sec-websocket-key',
  'version-unsupported': 'sec-websocket-version',
  'accept-duplicate': 'sec-websocket-accept', 'accept-wrong': 'sec-websocket-accept',
  'subprotocol-malformed': 'sec-websocket-protocol', 'subprotocol-not-offered': 'sec-websocket-protocol',
  'subprotocol-duplicate': 'sec-websocket-protocol',
  'extension-malformed': 'sec-websocket-extensions', 'extension-not-offered': 'sec-websocket-extensions',
  'deflate-answer-invalid': 'sec-websocket-extensions',
  'method-not-get': '', 'target-malformed': '', 'http-version': '', 'handshake-refused': '',
};

interface Line {
  start: number;
  text: string;
  name: string;
  meaning: string;
}

/** The head of a request or response, line by line. */
export function headView({ what, side }: Item & { what: Head }): HTMLElement {
  const { failure, tolerated, stop, isResponse } = what;
  const lines = linesOf(side.bytes.subarray(0, what.end), isResponse);
  const concerned = failure && CONCERNS[failure.rule];
  const isWrong = ({ start, text, name }: Line): boolean =>
    stop !== undefined ? stop >= start && stop <= start + text.length + 1 : name === concerned;
  const letPass = ({ name }: Line): Rule | undefined => tolerated.find((rule) => CONCERNS[rule] === name);
  const row = (line: Line): HTMLElement =>
    h('tr', { class: [line.meaning && 'known', isWrong(line) && 'wrong'].filter(Boolean).join(' ') },
      h('td', { class: 'at' }, String(line.start)),
      h('td', { class: 'head-line' }, line.text || h('span', { class: 'faint' }, 'empty line')),
      h('td', {}, line.meaning, 
        isWrong(line) ? h('strong', { class: 'here' }, ' ✗ breaks the rule')
          : letPass(line) && h('strong', {}, ` breaks ${letPass(line)}, which is let pass`)),
    );
  const details = h('details', { class: failure ? 'head bad' : 'head', open: true },
    h('summary', {},
      h('span', { class: 'number' }, isResponse ? 'Response' : 'Request'),
      h('span', { class: 'what' }, lines[0]?.text ?? ''),
      failure ? h('span', { class: 'badge bad' }, `✗ ${failure.rule}`)
        : what.isCut ? h('span', { class: 'badge cut' }, '… incomplete')
        : undefined,
    ),
    ...(failure ? [failureView(failure, stop === undefined ? undefined : `The engine stopped at byte ${stop}.`)] : []),
    h('table', { class: 'lines' },
      h('thead', {}, h('tr', {}, ...['Offset', 'Line', 'Meaning'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, ...lines.map(row)),
    ),
    ...notesOf(what).map((note) => h('p', { class: 'faint' }, note)),
  );
  return details;
}

function notesOf({ isResponse, isCut, isPaired, failure, negotiated }: Head): string[] {
  if (isCut) return ['The bytes end inside this head: no empty line ends it.'];
  if (failure || !negotiated) return [];
  const names = negotiated.extensions.map(({ name }) => name).join(', ');
  if (!isResponse) return isPaired || !names ? [] : [`Without its response, the offer of ${names} counts as accepted.`];
  const accept = isPaired
    ? 'Sec-WebSocket-Accept answers the key of the request.'
    : 'Whether Sec-WebSocket-Accept answers the key can only be told when the request is given as well.';
  return names ? [accept, `In use from here on: ${names}.`] : [accept];
}

function linesOf(head: Uint8Array, isResponse: boolean): Line[] {
  let start = 0;
  return latin1Of(head).split(/(?<=\n)/).map((raw, index) => {
    const text = raw.replace(/\r?\n$/, '');
    const [, name = ''] = index > 0 ? /^([^:\s]+):/.exec(text) ?? [] : [];
    const meaning = index === 0 ? (isResponse ? 'version, status and reason' : 'method, target and version')
      : text === '' ? 'ends the head'
      : MEANINGS[name.toLowerCase()]?.[isResponse ? 1 : 0] ?? '';
    const line = { start, text, name: index > 0 ? name.toLowerCase() || '-' : '', meaning };
    start += raw.length;
    return line;
  });
}
