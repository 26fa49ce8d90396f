import { dirname, join } from 'node:path/posix';
import { parseSync } from 'oxc-parser';

/** One import, re-export or dynamic import of a module by its name in the source. */
export interface ImportEdge {
  /** Path below the checkout, with `/`. */
  readonly from: string;
  /** Path below the checkout for a relative import; else the package's or Node module's name as written. */
  readonly to: string;
  readonly isRelative: boolean;
}

/** What a layer may import of the others; itself it always may. Patterns are paths below src: `base/*`, `keep/locator`. */
export interface LayerRule {
  readonly layer: string;
  readonly may: readonly string[];
}

const BELOW_WINDOWS = [
  ...['base/*', 'contract/*', 'keep/*', 'api/*', 'blocks/*', 'collection/*', 'local/*', 'sync/*', 'status/*'],
  ...['engine', 'engine/*', 'cluster/*', 'profile/*', 'control/*'],
];

/** The table of the design, with what each row needs in practice. Everything may import base. */
export const LAYER_RULES: readonly LayerRule[] = [
  { layer: 'base', may: [] },
  { layer: 'contract', may: ['base/*'] },
  { layer: 'keep', may: ['base/*'] },
  { layer: 'api', may: ['base/*', 'keep/locator', 'keep/ports'] },
  { layer: 'blocks', may: ['base/*', 'keep/locator', 'keep/ports'] },
  { layer: 'collection', may: ['base/*', 'blocks/*', 'keep/locator'] },
  { layer: 'local', may: ['base/*'] },
  { layer: 'sync', may: ['base/*', 'keep/*', 'api/*', 'blocks/*', 'collection/*', 'local/*'] },
  { layer: 'status', may: ['base/*', 'contract/*'] },
  {
    layer: 'engine',
    may: [
      ...['base/*', 'contract/*', 'keep/*', 'api/*', 'blocks/*'],
      ...['collection/*', 'local/*', 'sync/*', 'status/*'],
    ],
  },
  // A separate program: what it shares with the client is how things are written down, never how they are done.
  { layer: 'cluster', may: ['base/*', 'keep/locator', 'keep/signature', 'collection/manifest*'] },
  { layer: 'profile', may: ['base/*', 'contract/*', 'engine/ports'] },
  { layer: 'control', may: ['base/*', 'contract/*'] },
  // What a window needs around the engine, whichever window it is.
  { layer: 'shell', may: BELOW_WINDOWS },
  { layer: 'web', may: ['base/*', 'contract/*', 'control/*', 'shell/*'] },
  // Has a composition of its own, so any stage; but never the other program's windows.
  { layer: 'cli', may: [...BELOW_WINDOWS, 'shell/*', 'web/*'] },
  { layer: 'desktop', may: [...BELOW_WINDOWS, 'shell/*'] },
  { layer: 'renderer', may: ['contract/*'] },
];

/** Every import of a file. Throws where the file does not parse: an unread file would pass every rule. */
export function importsOf(path: string, source: string): readonly ImportEdge[] {
  const { module, errors } = parseSync(path, source);
  const [error] = errors;
  if (error !== undefined) {
    throw new Error(`${path} does not parse: ${error.message}`);
  }
  const names = [
    ...module.staticImports.map((statement) => statement.moduleRequest.value),
    ...module.staticExports.flatMap((statement) =>
      statement.entries.flatMap((entry) => (entry.moduleRequest ? [entry.moduleRequest.value] : [])),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) =>
      // Only a name that is written out: what is computed cannot be known.
      [...source.slice(start, end).matchAll(/^['"`]([^'"`$]+)['"`]$/g)].flatMap((match) => match[1] ?? []),
    ),
  ];
  return [...new Set(names)].map((name) =>
    name.startsWith('.')
      ? { from: path, to: join(dirname(path), name), isRelative: true }
      : { from: path, to: name, isRelative: false },
  );
}

/** `keep` for `src/keep/locator.ts`, `engine` for `src/engine.ts` and what is below `src/engine/`, `renderer`, `test`. */
export function layerOf(path: string): string {
  return /^(?:src\/)?([a-z]+)/.exec(path)?.[1] ?? '';
}

/** What `edges` do that the table does not allow, as sentences. `files` are all that there are. */
export function findForbidden(edges: readonly ImportEdge[], files: ReadonlySet<string>): readonly string[] {
  return edges.flatMap((edge) => {
    const from = layerOf(edge.from);
    const rule = LAYER_RULES.find(({ layer }) => layer === from);
    if (!edge.isRelative) {
      return forbiddenPackage(edge, from);
    }
    if (!files.has(edge.to)) {
      // Styles and pictures of the window are no modules.
      return /\.(css|svg|png)$/.test(edge.to) ? [] : [`${edge.from} imports ${edge.to}, which is not there`];
    }
    if (rule === undefined) {
      return [`${edge.from} is in no layer of the table`];
    }
    const below = edge.to.replace(/^src\//, '').replace(/\.tsx?$/, '');
    const isAllowed = layerOf(edge.to) === from || rule.may.some((pattern) => matches(pattern, below));
    return isAllowed ? [] : [`${edge.from} imports ${edge.to}: ${from} may not`];
  });
}

function forbiddenPackage({ from: path, to: name }: ImportEdge, layer: string): readonly string[] {
  if (/^electron(\/|$)/.test(name) && layer !== 'desktop') {
    return [`${path} imports electron: only desktop may`];
  }
  if (name.startsWith('node:') && (layer === 'renderer' || layer === 'contract')) {
    return [`${path} imports ${name}: there is no Node in the window`];
  }
  return [];
}

function matches(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

/** Each ring of files that import one another, as `a → b → a`. */
export function findCycles(edges: readonly ImportEdge[]): readonly string[] {
  const next = new Map<string, string[]>();
  for (const { from, to, isRelative } of edges) {
    if (isRelative) {
      next.set(from, [...(next.get(from) ?? []), to]);
    }
  }
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file].join(' → '));
      return;
    }
    if (done.has(file)) {
      return;
    }
    path.push(file);
    for (const target of next.get(file) ?? []) {
      visit(target);
    }
    path.pop();
    done.add(file);
  };
  for (const file of next.keys()) {
    visit(file);
  }
  return cycles;
}
