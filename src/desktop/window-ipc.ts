import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { type IpcMainEvent, type IpcMainInvokeEvent, ipcMain, type WebContents } from 'electron';
import { errorToRecord, KeepsyncError } from '../base/errors.ts';
import type { LogPort } from '../base/log.ts';
import type { CommandHost } from '../contract/commands.ts';
import { errorForWire, eventNameSchema } from '../contract/protocol.ts';
import type { Answer, Place } from '../contract/shell.ts';
import { runChecked } from '../control/protocol-session.ts';
import type { ChosenPaths } from '../shell/chosen-paths.ts';
import { runShellCall, type ShellHandlers } from '../shell/shell-calls.ts';
import { isAppUrl } from './app-protocol.ts';
import { CHANNELS } from './channels.ts';

export interface WindowIpcOptions {
  /** Already guarded: what a window may run. */
  readonly host: CommandHost;
  readonly shell: ShellHandlers;
  readonly paths: ChosenPaths;
  /** The one window whose page is listened to; undefined while there is none. */
  readonly contents: () => WebContents | undefined;
  readonly log: LogPort;
}

/** The main process' end of the bridge: every message is checked for who sent it and what it says. */
export class WindowIpc {
  readonly #options: WindowIpcOptions;
  readonly #subscriptions = new Map<string, () => void>();
  /** Where the page is to go once it listens. */
  #wantedPlace: Place | undefined;

  constructor(options: WindowIpcOptions) {
    this.#options = options;
    const { host, shell } = options;
    ipcMain.handle(CHANNELS.run, (event, name: unknown, input: unknown) =>
      this.#answer(event, () => runChecked(host, String(name), input)),
    );
    ipcMain.handle(CHANNELS.shell, (event, name: unknown, input: unknown) =>
      this.#answer(event, () => runShellCall(shell, String(name), input)),
    );
    ipcMain.handle(CHANNELS.acceptDrop, (event, path: unknown) =>
      this.#isOurs(event) ? acceptDrop(options.paths, path) : null,
    );
    ipcMain.on(CHANNELS.subscribe, (event, name: unknown) => this.#subscribe(event, name));
    ipcMain.on(CHANNELS.unsubscribe, (event, name: unknown) => {
      if (this.#isOurs(event)) {
        this.#unsubscribe(String(name));
      }
    });
  }

  /** Brings the window to a place; a page that is only about to begin goes there when it has. */
  navigate(place: Place): void {
    if (this.#subscriptions.has('status')) {
      this.#options.contents()?.send(CHANNELS.navigate, place);
    } else {
      this.#wantedPlace = place;
    }
  }

  /** The page is gone or begins anew: what it listened to, it will ask for again. */
  reset(): void {
    for (const name of [...this.#subscriptions.keys()]) {
      this.#unsubscribe(name);
    }
  }

  close(): void {
    this.reset();
    for (const channel of [CHANNELS.run, CHANNELS.shell, CHANNELS.acceptDrop]) {
      ipcMain.removeHandler(channel);
    }
    ipcMain.removeAllListeners(CHANNELS.subscribe);
    ipcMain.removeAllListeners(CHANNELS.unsubscribe);
  }

  /** Only the main frame of our window, and only while it shows our page. */
  #isOurs(event: IpcMainEvent | IpcMainInvokeEvent): boolean {
    const contents = this.#options.contents();
    const frame = event.senderFrame;
    const isOurs =
      contents !== undefined &&
      event.sender === contents &&
      frame !== null &&
      frame.routingId === contents.mainFrame.routingId &&
      frame.processId === contents.mainFrame.processId &&
      isAppUrl(frame.url);
    if (!isOurs) {
      this.#options.log.log('warn', 'A message from a page that is not ours was refused');
    }
    return isOurs;
  }

  async #answer(event: IpcMainInvokeEvent, work: () => Promise<unknown>): Promise<Answer> {
    try {
      if (!this.#isOurs(event)) {
        throw new KeepsyncError('FORBIDDEN', 'This page may not ask');
      }
      return { ok: true, value: await work() };
    } catch (thrown) {
      return { ok: false, error: errorForWire(errorToRecord(thrown)) };
    }
  }

  #subscribe(event: IpcMainEvent, wanted: unknown): void {
    const name = eventNameSchema.safeParse(wanted);
    if (!this.#isOurs(event) || !name.success || this.#subscriptions.has(name.data)) {
      return;
    }
    const stop = this.#options.host.subscribe(name.data, (payload) => {
      const contents = this.#options.contents();
      if (contents !== undefined && !contents.isDestroyed()) {
        contents.send(CHANNELS.event, name.data, payload);
      }
    });
    this.#subscriptions.set(name.data, stop);
    // a page that asks for the status is drawn, and listens to where it is to go
    const place = this.#wantedPlace;
    if (name.data === 'status' && place !== undefined) {
      this.#wantedPlace = undefined;
      this.navigate(place);
    }
  }

  #unsubscribe(name: string): void {
    this.#subscriptions.get(name)?.();
    this.#subscriptions.delete(name);
  }
}

/** A folder that was dropped on the window counts as pointed at; a file, or something that is gone, does not. */
async function acceptDrop(paths: ChosenPaths, path: unknown): Promise<string | null> {
  if (typeof path !== 'string' || !isAbsolute(path)) {
    return null;
  }
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? paths.add(path) : null;
}
