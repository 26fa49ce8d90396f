import { readFileSync } from 'node:fs';
import { normalizeManifest } from '../../src/collection/manifest-normalize.ts';
import { hashOfStripped } from '../../src/collection/manifest-text.ts';

/** What ours needs to parse a manifest, normalise it and hash it: `own-manifest.ts FILE`. */
const text = readFileSync(process.argv[2] ?? '', 'utf8');
console.log(hashOfStripped(normalizeManifest(text, { strip: true })));
