import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where a Chromium of the system usually is; KEEPSYNC_TEST_CHROMIUM names another one. */
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
] as const;

const FLAGS = [
  '--no-sandbox',
  // A page that is opened beside another one of its site needs no process of its own, which costs most of a second.
  '--process-per-site',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;

/** How long a busy computer may take for a step: Playwright's own 30 s are too few while others start, too. */
export const PATIENCE_MS = 120_000;

/** Starts the system's Chromium. Throws, saying what to install, where there is none. */
export async function launchChromium(): Promise<Browser> {
  const wanted = process.env.KEEPSYNC_TEST_CHROMIUM;
  const executablePath = wanted ?? PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error(
      'The tests of the window need a Chromium: install one, or name it in KEEPSYNC_TEST_CHROMIUM.',
    );
  }
  return chromium.launch({ executablePath, args: [...FLAGS], timeout: PATIENCE_MS });
}
