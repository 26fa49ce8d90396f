import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noElectron, suiteName } from '../support/desktop/desktop-stage.ts';
import { findElectron } from '../support/desktop/electron-runtime.ts';

interface Fuse {
  readonly name: string;
  readonly wanted: boolean;
  readonly state: 'as wanted' | 'wrong' | 'not there';
}

const MODULE = new URL('../../scripts/lib/electron-fuses.mjs', import.meta.url).href;
const { fusedExecutable, readFuses, setFuses } = (await import(MODULE)) as {
  fusedExecutable(folder: string, name: string): string;
  readFuses(executable: string): Promise<readonly Fuse[]>;
  setFuses(executable: string): Promise<void>;
};

/** `npm run package` does the same with what it packed; here on the program that it packs. */
describe.skipIf(noElectron !== '')(suiteName('the fuses of the packaged program'), () => {
  test('are set by packaging, and read back from the program itself', async () => {
    const runtime = findElectron(process.env);
    const path = 'executablePath' in runtime ? runtime.executablePath : '';
    const folder = mkdtempSync(join(tmpdir(), 'keepsync-fuses-'));
    try {
      const program = join(folder, 'program');
      copyFileSync(fusedExecutable(dirname(path), basename(path)), program);
      const before = await readFuses(program);
      expect(before.some(({ state }) => state === 'wrong')).toBe(true);
      await setFuses(program);
      const after = await readFuses(program);
      expect(after.filter(({ state }) => state === 'wrong')).toEqual([]);
      const isOn = Object.fromEntries(after.map(({ name, wanted }) => [name, wanted]));
      expect(isOn).toEqual({
        RunAsNode: false,
        EnableNodeOptionsEnvironmentVariable: false,
        EnableNodeCliInspectArguments: false,
        EnableCookieEncryption: true,
        EnableEmbeddedAsarIntegrityValidation: true,
        OnlyLoadAppFromAsar: true,
        GrantFileProtocolExtraPrivileges: false,
      });
      // an older runtime knows all but the last
      expect(after.filter(({ state }) => state === 'as wanted').length).toBeGreaterThanOrEqual(6);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
