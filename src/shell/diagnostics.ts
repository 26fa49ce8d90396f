import { basename } from 'node:path';
import { strToU8, zip } from 'fflate';
import { KeepsyncError } from '../base/errors.ts';
import type { CommandHost } from '../contract/commands.ts';
import type { Diagnostics } from '../contract/shell.ts';
import { BLOCK_STATES } from '../contract/status.ts';
import type { Diagnosis } from './diagnosis.ts';
import { NameRemover } from './name-remover.ts';

/** Of each log file only the end: what went wrong last (bytes). */
const LOG_TAIL_BYTES = 2 * 1024 * 1024;
/** Saves of each folder that are told. */
const SAVES = 20;

export interface DiagnosticsPorts {
  readonly host: Pick<CommandHost, 'run'>;
  /** Asks cluster and computer whether all is well; see `diagnose`. */
  readonly diagnose: () => Promise<readonly Diagnosis[]>;
  /** The log, or its last `maxBytes`, as text; '' where there is none. */
  readonly readLog: (maxBytes: number) => Promise<string>;
  /** Versions, platform, memory: nothing personal. */
  readonly system: () => Readonly<Record<string, unknown>>;
  /** The token and the like, in every form that may turn up. */
  readonly secrets: () => readonly string[];
  /** Names to be found in texts and what stands for them: the home folder, the user's name. */
  readonly names: () => ReadonlyArray<readonly [string, string]>;
}

/** What is in a bundle, in words: for the list inside it, and for whoever is asked to send it. */
const ABOUT = {
  'checks.json': 'answers to the questions of "keepsync diagnose"',
  'keepsync.log': 'the end of the log',
  'status.json': 'the status as the window shows it',
  'settings.json': 'the settings',
  'journal-summary.json': 'counts of files and blocks, and the last saves',
  'system.json': 'versions and memory',
} as const;
type EntryName = keyof typeof ABOUT;

const LIST_NAME = 'README.txt';

interface Entry {
  readonly name: string;
  readonly text: string;
  readonly removed: number;
}

/**
 * What an administrator gets to find out what is wrong. A person sees all of it before it leaves the computer: the bundle
 * that is saved is the one that was shown.
 */
export class DiagnosticsDesk {
  readonly #ports: DiagnosticsPorts;
  #diagnosed: readonly Diagnosis[] | undefined;
  #bundle: { readonly entries: readonly Entry[]; readonly zipped: Uint8Array } | undefined;

  constructor(ports: DiagnosticsPorts) {
    this.#ports = ports;
  }

  /** Asks anew. The next bundle holds these answers. */
  async diagnose(): Promise<readonly Diagnosis[]> {
    const rows = await this.#ports.diagnose();
    this.#diagnosed = rows;
    return rows;
  }

  async collect(): Promise<Diagnostics> {
    const entries = await this.#entries();
    const zipped = await zipOf(entries);
    this.#bundle = { entries, zipped };
    return {
      entries: entries.map(({ name, text, removed }) => ({
        name,
        sizeBytes: Buffer.byteLength(text),
        removed,
      })),
      bundleBytes: zipped.byteLength,
    };
  }

  /** Throws USAGE for a name that is not in the bundle. */
  async read(name: string): Promise<string> {
    const { entries } = await this.#present();
    const entry = entries.find((one) => one.name === name);
    if (entry === undefined) {
      throw new KeepsyncError('USAGE', `The bundle holds no ${JSON.stringify(name.slice(0, 80))}`);
    }
    return entry.text;
  }

  /** The bundle as a zip file. */
  async zip(): Promise<Uint8Array> {
    return (await this.#present()).zipped;
  }

  async #present() {
    if (this.#bundle === undefined) {
      await this.collect();
    }
    const bundle = this.#bundle;
    if (bundle === undefined) {
      throw new KeepsyncError('INTERNAL', 'The bundle was not made');
    }
    return bundle;
  }

  async #entries(): Promise<readonly Entry[]> {
    const { host, readLog, system } = this.#ports;
    const checks = this.#diagnosed ?? (await this.#ports.diagnose());
    this.#diagnosed = undefined;
    const status = await host.run('status.get', {});
    const names: Array<readonly [string, string]> = [...this.#ports.names()];
    for (const [index, folder] of status.folders.entries()) {
      const as = `<folder ${index + 1}>`;
      names.push([folder.path, as], [folder.name, as], [folder.collectionName, as]);
    }
    for (const { examplePath } of status.problems) {
      if (examplePath !== null) {
        names.push([examplePath, '<file>'], [basename(examplePath), '<file>']);
      }
    }
    if (status.account.user !== null) {
      names.push([status.account.user, '<user>']);
    }
    const json = (name: EntryName, value: unknown): Entry => {
      const remover = new NameRemover(this.#ports.secrets(), names);
      const text = `${JSON.stringify(remover.value(value), null, 2)}\n`;
      return { name, text, removed: remover.removed };
    };
    const remover = new NameRemover(this.#ports.secrets(), names);
    const log = logText(await readLog(LOG_TAIL_BYTES), remover);
    const entries: Entry[] = [
      json('checks.json', checks),
      { name: 'keepsync.log' satisfies EntryName, text: log, removed: remover.removed },
      json('status.json', { ...status, throughput: { ...status.throughput, samples: [] } }),
      json('settings.json', await host.run('settings.get', {})),
      json('journal-summary.json', await journalSummary(host, status.folders)),
      json('system.json', system()),
    ];
    return [{ name: LIST_NAME, text: listText(entries), removed: 0 }, ...entries];
  }
}

/** What is in the bundle, for whoever opens it. */
function listText(entries: readonly Entry[]): string {
  return [
    'Diagnostics of Keepsync.',
    'Tokens, signatures, and names of people, folders and files were taken out.',
    '',
    ...entries.map(
      ({ name, text, removed }) =>
        `${name}: ${ABOUT[name as EntryName]} (${Buffer.byteLength(text)} bytes, ${removed} taken out)`,
    ),
    '',
  ].join('\n');
}

/** Each line is JSON with a message and fields; a line that is not loses what looks like a secret or a known name. */
function logText(text: string, remover: NameRemover): string {
  return text
    .split('\n')
    .map((line) => {
      try {
        return JSON.stringify(remover.value(JSON.parse(line)));
      } catch (thrown) {
        if (thrown instanceof SyntaxError) {
          return remover.text(line);
        }
        throw thrown;
      }
    })
    .join('\n');
}

async function journalSummary(
  host: Pick<CommandHost, 'run'>,
  folders: ReadonlyArray<{ readonly id: string }>,
) {
  const summary = [];
  for (const { id } of folders) {
    const blocks: Record<string, number> = {};
    for (const state of BLOCK_STATES) {
      const page = await host.run('blocks.list', { folderId: id, states: [state], limit: 1 });
      blocks[state] = page.total;
    }
    summary.push({
      folder: id,
      blocks,
      files: (await host.run('files.list', { folderId: id, limit: 1 })).total,
      saves: await host.run('saves.list', { folderId: id, limit: SAVES }),
    });
  }
  return summary;
}

/** Off the main thread where the runtime allows it. */
function zipOf(entries: readonly Entry[]): Promise<Uint8Array> {
  const files = Object.fromEntries(entries.map(({ name, text }) => [name, strToU8(text)]));
  return new Promise((resolve, reject) => {
    zip(files, { level: 6 }, (error, data) => (error === null ? resolve(data) : reject(error)));
  });
}
