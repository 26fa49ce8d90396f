import { open } from 'node:fs/promises';
import { systemCode } from '../base/durable-file.ts';

/** The last `maxBytes` of a text file, from the start of a line; '' where there is none. */
export async function readTail(file: string, maxBytes: number): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, maxBytes);
      const bytes = Buffer.alloc(length);
      await handle.read(bytes, 0, length, size - length);
      const text = bytes.toString('utf8');
      return length < size ? text.slice(text.indexOf('\n') + 1) : text;
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') {
      return '';
    }
    throw thrown;
  }
}
