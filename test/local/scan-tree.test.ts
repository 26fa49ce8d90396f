import { describe, expect, it } from 'vitest';
import type { KnownTree, ScanRequest, ScanTotals, TreeChange } from '../../src/local/ports.ts';
import { BATCH_MAX_CHANGES } from '../../src/local/scan-report.ts';
import { scanTree } from '../../src/local/scan-tree.ts';
import { inBrief, PLAIN_RULES } from '../support/disk-conformance.ts';
import { RememberedTree } from '../support/disk-known.ts';
import { SimDisk } from '../support/sim-disk.ts';

const ROOT = '/home/ada/data';

function newDisk(files: Readonly<Record<string, string>> = {}): SimDisk {
  const disk = new SimDisk({ nowMs: () => Date.parse('2026-11-01T12:00:00Z') });
  disk.mkdir(ROOT);
  for (const [path, content] of Object.entries(files)) {
    disk.write(`${ROOT}/${path}`, content);
  }
  return disk;
}

interface Outcome {
  readonly batches: ReadonlyArray<readonly TreeChange[]>;
  readonly changes: readonly TreeChange[];
  readonly brief: readonly string[];
  readonly totals: ScanTotals;
}

function scan(disk: SimDisk, known: KnownTree, request: Partial<ScanRequest> = {}): Outcome {
  const steps = scanTree(disk, known, {
    roots: [{ diskPath: ROOT, prefix: '' }],
    rules: PLAIN_RULES,
    ...request,
  });
  const batches: Array<readonly TreeChange[]> = [];
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      const changes = batches.flat();
      return { batches, changes, brief: changes.map(inBrief), totals: step.value };
    }
    batches.push(step.value);
  }
}

/** A tree that has been scanned and remembered. */
function settled(files: Readonly<Record<string, string>>): { disk: SimDisk; journal: RememberedTree } {
  const disk = newDisk(files);
  const journal = new RememberedTree();
  journal.remember(scan(disk, journal.knownTree()).changes);
  return { disk, journal };
}

describe('what cannot be looked at is held, never gone', () => {
  it('holds a folder without permission and leaves everything known below it alone', () => {
    const { disk, journal } = settled({ 'dir/a': '1', 'dir/sub/b': '2', c: '3' });
    disk.deny(`${ROOT}/dir`);
    const { brief } = scan(disk, journal.knownTree());
    expect(brief).toEqual(['held dir FILE_DENIED']);
  });

  it('finds the folder as it was once it may be read again', () => {
    const { disk, journal } = settled({ 'dir/a': '1', 'dir/sub/b': '2' });
    disk.deny(`${ROOT}/dir`);
    journal.remember(scan(disk, journal.knownTree()).changes);
    disk.deny(`${ROOT}/dir`, false);
    disk.write(`${ROOT}/dir/a`, 'changed');
    expect(scan(disk, journal.knownTree()).brief).toEqual(['+file dir/a']);
  });

  it('reports what was known below a held folder once that folder is gone', () => {
    const { disk, journal } = settled({ 'dir/a': '1' });
    disk.deny(`${ROOT}/dir`);
    journal.remember(scan(disk, journal.knownTree()).changes);
    // A journal that keeps held entries as files must not lose what lies below them.
    journal.rows.set('dir', { kind: 'file', stamp: '', isHeld: true });
    disk.deny(`${ROOT}/dir`, false);
    disk.remove(`${ROOT}/dir`);
    expect(scan(disk, journal.knownTree()).brief).toEqual(['-file dir/a', '-file dir']);
  });

  it.each([
    ['EACCES', 'FILE_DENIED'],
    ['EIO', 'FILE_BROKEN'],
    ['EMFILE', 'TOO_MANY_OPEN'],
    ['EBUSY', 'FILE_BUSY'],
  ])('maps %s of one file to %s', (system, code) => {
    const { disk, journal } = settled({ a: '1', b: '2' });
    disk.fail(`${ROOT}/a`, 'lstat', system);
    const { changes } = scan(disk, journal.knownTree());
    expect(changes.map(inBrief)).toEqual([`held a ${code}`]);
    expect(changes[0]).toMatchObject({ diskPath: `${ROOT}/a`, error: { info: { systemCode: system } } });
  });

  it('holds a folder whose disk has an error', () => {
    const { disk, journal } = settled({ 'dir/a': '1' });
    disk.fail(`${ROOT}/dir`, 'list', 'EIO');
    expect(scan(disk, journal.knownTree()).brief).toEqual(['held dir FILE_BROKEN']);
  });

  it('holds a path that is too long for the system as a bad name', () => {
    const disk = newDisk({ a: '1' });
    disk.fail(`${ROOT}/a`, 'lstat', 'ENAMETOOLONG');
    expect(scan(disk, new RememberedTree().knownTree()).brief).toEqual(['held a BAD_NAME']);
  });

  it('holds a known file that became a link which is not followed', () => {
    const { disk, journal } = settled({ a: '1' });
    disk.remove(`${ROOT}/a`);
    disk.symlink('/elsewhere', `${ROOT}/a`);
    const { brief, totals } = scan(disk, journal.knownTree());
    expect(brief).toEqual(['held a FILE_KIND']);
    expect(totals.links).toBe(1);
  });

  it('keeps a known file whose link leads to nothing for now', () => {
    const disk = newDisk();
    disk.write('/mnt/usb/a', '1');
    disk.symlink('/mnt/usb/a', `${ROOT}/a`);
    const journal = new RememberedTree();
    const rules = { ...PLAIN_RULES, followLinks: true };
    journal.remember(scan(disk, journal.knownTree(), { rules }).changes);
    disk.remove('/mnt/usb/a');
    expect(scan(disk, journal.knownTree(), { rules }).brief).toEqual(['held a FILE_GONE']);
  });

  it('does not walk into a folder whose ignore file cannot be read', () => {
    const { disk, journal } = settled({
      'dir/.keepsyncignore': 'secret\n',
      'dir/secret': '1',
      'dir/open': '2',
    });
    disk.fail(`${ROOT}/dir/.keepsyncignore`, 'open', 'EACCES');
    disk.write(`${ROOT}/dir/open`, 'changed');
    const { changes } = scan(disk, journal.knownTree());
    expect(changes.map(inBrief)).toEqual(['held dir FILE_DENIED']);
  });
});

describe('roots', () => {
  it.each(['ENOENT', 'ENOTCONN', 'ESTALE', 'EIO'])(
    'says ROOT_GONE when listing a root fails with %s',
    (code) => {
      const { disk, journal } = settled({ a: '1' });
      disk.fail(ROOT, 'list', code);
      expect(() => scan(disk, journal.knownTree())).toThrowError(
        expect.objectContaining({ code: 'ROOT_GONE' }),
      );
    },
  );

  it('says FILE_DENIED for a root without permission', () => {
    const { disk, journal } = settled({ a: '1' });
    disk.deny(ROOT);
    expect(() => scan(disk, journal.knownTree())).toThrowError(
      expect.objectContaining({ code: 'FILE_DENIED' }),
    );
  });

  it('does not believe that files are gone when the disk was swapped under the scan', () => {
    const { disk, journal } = settled({ 'dir/a': '1', 'dir/b': '2' });
    const tree = journal.knownTree();
    let isUnplugged = false;
    const known: KnownTree = {
      ...tree,
      entriesOf: (dir, page) => {
        if (!isUnplugged) {
          isUnplugged = true;
          disk.unmount(ROOT);
        }
        return tree.entriesOf(dir, page);
      },
    };
    expect(() => scan(disk, known)).toThrowError(expect.objectContaining({ code: 'ROOT_GONE' }));
  });

  it('ends with ROOT_GONE, whatever it found, when the disk was swapped under it', () => {
    const disk = newDisk({ a: '1' });
    const known: KnownTree = {
      entriesOf: () => {
        disk.unmount(ROOT);
        disk.write(`${ROOT}/a`, 'of another disk');
        return [];
      },
      entryOf: () => undefined,
    };
    expect(() => scan(disk, known)).toThrowError(expect.objectContaining({ code: 'ROOT_GONE' }));
  });

  it('leaves it to the caller to judge a root that is empty', () => {
    const { disk, journal } = settled({ a: '1', b: '2' });
    disk.remove(`${ROOT}/a`);
    disk.remove(`${ROOT}/b`);
    const { brief, totals } = scan(disk, journal.knownTree());
    expect(brief).toEqual(['-file b', '-file a']);
    expect(totals.files).toBe(0);
  });

  it('lays two roots over each other: folders join, the later file wins', () => {
    const disk = newDisk({ 'one/same': 'first', 'one/dir/x': '1', 'two/same': 'second', 'two/dir/y': '2' });
    const roots = [
      { diskPath: `${ROOT}/one`, prefix: '' },
      { diskPath: `${ROOT}/two`, prefix: '' },
    ];
    const journal = new RememberedTree();
    const { changes } = scan(disk, journal.knownTree(), { roots });
    expect(changes.map(inBrief)).toEqual(['+file same', '+dir dir', '+file dir/x', '+file dir/y']);
    expect(changes[0]).toMatchObject({ diskPath: `${ROOT}/two/same` });
    journal.remember(changes);
    expect(scan(disk, journal.knownTree(), { roots }).brief).toEqual([]);
  });

  it('holds a root that is a FIFO and takes the others', () => {
    const disk = newDisk({ a: '1' });
    disk.mkfifo(`${ROOT}/pipe`);
    const roots = ['a', 'pipe'].map((name) => ({ diskPath: `${ROOT}/${name}`, prefix: name }));
    expect(scan(disk, new RememberedTree().knownTree(), { roots }).brief).toEqual([
      '+file a',
      'held pipe FILE_KIND',
    ]);
  });

  it('takes a root that a pattern would leave out: the person named it', () => {
    const disk = newDisk({ 'Thumbs.db': '1' });
    const roots = [{ diskPath: `${ROOT}/Thumbs.db`, prefix: 'Thumbs.db' }];
    expect(scan(disk, new RememberedTree().knownTree(), { roots }).brief).toEqual(['+file Thumbs.db']);
  });

  it.each(['/abs', 'a//b', '../out', 'a/.'])('refuses the prefix %s', (prefix) => {
    const roots = [{ diskPath: ROOT, prefix }];
    const known = new RememberedTree().knownTree();
    expect(() => scan(newDisk(), known, { roots })).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  });

  it('refuses a file as the top of a collection', () => {
    const roots = [{ diskPath: `${ROOT}/a`, prefix: '' }];
    const known = new RememberedTree().knownTree();
    const disk = newDisk({ a: '1' });
    expect(() => scan(disk, known, { roots })).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('names', () => {
  it('holds names that are not UTF-8 and shows them escaped, without confusing them with readable ones', () => {
    const disk = newDisk({ 'caf\\xe9': 'readable' });
    disk.addUndecodable(ROOT, 'caf\\xe9~');
    const journal = new RememberedTree();
    const first = scan(disk, journal.knownTree());
    expect(first.brief).toEqual(['held caf\\xe9~ BAD_NAME', '+file caf\\xe9']);
    journal.remember(first.changes);
    expect(scan(disk, journal.knownTree()).brief).toEqual(['held caf\\xe9~ BAD_NAME']);
  });

  it('holds names with special spaces unless they are allowed', () => {
    const disk = newDisk({ 'a\u00a0b': '1', 'dir\u3000x/inside': '2' });
    const known = new RememberedTree().knownTree();
    expect(scan(disk, known).brief).toEqual(['held a\u00a0b BAD_NAME', 'held dir\u3000x BAD_NAME']);
    const rules = { ...PLAIN_RULES, allowUnreadableNames: true };
    expect(scan(disk, known, { rules }).brief).toEqual([
      '+file a\u00a0b',
      '+dir dir\u3000x',
      '+file dir\u3000x/inside',
    ]);
  });

  it('takes names that differ in case or in their Unicode form for different files', () => {
    const disk = newDisk({ a: '1', A: '2', 'e\u0301': '3', '\u00e9': '4' });
    expect(scan(disk, new RememberedTree().knownTree()).totals.files).toBe(4);
  });
});

describe('rules', () => {
  it('counts what the defaults and the settings leave out', () => {
    const disk = newDisk({ '.a.swp': '', 'Thumbs.db': '', 'build/x': '', 'src/x.o': '', 'src/x.c': '' });
    const rules = { ...PLAIN_RULES, patterns: ['build/', '*.o'] };
    const { brief, totals } = scan(disk, new RememberedTree().knownTree(), { rules });
    expect(brief).toEqual(['+dir src', '+file src/x.c']);
    expect(totals).toEqual({ files: 1, dirs: 1, bytes: 0, ignored: 4, links: 0 });
  });

  it('looks at the whole folder again whose ignore file changed', () => {
    const { disk, journal } = settled({
      'dir/.keepsyncignore': '*.log',
      'dir/a.log': '1',
      'dir/sub/b.log': '2',
    });
    disk.write(`${ROOT}/dir/.keepsyncignore`, '');
    const { brief } = scan(disk, journal.knownTree(), { only: ['dir/.keepsyncignore'] });
    expect(brief).toEqual(['+file dir/.keepsyncignore', '+file dir/a.log', '+file dir/sub/b.log']);
  });

  it('obeys the ignore files above a path that it is asked for', () => {
    const { disk, journal } = settled({ '.keepsyncignore': '*.log', 'dir/a.txt': '1' });
    disk.write(`${ROOT}/dir/a.log`, '1');
    const { brief, totals } = scan(disk, journal.knownTree(), { only: ['dir/a.log'] });
    expect(brief).toEqual([]);
    expect(totals.ignored).toBe(1);
  });

  it('lets patterns settle what would be held', () => {
    const disk = newDisk();
    disk.mkfifo(`${ROOT}/pipe`);
    disk.write(`${ROOT}/broken`, '');
    disk.fail(`${ROOT}/broken`, 'lstat', 'EIO');
    const rules = { ...PLAIN_RULES, patterns: ['pipe', 'broken'] };
    expect(scan(disk, new RememberedTree().knownTree(), { rules }).brief).toEqual([]);
  });
});

describe('a scan of a few paths', () => {
  it('asks disk and journal for those only, however large the folder is', () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 500; index++) {
      files[`dir/f${index}`] = 'x';
    }
    const { disk, journal } = settled(files);
    disk.write(`${ROOT}/dir/f7`, 'changed');
    const [listed, looked] = [disk.callsOf('list'), disk.callsOf('lstat')];
    journal.questions = 0;
    expect(scan(disk, journal.knownTree(), { only: ['dir/f7'] }).brief).toEqual(['+file dir/f7']);
    expect(disk.callsOf('list')).toBe(listed);
    expect(disk.callsOf('lstat') - looked).toBe(2);
    expect(journal.questions).toBe(2);
  });

  it('looks at the whole of a folder that the journal has never seen', () => {
    const { disk, journal } = settled({ a: '1' });
    disk.write(`${ROOT}/new/sub/b`, '2');
    disk.write(`${ROOT}/new/c`, '3');
    const { brief } = scan(disk, journal.knownTree(), { only: ['new/sub/b'] });
    expect(brief).toEqual(['+dir new', '+file new/c', '+dir new/sub', '+file new/sub/b']);
  });
});

describe('batches', () => {
  it('holds at most a thousand changes each and breathes where nothing changed', () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 2_600; index++) {
      files[`f${index}`] = '';
    }
    const disk = newDisk(files);
    for (let index = 0; index < 1_500; index++) {
      disk.addUndecodable(ROOT, `\\xff${index}`);
    }
    const journal = new RememberedTree();
    const first = scan(disk, journal.knownTree());
    expect(first.changes).toHaveLength(4_100);
    expect(Math.max(...first.batches.map((batch) => batch.length))).toBe(BATCH_MAX_CHANGES);
    const calm = settled(files);
    // the first breaths are short, for help to come early
    expect(scan(calm.disk, calm.journal.knownTree()).batches).toEqual([[], [], [], []]);
  });

  it('leaves no file open', () => {
    const disk = newDisk({ '.keepsyncignore': '*.log', 'a/.keepsyncignore': '!x.log', 'a/x.log': '1' });
    expect(scan(disk, new RememberedTree().knownTree()).brief).toEqual([
      '+file .keepsyncignore',
      '+dir a',
      '+file a/.keepsyncignore',
      '+file a/x.log',
    ]);
    expect(disk.openHandles).toBe(0);
  });
});
