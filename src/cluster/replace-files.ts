import { badRequest } from './api-error.ts';
import { isJsonObject, type Json } from './json.ts';
import { cloneFile, Folder, type TreeNode } from './manifest-tree.ts';

/** What a replacement may be taken from, besides the collection itself. */
export interface ReplacementSources {
  /** The `manifest_text` of the same request, or undefined where it has none. */
  readonly provided: Folder | undefined;
  /** Called with each block that is taken out of `provided`; gives what is stored, throws where it may not be used. */
  readonly takeProvidedLocator: (locator: string) => string;
  /** The content of a collection by portable data hash; throws ApiError 404 where the caller cannot read one. */
  readonly byPdh: (pdh: string) => Folder;
}

export interface ReplacementResult {
  readonly root: Folder;
  /** By how much the number of files and bytes grew. */
  readonly filesDelta: number;
  readonly bytesDelta: number;
}

const PDH = /^[0-9a-f]{32}\+[0-9]+$/;

/** The `replace_files` option as a map; undefined where the request has none. Throws ApiError 400. */
export function parseReplaceFiles(option: Json | undefined): ReadonlyMap<string, string> | undefined {
  if (option === undefined || option === null) {
    return undefined;
  }
  if (!isJsonObject(option)) {
    throw badRequest('replace_files must be an object');
  }
  const replacements = new Map<string, string>();
  for (const [target, source] of Object.entries(option)) {
    if (typeof source !== 'string') {
      throw badRequest(`invalid replace_files source for ${JSON.stringify(target)}: not a string`);
    }
    replacements.set(target, source);
  }
  return replacements.size === 0 ? undefined : replacements;
}

/**
 * Changes `root` as `replace_files` says and gives back the tree that results (another one where `/` was replaced).
 * Everything that can be refused is refused before the first change, but for paths that lead through a file.
 */
export function replaceFiles(
  root: Folder,
  replacements: ReadonlyMap<string, string>,
  sources: ReplacementSources,
): ReplacementResult {
  checkTargets(replacements);
  const usesProvided = [...replacements.values()].some((source) => source.startsWith('manifest_text/'));
  if (sources.provided && !usesProvided) {
    throw badRequest(
      "invalid request: attrs['manifest_text'] was provided, but would not be used because it is not referenced by any 'replace_files' entry",
    );
  }
  // all sources are read before anything changes, so that two files can swap their places
  const additions: Array<[string, TreeNode]> = [];
  const deletions: string[] = [];
  for (const [target, source] of replacements) {
    if (source === '') {
      deletions.push(target);
    } else {
      additions.push([target, sourceNode(root, target, source, sources)]);
    }
  }
  let result = root;
  let filesDelta = 0;
  let bytesDelta = 0;
  const count = (node: TreeNode | undefined, sign: 1 | -1) => {
    const totals = node === undefined ? { files: 0, bytes: 0 } : totalsOf(node);
    filesDelta += sign * totals.files;
    bytesDelta += sign * totals.bytes;
  };
  if (replacements.has('/')) {
    count(root, -1);
    result = new Folder();
  }
  for (const target of deletions) {
    if (target !== '/') {
      const [parent, name] = findParent(result, target);
      count(parent?.child(name), -1);
      parent?.remove(name);
    }
  }
  for (const [target, node] of additions) {
    count(node, 1);
    if (target === '/') {
      if (!(node instanceof Folder)) {
        throw badRequest('replace_files: cannot replace / with a file');
      }
      result = node;
      continue;
    }
    const [parent, name] = makeParent(result, target);
    count(parent.child(name), -1);
    parent.set(name, node);
  }
  return { root: result, filesDelta, bytesDelta };
}

function checkTargets(replacements: ReadonlyMap<string, string>): void {
  for (const target of replacements.keys()) {
    const parts = target.split('/');
    const isCanonical =
      target === '/' ||
      (parts.length > 1 &&
        parts[0] === '' &&
        parts.slice(1).every((part) => part !== '' && part !== '.' && part !== '..'));
    if (!isCanonical) {
      throw badRequest(`invalid replace_files target: ${JSON.stringify(target)}`);
    }
    for (let at = 0; at >= 0 && at < target.length - 1; at = target.indexOf('/', at + 1)) {
      const outer = at === 0 ? '/' : target.slice(0, at);
      if ((replacements.get(outer) ?? '') !== '') {
        throw badRequest(
          `replace_files: cannot operate on target ${JSON.stringify(target)} inside non-empty target ${JSON.stringify(outer)}`,
        );
      }
    }
  }
}

function sourceNode(root: Folder, target: string, source: string, sources: ReplacementSources): TreeNode {
  const slash = source.indexOf('/');
  const id = slash < 0 ? source : source.slice(0, slash);
  const path = slash < 0 ? '' : source.slice(slash + 1);
  const copy = (folder: Folder): TreeNode => {
    const found = nodeAt(folder, path);
    if (!found) {
      throw badRequest(`replace_files: nonexistent source ${JSON.stringify(source)}`);
    }
    return found instanceof Folder ? found.clone() : found;
  };
  if (id === 'current') {
    return copy(root);
  }
  if (id === 'manifest_text' && slash > 0) {
    const node = copy(sources.provided ?? new Folder());
    const take = sources.takeProvidedLocator;
    return node instanceof Folder ? node.clone(take) : cloneFile(node, take);
  }
  if (PDH.test(id)) {
    return copy(sources.byPdh(id));
  }
  throw badRequest(
    `invalid source ${JSON.stringify(source)} for replace_files[${JSON.stringify(target)}]: must be "" or "SRC" or "SRC/path" where SRC is "current", "manifest_text", or a portable data hash`,
  );
}

/** The node at a relative path; empty parts and `.` are passed over, as a file system does. */
function nodeAt(root: Folder, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') {
      continue;
    }
    node = node instanceof Folder ? node.child(part) : undefined;
  }
  return node;
}

function findParent(root: Folder, target: string): [Folder | undefined, string] {
  const parts = target.slice(1).split('/');
  const name = parts.pop() ?? '';
  let folder: TreeNode | undefined = root;
  for (const part of parts) {
    folder = folder instanceof Folder ? folder.child(part) : undefined;
  }
  return [folder instanceof Folder ? folder : undefined, name];
}

function makeParent(root: Folder, target: string): [Folder, string] {
  const parts = target.slice(1).split('/');
  const name = parts.pop() ?? '';
  let folder = root;
  for (const part of parts) {
    const child = folder.child(part);
    if (child !== undefined && !(child instanceof Folder)) {
      throw badRequest(`error creating parent dirs for ${JSON.stringify(target)}: ${part} is a file`);
    }
    folder = child ?? folder.ensureFolder(part);
  }
  return [folder, name];
}

function totalsOf(node: TreeNode): { files: number; bytes: number } {
  if (node instanceof Folder) {
    return node.totals();
  }
  return { files: 1, bytes: node.spans.reduce((sum, span) => sum + span.length, 0) };
}
