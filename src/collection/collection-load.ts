import { ArvadosFile } from './arvados-file.ts';
import { Directory } from './directory.ts';
import type { FileContext } from './file-context.ts';
import { ManifestError, type ManifestStream, scanManifest } from './manifest-scan.ts';
import { pushRange, type Segment } from './segments.ts';
import { eachRange } from './stream-ranges.ts';

/** Fills `root` with what a manifest says. Throws ManifestError, also where a path is a file and a folder. */
export function loadManifest(text: string, root: Directory, context: FileContext): void {
  const continued = new Set<ArvadosFile>();
  const folderAt = (from: Directory, path: string, stream: ManifestStream): Directory => {
    let directory = from;
    for (const part of path === '' ? [] : path.split('/')) {
      const node = directory.get(part);
      if (node !== undefined && !(node instanceof Directory)) {
        throw new ManifestError(stream.lineNumber, path, `'${part}' is a file and a folder`);
      }
      const next = node ?? new Directory();
      if (node === undefined) {
        directory.putLoaded(part, next);
      }
      directory = next;
    }
    return directory;
  };
  let ofStream = root;
  scanManifest(text, {
    stream: (stream) => {
      ofStream = folderAt(root, stream.path, stream);
    },
    emptyDir: (stream, path) => {
      folderAt(root, path, stream);
    },
    file: (stream, name, position, sizeBytes) => {
      const slash = name.lastIndexOf('/');
      const directory = slash < 0 ? ofStream : folderAt(ofStream, name.slice(0, slash), stream);
      const base = slash < 0 ? name : name.slice(slash + 1);
      const node = directory.get(base);
      if (node instanceof Directory) {
        throw new ManifestError(stream.lineNumber, name, `'${base}' is a file and a folder`);
      }
      if (node !== undefined) {
        node.addSegment(stream, position, sizeBytes);
        continued.add(node);
        return;
      }
      const segments: Segment[] = [];
      eachRange(stream, position, sizeBytes, (locator, offset, length) => {
        pushRange(segments, locator, offset, length);
      });
      directory.putLoaded(base, new ArvadosFile(context, { segments }));
    },
  });
  for (const file of continued) {
    file.setUnmodified();
  }
}
