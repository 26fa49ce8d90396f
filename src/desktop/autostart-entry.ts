/** At login the app starts without its window. */
export const HIDDEN_FLAG = '--hidden';

/** An argument of an Exec line: quoted, with what the format gives a meaning escaped. */
export function execArgument(text: string): string {
  const escaped = text.replace(/(["`$\\])/g, '\\$1').replaceAll('%', '%%');
  // the value as a whole is unescaped once more before it is split
  return `"${escaped.replaceAll('\\', '\\\\')}"`;
}

/** The entry that the freedesktop autostart folder takes. */
export function autostartEntry(command: readonly string[]): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Keepsync',
    'Comment=Saves folders in Arvados Keep',
    `Exec=${command.map(execArgument).join(' ')}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}
