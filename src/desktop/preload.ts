import { contextBridge, type IpcRendererEvent, ipcRenderer, webUtils } from 'electron';
import type { Answer, Place, PreloadApi, ShellCallName } from '../contract/shell.ts';
import { CHANNELS, OFFERS_ARGUMENT } from './channels.ts';

/** Events by name, so that the main process sends only what somebody listens to. */
const listeners = new Map<string, Set<(payload: unknown) => void>>();

ipcRenderer.on(CHANNELS.event, (_event: IpcRendererEvent, name: string, payload: unknown) => {
  for (const listener of listeners.get(name) ?? []) {
    listener(payload);
  }
});

function offers(): readonly ShellCallName[] {
  const found = process.argv.find((argument) => argument.startsWith(OFFERS_ARGUMENT));
  // the main process wrote the list and answers to nothing else
  return (found?.slice(OFFERS_ARGUMENT.length).split(',') ?? []) as ShellCallName[];
}

const api: PreloadApi = {
  offers: offers(),
  run: (name, input) => ipcRenderer.invoke(CHANNELS.run, name, input) as Promise<Answer>,
  callShell: (name, input) => ipcRenderer.invoke(CHANNELS.shell, name, input) as Promise<Answer>,
  subscribe: (event, listener) => {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set);
    if (set.size === 0) {
      ipcRenderer.send(CHANNELS.subscribe, event);
    }
    set.add(listener);
    return () => {
      if (set.delete(listener) && set.size === 0) {
        ipcRenderer.send(CHANNELS.unsubscribe, event);
      }
    };
  },
  acceptDrop: (file) =>
    ipcRenderer.invoke(CHANNELS.acceptDrop, webUtils.getPathForFile(file as File)) as Promise<string | null>,
  onNavigate: (listener) => {
    const forward = (_event: IpcRendererEvent, place: Place) => listener(place);
    ipcRenderer.on(CHANNELS.navigate, forward);
    return () => {
      ipcRenderer.off(CHANNELS.navigate, forward);
    };
  },
};

contextBridge.exposeInMainWorld('keepsync', api);
