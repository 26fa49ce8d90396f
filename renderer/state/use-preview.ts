import { useEffect, useState } from 'react';
import type { Preview } from '../../src/contract/shell.ts';
import { type Failure, failureOf } from '../bridge.ts';
import { useWindow } from './window-context.tsx';

/** While a count goes on, newer numbers are asked for this often. */
const ASK_AGAIN_MS = 500;

export interface RuleChoice {
  readonly pattern: string;
  readonly on: boolean;
}

export interface PreviewState {
  /** Null: not offered here, or nothing counted yet. */
  readonly preview: Preview | null;
  readonly failure: Failure | null;
}

/**
 * Counts a folder under rules, live: numbers come while the walk goes on. Another path, other rules or another `round`
 * count anew; the old numbers stay until new ones come.
 */
export function usePreview(diskPath: string | null, rules: readonly RuleChoice[], round = 0): PreviewState {
  const { bridge } = useWindow();
  const [state, setState] = useState<PreviewState>({ preview: null, failure: null });
  const wanted = JSON.stringify({ diskPath, rules, round });
  useEffect(() => {
    const count = bridge.shell.previewFolder;
    const input = JSON.parse(wanted) as { diskPath: string | null; rules: RuleChoice[] };
    if (count === undefined || input.diskPath === null) {
      setState({ preview: null, failure: null });
      return;
    }
    const { diskPath: path, rules: chosen } = input;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let stopped = false;
    const ask = () => {
      count({ diskPath: path, rules: chosen }).then(
        (preview) => {
          if (stopped) {
            return;
          }
          setState({ preview, failure: null });
          if (!preview.complete) {
            timer = setTimeout(ask, ASK_AGAIN_MS);
          }
        },
        (thrown: unknown) => {
          if (!stopped) {
            setState((before) => ({ ...before, failure: failureOf(thrown) }));
          }
        },
      );
    };
    ask();
    return () => {
      stopped = true;
      if (timer !== null) {
        clearTimeout(timer);
      }
    };
  }, [bridge, wanted]);
  return state;
}
