import { Check, X } from 'lucide-react';
import { SIGN_IN_CHECKS } from '../../../src/contract/shell.ts';
import { texts } from '../../words.ts';
import type { CheckState, Checks } from './use-checks.ts';

function Mark({ state }: { state: CheckState }) {
  if (state === 'waiting') {
    return <span className="check-mark" role="img" aria-label={texts.firstRun.where.waiting} />;
  }
  if (state === 'asking') {
    return <span className="check-mark is-asking" role="img" aria-label={texts.firstRun.where.asking} />;
  }
  return state.passed ? (
    <span className="check-mark is-passed">
      <Check className="icon icon-small" aria-label={texts.firstRun.where.passed} />
    </span>
  ) : (
    <span className="check-mark is-failed">
      <X className="icon icon-small" aria-label={texts.firstRun.where.failed} />
    </span>
  );
}

function detailOf(state: CheckState): string {
  return typeof state === 'string' ? (state === 'asking' ? texts.firstRun.where.asking : '') : state.detail;
}

/** What is checked before signing in, as it is checked. */
export function Checklist({ checks }: { checks: Checks }) {
  return (
    <ul className="card checklist" aria-label={texts.firstRun.where.checksLabel} aria-live="polite">
      {SIGN_IN_CHECKS.map((name) => {
        const state = checks.states[name];
        const failed = typeof state === 'object' && !state.passed ? state : null;
        return (
          <li key={name}>
            <Mark state={state} />
            <span className="check-name">{texts.firstRun.where.checks[name]}</span>
            <span className="check-detail small quiet">
              {detailOf(state)}
              {failed !== null && failed.action !== null && (
                <span className="check-action">{failed.action}</span>
              )}
              {failed !== null && failed.requestId !== null && (
                <span className="mono">{failed.requestId}</span>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
