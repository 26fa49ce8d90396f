import { writeFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { app, type BrowserWindow, clipboard, dialog, type OpenDialogOptions, shell } from 'electron';
import { KeepsyncError } from '../base/errors.ts';
import type { CommandHost } from '../contract/commands.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { ChosenPaths } from '../shell/chosen-paths.ts';
import type { DiagnosticsDesk } from '../shell/diagnostics.ts';
import type { ShellHandlers } from '../shell/shell-calls.ts';

const done = { ok: true } as const;

export interface DesktopCallPorts {
  readonly host: CommandHost;
  readonly paths: ChosenPaths;
  readonly diagnostics: DiagnosticsDesk;
  /** Dialogs belong to the window, where there is one. */
  readonly window: () => BrowserWindow | undefined;
  /** Address of a folder's collection in Workbench; null where there is none. */
  readonly workbenchUrl: (folderId: string) => Promise<string | null>;
}

/** The shell calls that only a desktop can answer: dialogs, clipboard, file manager, browser. */
export function desktopCalls(ports: DesktopCallPorts): ShellHandlers {
  const open = async (options: OpenDialogOptions): Promise<string | null> => {
    const window = ports.window();
    const answer = await (window === undefined
      ? dialog.showOpenDialog(options)
      : dialog.showOpenDialog(window, options));
    return answer.canceled ? null : (answer.filePaths[0] ?? null);
  };
  const save = async (suggestedName: string, data: string | Uint8Array): Promise<string | null> => {
    const window = ports.window();
    const options = {
      title: shellWords.saveAs,
      // a name, never a path: the window only suggests
      defaultPath: join(app.getPath('downloads'), basename(suggestedName.replaceAll('\\', '/'))),
    };
    const answer = await (window === undefined
      ? dialog.showSaveDialog(options)
      : dialog.showSaveDialog(window, options));
    if (answer.canceled || answer.filePath === undefined || answer.filePath === '') {
      return null;
    }
    await writeFile(answer.filePath, data);
    return answer.filePath;
  };
  return {
    chooseFolder: async () => {
      const path = await open({
        title: shellWords.chooseFolder,
        properties: ['openDirectory', 'createDirectory'],
      });
      return path === null ? null : ports.paths.add(path);
    },
    chooseCaFile: () =>
      open({
        title: shellWords.chooseCa,
        properties: ['openFile'],
        filters: [{ name: 'PEM', extensions: ['pem', 'crt', 'cer'] }],
      }),
    showFile: async ({ folderId, path }) => {
      shell.showItemInFolder(await fileOf(ports.host, folderId, path));
      return done;
    },
    copyText: ({ text }) => {
      clipboard.writeText(text);
      return done;
    },
    openExternalWorkbench: async ({ folderId }) => {
      const url = await ports.workbenchUrl(folderId);
      if (url === null) {
        throw new KeepsyncError('NOT_FOUND', 'There is no page of this collection in Workbench', {
          action: 'Wait until the folder was saved once.',
        });
      }
      await shell.openExternal(url);
      return { url: null };
    },
    saveText: async ({ suggestedName, text }) => ({ saved: (await save(suggestedName, text)) !== null }),
    saveDiagnostics: async () => ({
      path: await save('keepsync-diagnostics.zip', await ports.diagnostics.zip()),
    }),
  };
}

/** The path on disk of a file of a folder pair; never one outside of its roots. */
async function fileOf(host: CommandHost, folderId: string, path: string | null): Promise<string> {
  const { config } = await host.run('folders.get', { folderId });
  const first = config.roots[0];
  if (path === null && first !== undefined) {
    return first.diskPath;
  }
  const parts = (path ?? '').split('/');
  if (parts.includes('..') || parts.some((part) => part.includes('\\') && sep === '\\')) {
    throw new KeepsyncError('USAGE', 'That is no path of this folder');
  }
  for (const root of config.roots) {
    const prefix = root.prefix === '' ? '' : `${root.prefix}/`;
    if ((path ?? '').startsWith(prefix)) {
      return join(root.diskPath, ...(path ?? '').slice(prefix.length).split('/'));
    }
  }
  throw new KeepsyncError('USAGE', 'That is no path of this folder');
}
