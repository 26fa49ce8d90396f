import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { CommandName } from '../../../src/contract/commands.ts';
import type { Answer } from '../../../src/contract/shell.ts';
import { FakeBridge, type Scenario } from '../../renderer/fake-bridge.ts';
import type { RunningDesktop } from './desktop-under-test.ts';

/** A scripted engine behind the window of a real app. */
export interface FedWindow {
  readonly fake: FakeBridge;
  close(): Promise<void>;
}

/**
 * From here on the app's window is told what a scripted engine says, over the real bridge: for amounts that would take
 * hours to upload. The page is loaded anew.
 */
export async function feedWindow(app: RunningDesktop, scenario: Scenario): Promise<FedWindow> {
  const fake = new FakeBridge({ scenario, seed: 7, still: true, changesPerSecond: 0, hasTray: true });
  const server = createServer((request, response) => {
    text(request)
      .then((body) => {
        const { name, input } = JSON.parse(body) as { name: CommandName; input: never };
        return fake.run(name, input);
      })
      .then(
        (value): Answer => ({ ok: true, value }),
        (thrown: unknown): Answer => ({
          ok: false,
          error: { code: 'INTERNAL', name: 'Error', message: String(thrown) },
        }),
      )
      .then((answer) => response.end(JSON.stringify(answer)))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await app.app.evaluate(({ BrowserWindow, ipcMain }, atPort) => {
    const http = process.mainModule?.require('node:http') as typeof import('node:http');
    const ask = (body: string) =>
      new Promise<unknown>((resolve, reject) => {
        const request = http.request(
          { host: '127.0.0.1', port: atPort, method: 'POST', agent: false },
          (response) => {
            const pieces: Buffer[] = [];
            response.on('data', (piece: Buffer) => pieces.push(piece));
            response.on('end', () => resolve(JSON.parse(Buffer.concat(pieces).toString())));
            response.on('error', reject);
          },
        );
        request.on('error', reject);
        request.end(body);
      });
    ipcMain.removeHandler('keepsync:run');
    ipcMain.handle('keepsync:run', (_event, name: string, input: unknown) =>
      ask(JSON.stringify({ name, input })),
    );
    // what the app's own engine tells must not come between
    for (const { webContents } of BrowserWindow.getAllWindows()) {
      webContents.send = () => undefined;
    }
  }, port);
  const page = await app.page();
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  return {
    fake,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
