import { app, type BrowserWindow, dialog, type MessageBoxOptions } from 'electron';
import { asKeepsyncError } from '../base/errors.ts';
import { shellWords } from '../contract/shell-words.ts';
import type { Amount } from '../contract/status.ts';
import { sizeText } from '../contract/words.ts';
import type { QuitChoice } from './quit-flow.ts';

const words = shellWords.quit;

function ask(window: BrowserWindow | undefined, options: MessageBoxOptions) {
  return window === undefined ? dialog.showMessageBox(options) : dialog.showMessageBox(window, options);
}

/** Finish, quit and resume later, or stay. */
export async function askQuit(window: BrowserWindow | undefined, unsaved: Amount): Promise<QuitChoice> {
  const choices: readonly QuitChoice[] = ['finish', 'later', 'cancel'];
  const { response } = await ask(window, {
    type: 'question',
    title: shellWords.app,
    message: words.message,
    detail: words.detail(unsaved.files, sizeText(unsaved.bytes)),
    buttons: [words.finish, words.later, words.cancel],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  });
  return choices[response] ?? 'cancel';
}

/** True: quit now after all. */
export async function askStillFinishing(window: BrowserWindow | undefined): Promise<boolean> {
  const { response } = await ask(window, {
    type: 'question',
    title: shellWords.app,
    message: words.stillFinishing,
    detail: words.stillFinishingDetail,
    buttons: [words.goOn, words.later],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  });
  return response === 1;
}

/** The app cannot start, or another Keepsync has the profile: says who and what to do. */
export async function tellCannotStart(thrown: unknown): Promise<void> {
  const error = asKeepsyncError(thrown);
  await app.whenReady();
  await dialog.showMessageBox({
    type: error.code === 'LOCKED' ? 'info' : 'error',
    title: shellWords.app,
    message: error.code === 'LOCKED' ? shellWords.locked.title : shellWords.failed.title,
    detail: [error.message, error.action ?? ''].join('\n').trim(),
    buttons: [shellWords.locked.close],
    noLink: true,
  });
}

/** A file of the profile was damaged: says what is used instead. Resolves when it was read. */
export async function tellDamage(message: string): Promise<void> {
  await app.whenReady();
  await dialog.showMessageBox({
    type: 'warning',
    title: shellWords.app,
    message: shellWords.damagedFile,
    detail: message,
    buttons: [shellWords.locked.close],
    noLink: true,
  });
}
