import '../../renderer/no-eval.ts';
import { createRoot } from 'react-dom/client';
import { App } from '../../renderer/app.tsx';
import { mountStyles } from '../../renderer/theme/mount-styles.ts';
import { FakeBridge, SCENARIOS } from './fake-bridge.ts';

declare global {
  interface Window {
    /** For the tests' hands. */
    fake: FakeBridge;
  }
}

const query = new URLSearchParams(window.location.search);
const scenario = SCENARIOS.find((each) => each === query.get('scenario')) ?? 'uploading';

mountStyles();
window.fake = new FakeBridge({
  scenario,
  seed: Number(query.get('seed') ?? 7),
  still: query.get('still') === '1',
  hasTray: query.get('tray') !== '0',
  changesPerSecond: Number(query.get('changes') ?? 0),
});
window.fake.start();

const root = document.getElementById('root');
if (root === null) {
  throw new Error('The page has no root element');
}
createRoot(root).render(<App bridge={window.fake} />);
