import { resolve } from 'node:path';
import type { Command } from 'commander';
import { checkToken, parseApiHost } from '../../api/api-host.ts';
import type { Connection, WhoAmI } from '../../engine/connection.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { usage } from '../folder-options.ts';
import { askHidden, readSecretLine } from '../hidden-prompt.ts';
import type { RunWork } from './command.ts';

interface LoginFlags {
  readonly host?: string;
  readonly tokenStdin?: boolean;
  readonly caFile?: string;
  readonly insecure?: boolean;
  readonly allowPlainHttpKeep?: boolean;
}

export function addAccount(program: Command, run: RunWork): void {
  program
    .command('login')
    .summary('sign in to a cluster')
    .description(
      'Signs in to a cluster. The token is asked for on the terminal, or read from stdin; it is never an argument.',
    )
    .option(
      '--host <host>',
      'address of the Arvados API, such as zzzzz.example.org (default: ARVADOS_API_HOST)',
    )
    .option('--token-stdin', 'read the token from stdin')
    .option('--ca-file <pem>', 'certificate of a private authority')
    .option('--insecure', 'do not check the certificate')
    .option('--allow-plain-http-keep', 'send the token to Keep services without encryption, too')
    .action((flags: LoginFlags) => run((context) => login(context, flags)));
  program
    .command('logout')
    .summary('forget the token')
    .description('Forgets host and token of this profile. Folders and journal stay.')
    .action(() => run(logout));
  program
    .command('whoami')
    .summary('show who is signed in where')
    .description('Shows the user and cluster that commands would use, and where they were found.')
    .action(() => run(whoami));
}

function describe(user: WhoAmI): string {
  return user.name === ''
    ? user.email || user.uuid
    : user.email === ''
      ? user.name
      : `${user.name} <${user.email}>`;
}

async function login(context: Context, flags: LoginFlags) {
  const { env, output } = context;
  const entered = flags.host ?? env.env.ARVADOS_API_HOST;
  if (entered === undefined) {
    throw usage('Which cluster? Give its address with --host');
  }
  const host = parseApiHost(entered).text;
  if (!flags.tokenStdin && env.stdin.isTTY !== true) {
    throw usage('There is no terminal to ask for the token; use --token-stdin');
  }
  const token = flags.tokenStdin ? await readSecretLine(env) : await askHidden(env, `Token for ${host}: `);
  checkToken(token);
  context.hide(token);
  const connection: Connection = {
    host,
    token,
    insecure: flags.insecure ?? false,
    caFile: flags.caFile === undefined ? env.env.SSL_CERT_FILE || null : resolve(env.cwd, flags.caFile),
    allowPlainHttpKeep: flags.allowPlainHttpKeep ?? false,
    local: false,
    origin: 'profile',
  };
  const user = await context.services.whoAmI(connection, context.signal);
  await context.tokenFile.write(host, token);
  (await context.settings()).set({
    account: {
      host,
      insecure: connection.insecure,
      caFile: connection.caFile,
      allowPlainHttpKeep: connection.allowPlainHttpKeep,
      local: false,
    },
  });
  output.payload({ host, user });
  output.line(`Signed in to ${host} as ${describe(user)}`);
  output.note(`The token is kept in ${context.tokenFile.path}, a file that only you can read (mode 0600).`);
  if (!user.isActive) {
    output.warn('This account is not active yet: sign in to Workbench once, or ask the administrators.');
  }
  if ((await context.ownerIfRunning()) !== undefined) {
    output.warn('A Keepsync is running on this profile; it takes the new account when it is started again.');
  }
  return EXIT.saved;
}

async function logout(context: Context) {
  const settings = await context.settings();
  const { account } = settings.get();
  await context.tokenFile.remove();
  settings.set({ account: { ...account, host: null, local: false } });
  context.output.result({ host: account.host }, [
    account.host === null ? 'Nobody was signed in' : `Signed out of ${account.host}`,
  ]);
  return EXIT.saved;
}

async function whoami(context: Context) {
  const connection = await context.connection();
  const user = await context.services.whoAmI(connection, context.signal);
  const from = {
    environment: 'from the environment',
    'settings file': 'from settings.conf',
    profile: 'from "keepsync login"',
  }[connection.origin];
  context.output.result({ host: connection.host, origin: connection.origin, user }, [
    describe(user),
    `${connection.host} (${from})`,
  ]);
  return EXIT.saved;
}
