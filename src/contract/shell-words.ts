import { countText, plural } from './words.ts';

/** What the shell says outside of the window: tray, notifications, dialogs of the system. */
export const shellWords = {
  app: 'Keepsync',
  title: (sentence: string) => `${sentence} – Keepsync`,

  tray: {
    open: 'Open Keepsync',
    problems: (count: number) => (count === 0 ? 'Problems' : `Problems (${countText(count)})`),
    pause: 'Pause',
    pauseHour: 'For 1 hour',
    pauseTomorrow: 'Until tomorrow',
    pauseUntilResume: 'Until I resume',
    resume: 'Resume',
    retry: 'Retry now',
    folders: 'Folders',
    settings: 'Settings',
    quit: 'Quit Keepsync',
  },

  notifications: {
    needsYou: (folder: string | null) => (folder === null ? 'Keepsync needs you' : `${folder} needs you`),
    saved: (folder: string) => `${folder} is saved`,
    savedBody: (files: number, size: string) => `${plural(files, 'file')}, ${size}, everything saved`,
    stillHere: 'Keepsync goes on in the background',
    stillHereBody: 'Your folders stay watched. Open or quit Keepsync from its icon in the tray.',
    stillHereBodyMac: 'Your folders stay watched. Open or quit Keepsync from its icon in the menu bar.',
  },

  quit: {
    message: 'Some of it is not saved yet',
    detail: (files: number, size: string) =>
      `${plural(files, 'file')}, ${size} are not saved. What was uploaded is not sent again.`,
    finish: 'Finish, then quit',
    later: 'Quit and resume later',
    cancel: 'Cancel',
    finishing: 'Finishing, then Keepsync quits',
    stillFinishing: 'Keepsync is still saving',
    stillFinishingDetail: 'What was uploaded is not sent again; the rest goes on with the next start.',
    goOn: 'Go on',
  },

  locked: {
    title: 'Keepsync is running already',
    close: 'Close',
  },

  /** What lies in the profile was damaged, or changed by something else; what was done about it is told below. */
  damagedFile: 'A file of Keepsync was damaged or changed',

  failed: {
    title: 'Keepsync cannot start',
    crashed: 'Keepsync had to stop',
    crashedDetail: 'Nothing is lost: it goes on where it stopped with the next start.',
    window: 'The window closed unexpectedly several times; Keepsync goes on without it.',
  },

  chooseFolder: 'Choose a folder to keep saved',
  chooseCa: 'Choose the certificate file',
  saveAs: 'Save',
} as const;
