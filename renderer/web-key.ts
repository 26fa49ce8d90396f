const STORE = 'keepsync-key';

/**
 * The key of the web page, from `#key=…` of its address. It is taken out of the address at once, so that it stays out
 * of the history and of screenshots, and kept for this tab only, so that a reload still works.
 */
export function takeKey(): string {
  const found = /^#key=([\w-]+)$/.exec(window.location.hash)?.[1];
  if (found !== undefined) {
    sessionStorage.setItem(STORE, found);
    history.replaceState(null, '', `${window.location.pathname}#/overview`);
    return found;
  }
  return sessionStorage.getItem(STORE) ?? '';
}
