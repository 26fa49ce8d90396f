import { EMPTY_BLOCK_LOCATOR, stripSignature } from '../keep/locator.ts';
import { verifySignature } from '../keep/signature.ts';
import { badRequest, forbidden, notFound, unprocessable } from './api-error.ts';
import type { Caller } from './api-request.ts';
import { type ClusterContext, nowText } from './cluster-context.ts';
import type { CollectionChange } from './collection-attributes.ts';
import type { JsonObject } from './json.ts';
import { hashOfBareText, type TakenManifest, takeManifest } from './manifest-intake.ts';
import { Folder } from './manifest-tree.ts';
import { notDeleted, notTrashed, ownedBy } from './permissions.ts';
import type { Row } from './records.ts';
import { parseReplaceFiles, replaceFiles } from './replace-files.ts';
import { parseReplaceSegments, replaceSegments } from './replace-segments.ts';

/** New content of a collection, ready to be stored. */
export interface NewContent extends TakenManifest {
  /** Written by `Folder.toManifest`, so that the next change need not read all of it. */
  readonly isNormal: boolean;
}

/** The content as it is, from the row of a collection; undefined stands for a new one. */
export interface OldContent {
  readonly text: string;
  readonly isNormal: boolean;
  readonly fileCount: number;
  readonly fileSizeTotal: number;
}

const NOTHING: OldContent = { text: '', isNormal: true, fileCount: 0, fileSizeTotal: 0 };

/**
 * What a create or update makes of the content: undefined where it leaves it alone. Throws ApiError 400, 403, 404 and
 * 422 as the API does.
 */
export function newContent(
  context: ClusterContext,
  caller: Caller,
  old: OldContent | undefined,
  change: CollectionChange,
  options: JsonObject,
): NewContent | undefined {
  const files = parseReplaceFiles(options.replace_files);
  const segments = parseReplaceSegments(options.replace_segments);
  const check = locatorChecker(context, caller);
  let content: NewContent | undefined;
  if (files) {
    const base = old ?? NOTHING;
    const provided = change.manifestText ? change.manifestText : undefined;
    // checked for its form only: which blocks may be used is looked at for those that are
    const taken = provided === undefined ? undefined : takeManifest(provided, () => undefined);
    const result = replaceFiles(Folder.parse(base.text, base.isNormal), files, {
      provided: taken && provided !== undefined ? Folder.parse(provided, false) : undefined,
      takeProvidedLocator: (locator) => {
        check(locator);
        return stripSignature(locator);
      },
      byPdh: (pdh) => contentOfPdh(context, caller, pdh),
    });
    content = storedForm(
      result.root,
      base.fileCount + result.filesDelta,
      base.fileSizeTotal + result.bytesDelta,
    );
  } else if (change.manifestText !== undefined) {
    content = { ...takeManifest(change.manifestText, check), isNormal: false };
  }
  if (segments) {
    const base = content ?? old ?? NOTHING;
    const root = Folder.parse(base.text, base.isNormal);
    const isChanged = replaceSegments(root, segments, (locator) => {
      check(locator);
      return stripSignature(locator);
    });
    if (isChanged) {
      content = storedForm(root, base.fileCount, base.fileSizeTotal);
    }
  }
  const givenHash = change.portableDataHash;
  if (givenHash !== undefined && content && givenHash !== content.portableDataHash) {
    throw unprocessable(
      `Portable data hash does not match computed hash ${content.portableDataHash}: ${JSON.stringify(givenHash)}`,
    );
  }
  return content;
}

function storedForm(root: Folder, fileCount: number, fileSizeTotal: number): NewContent {
  const text = root.toManifest();
  const portableDataHash = hashOfBareText(
    text.replace(/( [0-9a-f]{32}\+[0-9]+)(?:\+[A-Z][A-Za-z0-9@_-]*)+/g, '$1'),
  );
  return { text, portableDataHash, fileCount, fileSizeTotal, isNormal: true };
}

/** Each block that a manifest names must be signed for the caller; admins may use any, and each is looked at once. */
function locatorChecker(context: ClusterContext, caller: Caller): (locator: string) => void {
  const seen = new Set<string>();
  const nowSeconds = context.clock.nowMs() / 1000;
  return (locator) => {
    if (caller.isAdmin || locator.startsWith(EMPTY_BLOCK_LOCATOR) || seen.has(locator)) {
      return;
    }
    const { key, ttlSeconds } = context.signing;
    const verdict = verifySignature(key, caller.token, locator, nowSeconds, ttlSeconds);
    if (verdict !== 'valid') {
      throw forbidden(`Invalid signature on block ${locator.slice(0, 32)}: ${verdict}`);
    }
    seen.add(locator);
  };
}

/** The collection that answers for a portable data hash: any current one that the caller may read. Throws 404. */
export function rowOfPdh(
  context: ClusterContext,
  caller: Caller,
  pdh: string,
  columns: string,
  options: JsonObject,
): Row {
  const now = nowText(context);
  const conditions = [ownedBy(caller, 'owner_uuid'), notDeleted(now)];
  if (options.include_trash !== true) {
    conditions.push(notTrashed(now));
  }
  const current = options.include_old_versions === true ? '1' : 'uuid = current_version_uuid';
  const row = context.records.get(
    `SELECT ${columns} FROM collections WHERE portable_data_hash = ? AND ${current}
     AND ${conditions.map((condition) => `(${condition.sql})`).join(' AND ')}
     ORDER BY trash_at IS NOT NULL, trash_at DESC LIMIT 1`,
    pdh,
    ...conditions.flatMap((condition) => condition.values),
  );
  if (!row) {
    throw notFound();
  }
  return row;
}

function contentOfPdh(context: ClusterContext, caller: Caller, pdh: string): Folder {
  const { manifest_id: id } = rowOfPdh(context, caller, pdh, 'manifest_id', {});
  const row = context.records.get('SELECT text, is_normal FROM manifests WHERE id = ?', id ?? null);
  if (!row) {
    throw badRequest('replace_files: source has no content');
  }
  return Folder.parse(String(row.text), Number(row.is_normal) !== 0);
}
