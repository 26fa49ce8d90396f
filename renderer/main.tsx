import './no-eval.ts';
import { createRoot } from 'react-dom/client';
import { WEB_SOCKET_PATH } from '../src/contract/window-page.ts';
import { App } from './app.tsx';
import type { Bridge } from './bridge.ts';
import { ElectronBridge } from './electron-bridge.ts';
import { mountStyles } from './theme/mount-styles.ts';
import { takeKey } from './web-key.ts';
import { WebSocketBridge } from './websocket-bridge.ts';

/** Inside Electron the preload script is there; otherwise this is the daemon's web page. */
async function findBridge(): Promise<Bridge> {
  if (window.keepsync !== undefined) {
    return new ElectronBridge(window.keepsync);
  }
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  const bridge = new WebSocketBridge(`${scheme}://${window.location.host}${WEB_SOCKET_PATH}`, takeKey());
  await bridge.ready;
  return bridge;
}

mountStyles();
const root = document.getElementById('root');
if (root === null) {
  throw new Error('The page has no root element');
}
const bridge = await findBridge();
createRoot(root).render(<App bridge={bridge} />);
