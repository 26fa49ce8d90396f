// Asks the registry for known holes in what is installed, and looks at the licences of what is handed on. Started by
// run.mjs, after a build. Exit code 0: nothing found; 1: something was; 2: the registry could not be asked.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAdvisories } from './lib/advisories.mjs';
import { isAllowed, packagesIn } from './lib/licences.mjs';
import { quietly, ROOT, systemEnv } from './lib/processes.mjs';

/** Fewer would mean that the notices were not read, not that the program has shrunk. */
const FEWEST_PACKAGES = 50;

const noticesFile = join(ROOT, 'dist', 'THIRD-PARTY-NOTICES.txt');
if (!existsSync(noticesFile)) {
  console.error('There are no notices: run "npm run build" first.');
  process.exit(1);
}
const shipped = packagesIn(readFileSync(noticesFile, 'utf8'));
const licencesAreFine = checkLicences();
const advisories = checkAdvisories();
process.exitCode = licencesAreFine && advisories !== 'found' ? (advisories === 'unknown' ? 2 : 0) : 1;

function checkLicences() {
  const refused = shipped.filter(({ licence }) => !isAllowed(licence));
  for (const { name, version, licence } of refused) {
    console.log(`LICENCE  ${name} ${version}: ${licence} is not on the list of scripts/lib/licences.mjs`);
  }
  const isRead = shipped.length >= FEWEST_PACKAGES;
  if (!isRead) {
    console.log(`LICENCE  only ${shipped.length} packages were found in the notices`);
  }
  const kinds = [...new Set(shipped.map(({ licence }) => licence))].sort().join(', ');
  console.log(`${shipped.length} packages are handed on, under ${kinds}; ${refused.length} refused`);
  return isRead && refused.length === 0;
}

/** @returns {'none' | 'found' | 'unknown'} */
function checkAdvisories() {
  const { output } = quietly('npm', ['audit', '--json', '--loglevel=silent'], { env: systemEnv() });
  const answer = readAdvisories(output);
  if (answer.kind === 'unknown') {
    console.log(`ADVISORIES WERE NOT CHECKED: the registry of this npm could not be asked (${answer.why})`);
    console.log('That is not a clean bill: exit code 2. Run it where a registry answers.');
    return 'unknown';
  }
  const names = new Set(shipped.map(({ name }) => name));
  for (const { name, severity, range, fixAvailable } of answer.found) {
    const where = names.has(name) ? 'handed on' : 'used to build and test';
    const mend = fixAvailable === false ? 'no newer version mends it' : 'npm update mends it';
    console.log(`ADVISORY ${name} ${range} (${severity}, ${where}): ${mend}`);
  }
  console.log(`The registry was asked: ${answer.found.length} packages with advisories`);
  return answer.kind;
}
