import { keepHeapsSmall } from '../base/small-heaps.ts';
import { processEnvironment } from './environment.ts';
import { lazyServices } from './lazy-services.ts';
import { runCli } from './program.ts';

/** A command has ended when it says so; a thread that hangs must not keep its process alive. */
const LINGER_MS = 3_000;

keepHeapsSmall();
runCli(process.argv.slice(2), processEnvironment(), lazyServices).then(
  (exitCode) => {
    process.exitCode = exitCode;
    setTimeout(() => process.exit(exitCode), LINGER_MS).unref();
  },
  (thrown: unknown) => {
    // a bug of ours; the stack is for whoever mends it
    console.error(thrown);
    process.exitCode = 1;
  },
);
