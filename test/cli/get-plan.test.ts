import { expect, it } from 'vitest';
import { contentBelow } from '../../src/cli/collection-path.ts';
import { planBlocks, planGet } from '../../src/cli/get/get-plan.ts';

const BLOCK = `${'a'.repeat(32)}+4000000`;

function planOf(manifestText: string, platform: NodeJS.Platform = 'linux') {
  const content = contentBelow(manifestText, '');
  if (content === undefined) {
    throw new Error('the manifest names nothing');
  }
  return planGet({ content, strip: '', top: '/out', partsName: '.parts', platform });
}
/** Folders that are put in their place as a whole. */
const wholeDirs = (manifestText: string) =>
  planOf(manifestText).dirs.flatMap(({ diskPath, partsPath }) => (partsPath === undefined ? [] : [diskPath]));

it('moves folders of several small files as one, but none that holds folders, and not the top', () => {
  expect(
    wholeDirs(
      `. ${BLOCK} 0:1:a 0:1:b\n./d ${BLOCK} 0:1:a 0:1:b\n./d/e ${BLOCK} 0:1:a 0:1:b\n./f ${BLOCK} 0:1:a\n`,
    ),
  ).toEqual(['/out/d/e']);
});

it('lets large files appear one by one', () => {
  expect(wholeDirs(`./d ${BLOCK} 0:2000000:a 0:2000000:b\n./e ${BLOCK} 0:2000000:a 0:9:b\n`)).toEqual([
    '/out/e',
  ]);
});

it.each(['A', 'a.', 'b~1', 'b:c', 'b\\134c', 'é', 'b?', 'b\\040', 'b\\011c'])(
  'fills no folder by names of which a disk could take two for one: a and %s',
  (name) => {
    expect(wholeDirs(`./d ${BLOCK} 0:1:a 1:1:${name}\n`)).toEqual([]);
    const paths = planOf(`./d ${BLOCK} 0:1:a 1:1:${name}\n`).files.map(({ partPath }) => partPath);
    expect(paths.map((path) => path.toLowerCase())).toEqual(['/out/.parts/s1/0', '/out/.parts/s1/1']);
  },
);

it.each(['b', 'b.txt', '.b', 'b c', 'b-1_2+3=4,5;6', '(b)[c]{d}', 'b@c#d%e&f$g!h^i`j'])(
  'fills a folder by ordinary names, like %s',
  (name) => {
    const plan = planOf(`./d ${BLOCK} 0:1:a 1:1:${name.replace(' ', '\\040')}\n`);
    const at = (folder: string) => ['a', name].sort().map((one) => `${folder}/${one}`);
    expect(plan.files.map(({ partPath }) => partPath).sort()).toEqual(at('/out/.parts/d0'));
    expect(plan.files.map(({ diskPath }) => diskPath).sort()).toEqual(at('/out/d'));
  },
);

it('refuses what would get into the folder of parts, whatever the case on a disk that folds it', () => {
  const refused = (name: string, platform: NodeJS.Platform) =>
    planOf(`./${name} ${BLOCK} 0:1:a\n. ${BLOCK} 0:1:b\n`, platform).refused.map(({ path }) => path);
  expect(refused('.parts', 'linux')).toEqual(['.parts/a']);
  expect(refused('.Parts', 'linux')).toEqual([]);
  expect(refused('.Parts', 'darwin')).toEqual(['.Parts/a']);
});

it('fetches a block once, whatever the signatures it comes with', () => {
  const signed = (letter: string) => `${BLOCK}+A${letter.repeat(40)}@ffffffff`;
  const plan = planOf(`./d ${signed('a')} 0:1:a 5:3:b\n./e ${signed('b')} 7:2:c\n./e ${signed('a')} 1:1:c\n`);
  const blocks = planBlocks(plan, [...plan.files.keys()]);
  expect(blocks).toHaveLength(1);
  expect(blocks[0]).toMatchObject({
    key: BLOCK,
    locator: signed('a'),
    files: [0, 1, 2],
    fileOfTarget: [0, 1, 2, 2],
    sizeBytes: 7,
  });
  expect([...(blocks[0]?.targets.ranges ?? [])]).toEqual([0, 0, 1, 0, 5, 3, 0, 7, 2, 2, 1, 1]);
});
