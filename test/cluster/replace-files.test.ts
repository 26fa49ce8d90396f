import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterClient, ClusterStage, type Fields, md5 } from '../support/cluster-client.ts';

const stage = new ClusterStage();
let user: ClusterClient;
let otherPdh: string;
let uuid: string;

const EMPTY = 'd41d8cd98f00b204e9800998ecf8427e+0';
const FILES = { a: 'aa', b: 'bbb', 'd/x': 'xxxx', 'd/sub/y': 'yyyyy', 'e/z': 'zzzzzz' };

beforeAll(async () => {
  const admin = await stage.start();
  user = new ClusterClient(admin.cluster, await admin.cluster.createUser());
  const other = await user.saveFiles({ n: 'new', 'dir/m': 'more', 'dir/deep/o': 'other' });
  otherPdh = String(other.portable_data_hash);
});
afterAll(() => stage.cleanUp());

/** Path to content, from the blocks themselves; an empty folder ends in a slash. */
async function contentOf(client: ClusterClient, id: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  const { manifest_text: text } = await client.good('GET', `collections/${id}`);
  for (const line of String(text).split('\n').slice(0, -1)) {
    const [stream = '', ...tokens] = line.split(' ');
    const locators = tokens.filter((token) => /^[0-9a-f]{32}\+/.test(token));
    let bytes = '';
    for (const locator of locators) {
      bytes += locator.startsWith(EMPTY) ? '' : (await client.keep('GET', `/${locator}`)).bytes.toString();
    }
    for (const token of tokens.slice(locators.length)) {
      const [, position = '', length = '', name = ''] = /^(\d+):(\d+):(.*)$/.exec(token) ?? [];
      const path = `${stream}/${name === '\\056' ? '' : name}`.slice(2);
      content[path] =
        (content[path] ?? '') + bytes.slice(Number(position), Number(position) + Number(length));
    }
  }
  return content;
}

/** Replaces in a fresh copy of FILES; `$P` stands for the hash of the other collection. */
async function replace(
  replace_files: Record<string, string>,
  manifest_text?: string,
): Promise<{ status: number; body: Fields }> {
  uuid = String((await user.saveFiles(FILES)).uuid);
  const sources = Object.entries(replace_files).map(([to, from]) => [to, from.replace('$P', otherPdh)]);
  return user.api('PUT', `collections/${uuid}`, {
    collection: manifest_text === undefined ? {} : { manifest_text },
    replace_files: Object.fromEntries(sources),
  });
}

const without = (...paths: string[]) =>
  Object.fromEntries(Object.entries(FILES).filter(([path]) => !paths.includes(path)));

describe('replace_files', () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['deletes a file', { '/a': '' }, without('a')],
    ['deletes a folder', { '/d': '' }, without('d/x', 'd/sub/y')],
    ['deletes what is not there', { '/none': '', '/a/none': '', '/none/none': '' }, FILES],
    ['leaves a folder that it emptied', { '/e/z': '' }, { ...without('e/z'), 'e/': '' }],
    ['copies a file out of another collection', { '/n': '$P/n' }, { ...FILES, n: 'new' }],
    ['copies a folder', { '/c': '$P/dir' }, { ...FILES, 'c/m': 'more', 'c/deep/o': 'other' }],
    ['makes the folders on the way', { '/q/r/s': '$P/n' }, { ...FILES, 'q/r/s': 'new' }],
    ['overwrites a file', { '/d/x': '$P/n' }, { ...FILES, 'd/x': 'new' }],
    ['puts a folder in place of a file', { '/a': '$P/dir/deep' }, { ...without('a'), 'a/o': 'other' }],
    ['puts a file in place of a folder', { '/d': '$P/n' }, { ...without('d/x', 'd/sub/y'), d: 'new' }],
    ['renames a file', { '/a2': 'current/a', '/a': '' }, { ...without('a'), a2: 'aa' }],
    [
      'renames a folder',
      { '/f': 'current/d', '/d': '' },
      { ...without('d/x', 'd/sub/y'), 'f/x': 'xxxx', 'f/sub/y': 'yyyyy' },
    ],
    ['swaps two files', { '/a': 'current/b', '/b': 'current/a' }, { ...FILES, a: 'bbb', b: 'aa' }],
    [
      'swaps two folders',
      { '/d': 'current/e', '/e': 'current/d' },
      { a: 'aa', b: 'bbb', 'd/z': 'zzzzzz', 'e/x': 'xxxx', 'e/sub/y': 'yyyyy' },
    ],
    [
      'copies the same file to many places',
      { '/1': 'current/a', '/2': 'current/a' },
      { ...FILES, 1: 'aa', 2: 'aa' },
    ],
    [
      'copies a folder into itself',
      { '/d/copy': 'current/d' },
      { ...FILES, 'd/copy/x': 'xxxx', 'd/copy/sub/y': 'yyyyy' },
    ],
    ['replaces everything', { '/': '$P/dir' }, { m: 'more', 'deep/o': 'other' }],
    [
      'replaces everything with a whole collection',
      { '/': '$P/' },
      { n: 'new', 'dir/m': 'more', 'dir/deep/o': 'other' },
    ],
    [
      'takes a whole collection without a slash',
      { '/w': '$P' },
      { ...FILES, 'w/n': 'new', 'w/dir/m': 'more', 'w/dir/deep/o': 'other' },
    ],
    ['deletes everything', { '/': '' }, {}],
    ['starts afresh and adds', { '/': '', '/n': '$P/n' }, { n: 'new' }],
    [
      'keeps a part of what was while it starts afresh',
      { '/': '', '/kept': 'current/d/sub' },
      { 'kept/y': 'yyyyy' },
    ],
    [
      'deletes a folder and fills it anew',
      { '/d': '', '/d/n': '$P/n' },
      { ...without('d/x', 'd/sub/y'), 'd/n': 'new' },
    ],
    [
      'puts a folder where a file is deleted',
      { '/a': '', '/a/n': '$P/n' },
      { ...without('a'), 'a/n': 'new' },
    ],
  ])('%s', async (_, replacements, expected) => {
    const answer = await replace(replacements);
    expect(answer).toMatchObject({ status: 200 });
    expect(await contentOf(user, uuid)).toEqual(expected);
    const files = Object.entries(expected).filter(([path]) => !path.endsWith('/'));
    expect(answer.body).toMatchObject({
      file_count: files.length,
      file_size_total: files.reduce((sum, [, content]) => sum + content.length, 0),
    });
    const manifest = await user.manifest(uuid);
    expect(answer.body.portable_data_hash).toBe(`${md5(manifest)}+${manifest.length}`);
  });

  test('takes files and folders out of a manifest in the same request', async () => {
    const manifest = await user.manifestOf({ f: 'from manifest', 'g/h': 'below', unused: 'unused' });
    const answer = await replace(
      { '/new/f': 'manifest_text/f', '/b': 'manifest_text/g', '/a': '' },
      manifest,
    );
    expect(answer).toMatchObject({ status: 200 });
    const { a: _, b: __, ...kept } = FILES;
    expect(await contentOf(user, uuid)).toEqual({ ...kept, 'new/f': 'from manifest', 'b/h': 'below' });
  });

  test('works on a collection in the making', async () => {
    const made = await user.good('POST', 'collections', {
      collection: { name: 'from parts' },
      replace_files: { '/p': `${otherPdh}/dir` },
    });
    expect(await contentOf(user, String(made.uuid))).toEqual({ 'p/m': 'more', 'p/deep/o': 'other' });
  });

  test.each<[string, Record<string, string>, string?]>([
    ['a target without a slash before it', { a: '' }],
    ['a target with a slash behind it', { '/a/': '' }],
    ['a target with two slashes', { '/d//x': '' }],
    ['a target with .', { '/d/./x': '' }],
    ['a target with ..', { '/d/../x': '' }],
    ['a target that ends in ..', { '/d/..': '' }],
    ['an empty target', { '': '' }],
    ['a target inside a target that is filled', { '/d': '$P/n', '/d/x': '' }],
    ['a target inside / that is filled', { '/': '$P/', '/x': '' }],
    ['a source of no known kind', { '/a': 'elsewhere/a' }],
    ['a uuid for a source', { '/a': 'zzzzz-4zz18-000000000000000/a' }],
    ['a source that is not in the collection', { '/a': '$P/none' }],
    ['a source below a file', { '/a': '$P/n/below' }],
    ['a source that is not there now', { '/a': 'current/none' }],
    ['a source that is not in the manifest', { '/a': 'manifest_text/none' }, `. ${EMPTY} 0:0:f\n`],
    ['a manifest that nothing is taken from', { '/a': '' }, `. ${EMPTY} 0:0:f\n`],
    ['a target through a file', { '/a/b': '$P/n' }],
  ])('with %s is 400, and changes nothing', async (_, replacements, manifest) => {
    const answer = await replace({ '/b': '', ...replacements }, manifest);
    expect(answer.status).toBe(400);
    expect(await contentOf(user, uuid)).toEqual(FILES);
  });

  test('of a hash that nobody may read is 404', async () => {
    expect((await replace({ '/a': `${md5('?')}+1/f` })).status).toBe(404);
  });

  test('checks the signatures of what it takes from the manifest, and of nothing else', async () => {
    const good = await user.manifestOf({ good: 'good' });
    const bad = `./bad ${md5('bad')}+3 0:3:f\n`;
    expect((await replace({ '/g': 'manifest_text/good' }, good + bad)).status).toBe(200);
    expect((await replace({ '/g': 'manifest_text/bad' }, good + bad)).status).toBe(403);
    expect((await replace({ '/g': 'manifest_text/bad/f' }, good + bad)).status).toBe(403);
  });

  test('refuses a manifest that is none', async () => {
    expect((await replace({ '/g': 'manifest_text/f' }, 'nonsense')).status).toBe(422);
  });

  test('of two writers at once loses neither', async () => {
    const { uuid: shared } = await user.saveFiles({ start: 'start' });
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        user.good('PUT', `collections/${shared}`, {
          collection: {},
          replace_files: { [`/dir${index % 3}/${index}`]: `${otherPdh}/n` },
        }),
      ),
    );
    const content = await contentOf(user, String(shared));
    expect(Object.keys(content)).toHaveLength(21);
  });

  test('writes manifests as Arvados does: sorted, blocks in order of use, repeated only where another was between', async () => {
    const A = await user.putBlock('x'.repeat(36));
    const B = await user.putBlock('y'.repeat(36));
    const manifest = `. ${A} ${B} 0:4:c 4:4:a 40:4:b 8:4:d\n`;
    const made = await user.good('POST', 'collections', { manifest_text: manifest });
    await user.good('PUT', `collections/${made.uuid}`, {
      collection: {},
      replace_files: { '/\u{1f600}': 'current/a', '/\uffee': 'current/a' },
    });
    const [a = '', b = ''] = [A, B].map((locator) => locator.replace(/\+A.*/, ''));
    const lines = [`. ${a} ${b} ${a} 4:4:a 40:4:b 72:4:c 80:4:d 76:4:\uffee 76:4:\u{1f600}`, ''];
    expect(await user.manifest(String(made.uuid))).toBe(lines.join('\n'));
  });
});

describe('replace_segments', () => {
  test('moves parts of files to a new block, if all parts are there', async () => {
    const packed = await user.putBlock('aabbb');
    const first = `${md5('aa')}+2 0 2`;
    const second = `${md5('bbb')}+3 0 3`;
    const made = await user.saveFiles(FILES);
    const put = (replace_segments: Record<string, string>) =>
      user.api('PUT', `collections/${made.uuid}`, { collection: {}, replace_segments });
    const missing = await put({ [first]: `${packed} 0 2`, [`${md5('none')}+4 0 3`]: `${packed} 2 3` });
    expect(missing.body.portable_data_hash).toBe(made.portable_data_hash);
    expect((await put({ [first]: `${packed} 0 3` })).status).toBe(400);
    expect((await put({ [first]: 'nonsense' })).status).toBe(400);
    const unsigned = packed.replace(/\+A.*/, '');
    expect((await put({ [first]: `${unsigned} 0 2`, [second]: `${unsigned} 2 3` })).status).toBe(403);
    expect((await put({ [first]: `${packed} 0 2`, [second]: `${packed} 2 3` })).status).toBe(200);
    expect(await contentOf(user, String(made.uuid))).toEqual(FILES);
    expect(await user.manifest(String(made.uuid))).toContain(`. ${unsigned} 0:2:a 2:3:b\n`);
  });
});
