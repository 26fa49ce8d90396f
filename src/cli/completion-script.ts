import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Entry {
  /** `folder add`; '' is the program itself. */
  readonly path: string;
  readonly summary: string;
  readonly commands: readonly string[];
  readonly flags: ReadonlyArray<{ readonly flag: string; readonly description: string }>;
}

/** All commands with what may follow each, read from the program itself, so that the script never lags behind. */
function entriesOf(program: Command): Entry[] {
  const entries: Entry[] = [];
  const walk = (command: Command, path: string) => {
    const children = command.commands.filter((child) => child.name() !== 'help');
    entries.push({
      path,
      summary: command.summary() || command.description(),
      commands: children.map((child) => child.name()),
      flags: command.options
        .filter((option) => !option.hidden)
        .map((option) => ({ flag: option.long ?? option.short ?? '', description: option.description })),
    });
    for (const child of children) {
      walk(child, path === '' ? child.name() : `${path} ${child.name()}`);
    }
  };
  walk(program, '');
  return entries;
}

const single = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export function completionScript(program: Command, shell: Shell): string {
  const name = program.name();
  const entries = entriesOf(program);
  const globals = entries[0]?.flags.map(({ flag }) => flag) ?? [];
  switch (shell) {
    case 'bash':
      return bash(name, entries, globals);
    case 'zsh':
      return `#compdef ${name}\nautoload -U +X bashcompinit && bashcompinit\n${bash(name, entries, globals)}`;
    case 'fish':
      return fish(name, entries);
  }
}

function bash(name: string, entries: readonly Entry[], globals: readonly string[]): string {
  const cases = entries.map(({ path, commands, flags }) => {
    const options = [...new Set([...flags.map(({ flag }) => flag), ...globals, '--help'])];
    return `    ${single(path)}) words=${single([...commands, ...options].join(' '))};;`;
  });
  const parents = entries
    .filter(({ commands, path }) => commands.length > 0 && path !== '')
    .map(({ path }) => path);
  return `_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      -*) continue;;
    esac
    if [ -z "$path" ]; then
      path="$word"
    else
      case "$path" in
        ${parents.length === 0 ? "''" : parents.map(single).join('|')}) path="$path $word"; break;;
        *) break;;
      esac
    fi
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${name} ${name}`;
}

function fish(name: string, entries: readonly Entry[]): string {
  const lines: string[] = [];
  for (const { path, commands, flags } of entries) {
    const parts = path === '' ? [] : path.split(' ');
    const condition =
      parts.length === 0
        ? '__fish_use_subcommand'
        : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
    for (const child of commands) {
      const entry = entries.find((one) => one.path === (path === '' ? child : `${path} ${child}`));
      lines.push(
        `complete -c ${name} -n ${single(condition)} -a ${child} -d ${single(entry?.summary ?? '')}`,
      );
    }
    for (const { flag, description } of flags) {
      const where = parts.length === 0 ? '' : ` -n ${single(condition)}`;
      lines.push(`complete -c ${name}${where} -l ${flag.replace(/^-+/, '')} -d ${single(description)}`);
    }
  }
  return lines.join('\n');
}
