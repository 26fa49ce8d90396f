import { KeepsyncError } from '../base/errors.ts';

/** The largest block that Keep takes: 64 MiB. */
export const BLOCK_LIMIT_BYTES = 67_108_864;

export const EMPTY_BLOCK_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';

/** The block of no bytes. It exists by definition: it is never sent and never asked for. */
export const EMPTY_BLOCK_LOCATOR = `${EMPTY_BLOCK_MD5}+0`;

/** `md5+size` and its hints, each without the `+` before it, in their order. */
export interface Locator {
  /** 32 lower-case hex digits. */
  readonly md5: string;
  readonly sizeBytes: number;
  readonly hints: readonly string[];
}

/** A hint may be one letter here, as the documentation allows; `formatLocator` leaves such hints out. */
const LOCATOR = /^([0-9a-f]{32})\+([0-9]{1,16})((?:\+[A-Z][A-Za-z0-9@_-]*)*)$/;
const LOCAL_SIGNATURE = /^A([0-9a-f]{40})@([0-9a-f]{8})$/;
const REMOTE_SIGNATURE = /^R[0-9a-z]{5}-[0-9a-f]{40}@([0-9a-f]{8})$/;
const CLUSTER_HINT = /^K@[0-9a-z]{5}$/;
const GATEWAY_HINT = /^K@([0-9a-z]{5}-[0-9a-z]{5}-[0-9a-z]{15})$/;

/** Throws REFUSED when `text` is no locator with a size. */
export function parseLocator(text: string): Locator {
  const match = LOCATOR.exec(text);
  const sizeBytes = Number(match?.[2]);
  if (!match?.[1] || !Number.isSafeInteger(sizeBytes)) {
    throw new KeepsyncError('REFUSED', `Not a block locator: ${text.slice(0, 120)}`);
  }
  return { md5: match[1], sizeBytes, hints: match[3] ? match[3].slice(1).split('+') : [] };
}

/** The text of a locator. Hints of one letter are left out: the Python SDK cannot read them. */
export function formatLocator(locator: Locator): string {
  let text = `${locator.md5}+${locator.sizeBytes}`;
  for (const hint of locator.hints) {
    if (hint.length > 1) {
      text += `+${hint}`;
    }
  }
  return text;
}

/** `md5+size`, as it counts for a portable data hash. Throws REFUSED as `parseLocator` does. */
export function stripLocator(text: string): string {
  parseLocator(text);
  const sizeEnd = text.indexOf('+', 33);
  return sizeEnd < 0 ? text : text.slice(0, sizeEnd);
}

/** The locator without its local signature, as the API stores it: every other hint stays. */
export function stripSignature(text: string): string {
  const locator = parseLocator(text);
  return formatLocator({ ...locator, hints: locator.hints.filter((hint) => !LOCAL_SIGNATURE.test(hint)) });
}

/** A local signature, wherever it stands among the hints. */
export interface LocatorSignature {
  /** 40 hex digits. */
  readonly hex: string;
  readonly expirySeconds: number;
}

export function localSignature(locator: Locator): LocatorSignature | undefined {
  for (const hint of locator.hints) {
    const match = LOCAL_SIGNATURE.exec(hint);
    if (match?.[1] && match[2]) {
      return { hex: match[1], expirySeconds: Number.parseInt(match[2], 16) };
    }
  }
  return undefined;
}

/**
 * When the first signature on a locator, local (+A) or remote (+R), runs out: milliseconds since the Unix epoch.
 * Undefined where nothing is signed.
 */
export function signatureExpiryMs(locator: string | Locator): number | undefined {
  const { hints } = typeof locator === 'string' ? parseLocator(locator) : locator;
  let earliest: number | undefined;
  for (const hint of hints) {
    const hex = LOCAL_SIGNATURE.exec(hint)?.[2] ?? REMOTE_SIGNATURE.exec(hint)?.[1];
    if (hex !== undefined) {
      const expiryMs = Number.parseInt(hex, 16) * 1000;
      earliest = earliest === undefined ? expiryMs : Math.min(earliest, expiryMs);
    }
  }
  return earliest;
}

/** A `+K` hint: another cluster's public proxy, or a gateway service of this one. */
export type PlaceHint = { readonly clusterId: string } | { readonly gatewayUuid: string };

export function placeHints(locator: Locator): PlaceHint[] {
  const places: PlaceHint[] = [];
  for (const hint of locator.hints) {
    const gatewayUuid = GATEWAY_HINT.exec(hint)?.[1];
    if (gatewayUuid !== undefined) {
      places.push({ gatewayUuid });
    } else if (CLUSTER_HINT.test(hint)) {
      places.push({ clusterId: hint.slice(2) });
    }
  }
  return places;
}
