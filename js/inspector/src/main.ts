import { startCompose } from './panels/compose.js';
import { startInspect } from './panels/inspect.js';
import { connect, startLive } from './panels/live.js';
import { asked, startTabs } from './tabs.js';
import { byId } from './view/dom.js';

startInspect();
startCompose();
startLive();
// The gate shows this page so that it can be tried out.
const isServed = location.protocol.startsWith('http');
const first = asked() ?? (isServed ? 'live' : 'inspect');
startTabs(first);
if (first === 'live') {
  connect();
  byId('message').focus();
}
