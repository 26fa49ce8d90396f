/** The channels between the window and the main process. The preload script uses them, a page never sees them. */
export const CHANNELS = {
  run: 'keepsync:run',
  shell: 'keepsync:shell',
  subscribe: 'keepsync:subscribe',
  unsubscribe: 'keepsync:unsubscribe',
  event: 'keepsync:event',
  acceptDrop: 'keepsync:accept-drop',
  navigate: 'keepsync:navigate',
} as const;

/** How the main process tells the preload script which shell calls there are. */
export const OFFERS_ARGUMENT = '--keepsync-offers=';

/** Where the window's page lives. */
export const APP_SCHEME = 'keepsync';
export const APP_HOST = 'app';
export const APP_URL = `${APP_SCHEME}://${APP_HOST}/`;
