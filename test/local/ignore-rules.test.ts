import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_PATTERNS, explainIgnored, IgnoreRules } from '../../src/local/ignore-rules.ts';

const nothing = () => undefined;

describe('the default patterns', () => {
  it.each([
    '.notes.txt.swp',
    'deep/down/~$report.docx',
    '.~lock.sheet.ods#',
    '.DS_Store',
    'a/Thumbs.db',
    'desktop.ini',
    '.keepsync-4711.part',
  ])('leave out %s', (path) => {
    expect(explainIgnored([], nothing, path, false)).toMatchObject({
      ignored: true,
      rule: { source: 'default' },
    });
  });

  it.each(['.keepsyncignore', 'data.tmp', 'movie.part', 'file~', 'core', '.git/config', '.env', 'x.swf'])(
    'keep %s: a person may miss it',
    (path) => {
      expect(explainIgnored([], nothing, path, false)).toEqual({ ignored: false });
    },
  );

  it('can be taken back by a pattern of the folder', () => {
    expect(explainIgnored(['!Thumbs.db'], nothing, 'a/Thumbs.db', false).ignored).toBe(false);
  });
});

describe('an explanation', () => {
  it('names the pattern, its line and where it stands', () => {
    const files: Record<string, string> = { '': '# top\n\n*.o\n', 'src/lib': '/gen\n!keep.o\n' };
    const read = (dir: string) => files[dir];
    expect(explainIgnored(['*.log'], read, 'a.log', false)).toEqual({
      ignored: true,
      rule: { source: 'settings', line: 1, pattern: '*.log' },
    });
    expect(explainIgnored([], read, 'src/x.o', false)).toEqual({
      ignored: true,
      rule: { source: '.keepsyncignore', line: 3, pattern: '*.o' },
    });
    expect(explainIgnored([], read, 'src/lib/gen/deep/file', false)).toEqual({
      ignored: true,
      rule: { source: 'src/lib/.keepsyncignore', line: 1, pattern: '/gen' },
    });
    expect(explainIgnored([], read, 'src/lib/keep.o', false)).toEqual({ ignored: false });
  });

  it('copes with Windows line ends and a byte order mark', () => {
    const rules = IgnoreRules.of([]).withFile('', '\uFEFF*.o\r\nbuild/\r\n');
    expect(rules.tester()('x.o', false).ignored).toBe(true);
    expect(rules.tester()('build', true).ignored).toBe(true);
  });

  it('never throws for odd names', () => {
    const test = IgnoreRules.of(['a*']).withFile('odd [dir]*', 'x\n\\#y\n').tester();
    for (const name of ['..a', '...', ' ', 'a\nb', 'a\\b', '!', '#', '[', 'C:x', 'odd [dir]*/z']) {
      expect(() => test(name, false)).not.toThrow();
    }
    expect(test('odd [dir]*/x', false).ignored).toBe(true);
    expect(test('odd d/x', false).ignored).toBe(false);
    expect(test('odd [dir]*/#y', false).ignored).toBe(true);
  });
});

describe('nested ignore files, compared with git itself', () => {
  const files: Record<string, string> = {
    '': '*.o\n/only-top\nsub/exact\nnode_modules/\n!important.o\nfoo/**/bar\n*.d\n',
    a: '!x.o\n/anchored\nb/c.txt\n\\!bang\n\\#hash\n*.tmp \ndir/\n!open.d\n',
    'a/b': '*\n!keep\n!*/\n',
    'we[i]rd dir': 'x\n/y\n',
  };
  const paths = [
    'x.o',
    'a/x.o',
    'a/y.o',
    'a/deep/x.o',
    'important.o',
    'only-top',
    'a/only-top',
    'sub/exact',
    'a/sub/exact',
    'node_modules/pkg/index.js',
    'a/node_modules/pkg',
    'foo/bar',
    'foo/1/2/bar',
    'a/foo/bar',
    'a/anchored',
    'a/deep/anchored',
    'a/b/c.txt',
    'a/!bang',
    'a/#hash',
    'a/q.tmp',
    'a/dir/file',
    'a/deep/dir/file',
    'a/open.d/file',
    'a/shut.d/file',
    'a/b/keep',
    'a/b/other',
    'a/b/sub/keep',
    'a/b/sub/other',
    'we[i]rd dir/x',
    'we[i]rd dir/deep/x',
    'we[i]rd dir/y',
    'we[i]rd dir/deep/y',
    'weird dir/x',
  ];
  let repository = '';

  beforeAll(() => {
    repository = mkdtempSync(join(tmpdir(), 'keepsync-git-'));
    execFileSync('git', ['init', '-q', repository]);
    for (const [dir, text] of Object.entries(files)) {
      mkdirSync(join(repository, dir), { recursive: true });
      writeFileSync(join(repository, dir, '.gitignore'), text);
    }
    for (const path of paths) {
      mkdirSync(join(repository, dirname(path)), { recursive: true });
      writeFileSync(join(repository, path), '');
    }
  });
  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  it('leaves out what git leaves out', () => {
    const listed = execFileSync(
      'git',
      ['-c', 'core.excludesFile=/dev/null', 'ls-files', '-z', '--others', '--exclude-standard'],
      { cwd: repository, encoding: 'utf8' },
    );
    const seenByGit = listed.split('\0').filter((path) => paths.includes(path));
    const seenByUs = paths.filter((path) => !explainIgnored([], (dir) => files[dir], path, false).ignored);
    expect(seenByUs.sort()).toEqual(seenByGit.sort());
    expect(seenByUs.length).toBeGreaterThan(5);
    expect(seenByUs.length).toBeLessThan(paths.length - 10);
  });
});

it('documents the defaults it applies', () => {
  expect(DEFAULT_PATTERNS).toContain('.DS_Store');
  expect(DEFAULT_PATTERNS.length).toBeLessThan(12);
});
