import type { ReactNode } from 'react';
import type { TrayState } from '../../src/contract/problems.ts';
import { type Bar, STAGES } from '../../src/contract/status.ts';
import { TrayMark } from './tray-mark.tsx';

/** Whether nothing stands anywhere but in Saved. */
export function allSaved(bar: Bar): boolean {
  return STAGES.every((stage) => stage === 'saved' || (bar[stage].bytes === 0 && bar[stage].files === 0));
}

export interface VerdictProps {
  readonly tray: TrayState;
  readonly sentence: string;
  readonly detail: string;
  /** Green is Saved and nothing else: being ready is not enough for it. */
  readonly allSaved?: boolean;
  readonly children?: ReactNode;
}

/** The answer to "is my data safe?", before anything else in a view. */
export function Verdict(props: VerdictProps) {
  const quiet = props.tray === 'ready' && props.allSaved !== true;
  return (
    <header className="verdict">
      <div className={quiet ? 'verdict-mark' : `verdict-mark of-${props.tray}`}>
        <TrayMark state={props.tray} size={26} />
      </div>
      <div className="grow">
        <h1>{props.sentence}</h1>
        <p>{props.detail}</p>
      </div>
      <div className="actions">{props.children}</div>
    </header>
  );
}
