import { keepHeapsSmall } from '../base/small-heaps.ts';
import { processEnvironment } from './environment.ts';
import { lazyServices } from './lazy-services.ts';
import { runCli } from './program.ts';

keepHeapsSmall();
runCli(process.argv.slice(2), processEnvironment(), lazyServices).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (thrown: unknown) => {
    // a bug of ours; the stack is for whoever mends it
    console.error(thrown);
    process.exitCode = 1;
  },
);
