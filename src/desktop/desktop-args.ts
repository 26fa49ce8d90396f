import { HIDDEN_FLAG } from './autostart-entry.ts';

export interface DesktopArgs {
  /** `--profile DIR`; undefined: KEEPSYNC_PROFILE or the platform's place. */
  readonly profile: string | undefined;
  /** Started at login: no window until somebody asks for it. */
  readonly hidden: boolean;
  /**
   * `--try-here=FOLDER`: the local cluster of the profile, with that folder (absolute) kept saved in it; '' stands for
   * ~/Keepsync. Undefined: whoever is signed in.
   */
  readonly tryHere: string | undefined;
}

/** Reads the command line of the app; what it does not know is Chromium's. */
export function desktopArgs(argv: readonly string[]): DesktopArgs {
  const index = argv.findIndex((argument) => argument === '--profile' || argument.startsWith('--profile='));
  const found = argv[index];
  const profile = found === '--profile' ? argv[index + 1] : found?.slice('--profile='.length);
  const flag = '--try-here';
  const tryHere = argv.find((argument) => argument === flag || argument.startsWith(`${flag}=`));
  return {
    profile: index < 0 ? undefined : profile,
    hidden: argv.includes(HIDDEN_FLAG),
    tryHere: tryHere?.slice(flag.length + 1),
  };
}
