import { writeFileSync } from 'node:fs';
import type { BenchCluster } from './bench-cluster.ts';
import type { ReadyBlock } from './trees.ts';
import type { Usage, Workplace } from './workplace.ts';

/**
 * What no client can beat: blocks that are ready in files, whose md5 is known, sent by two curls at a time over kept
 * connections. With two copies each curl has a server of its own; with one they take turns.
 */
export async function sendByCurl(
  workplace: Workplace,
  cluster: BenchCluster,
  blocks: readonly ReadyBlock[],
  copies: 1 | 2,
): Promise<Usage> {
  const env = workplace.environment(cluster);
  const parts = [0, 1].map((part) => {
    const server = cluster.facts.keepUrls[part];
    return blocks
      .filter((_, index) => copies === 2 || index % 2 === part)
      .map(({ md5, path }) =>
        [
          `url = "${server}/${md5}"`,
          `upload-file = "${path}"`,
          `header = "Authorization: Bearer ${env.ARVADOS_API_TOKEN}"`,
          'header = "Expect:"',
          `cacert = "${env.SSL_CERT_FILE}"`,
          'output = "/dev/null"',
        ].join('\n'),
      );
  });
  const curls = parts
    .filter((part) => part.length > 0)
    .map((part) => {
      const config = workplace.fresh('curl');
      writeFileSync(config, part.join('\nnext\n'), { mode: 0o600 });
      return `curl --disable --silent --show-error --fail-early --fail --config '${config}'`;
    });
  const script = `${curls.map((curl, index) => `${curl} & p${index}=$!`).join('\n')}\n${curls
    .map((_, index) => `wait $p${index} || exit 1`)
    .join('\n')}`;
  const { usage } = await workplace.measure(['sh', '-c', script], env);
  return usage;
}
