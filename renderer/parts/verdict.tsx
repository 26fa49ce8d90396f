import type { ReactNode } from 'react';
import type { TrayState } from '../../src/contract/problems.ts';
import { TrayMark } from './tray-mark.tsx';

/** The answer to "is my data safe?", before anything else in a view. */
export function Verdict(props: { tray: TrayState; sentence: string; detail: string; children?: ReactNode }) {
  return (
    <header className="verdict">
      <div className={`verdict-mark of-${props.tray}`}>
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
