import { byId } from './view/dom.js';

export type Panel = 'inspect' | 'compose' | 'live';
const PANELS: Panel[] = ['inspect', 'compose', 'live'];

const tabOf = (panel: Panel): HTMLElement => byId(`tab-${panel}`);

/** Tabs in the manner of the ARIA Authoring Practices: arrows move, and what they move to is shown. */
export function startTabs(first: Panel): void {
  for (const panel of PANELS) {
    tabOf(panel).addEventListener('click', () => show(panel));
    tabOf(panel).addEventListener('keydown', (event) => {
      const next = nextOf(panel, event.key);
      if (!next) return;
      event.preventDefault();
      show(next);
      tabOf(next).focus();
    });
  }
  show(first);
}

export function show(panel: Panel): void {
  for (const other of PANELS) {
    const isShown = other === panel;
    tabOf(other).setAttribute('aria-selected', String(isShown));
    tabOf(other).tabIndex = isShown ? 0 : -1;
    byId(`panel-${other}`).hidden = !isShown;
  }
}

/** The panel that the address asks for, if it does. */
export function asked(): Panel | undefined {
  return PANELS.find((panel) => `#${panel}` === location.hash);
}

function nextOf(panel: Panel, key: string): Panel | undefined {
  const last = PANELS.length - 1;
  const at = PANELS.indexOf(panel);
  const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[key];
  return to === undefined ? undefined : PANELS[to];
}
