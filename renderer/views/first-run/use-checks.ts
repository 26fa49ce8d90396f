import { useCallback, useEffect, useRef, useState } from 'react';
import {
  type CheckResult,
  SIGN_IN_CHECKS,
  type SignIn,
  type SignInCheck,
} from '../../../src/contract/shell.ts';
import { failureOf } from '../../bridge.ts';
import { useWindow } from '../../state/window-context.tsx';

export type CheckState = 'waiting' | 'asking' | CheckResult;

export interface Checks {
  readonly states: Readonly<Record<SignInCheck, CheckState>>;
  readonly passed: number;
  readonly running: boolean;
  readonly allPassed: boolean;
}

const blank = (): Record<SignInCheck, CheckState> => ({
  host: 'waiting',
  arvados: 'waiting',
  certificate: 'waiting',
  clock: 'waiting',
  token: 'waiting',
  keep: 'waiting',
});

/**
 * The checklist, live: one check after another, ending with the first that fails, for the later ones would only repeat
 * it. `wanted` null stops and empties the list.
 */
export function useChecks(wanted: SignIn | null): Checks & { again: () => void } {
  const { bridge } = useWindow();
  const [states, setStates] = useState(blank);
  const [running, setRunning] = useState(false);
  const [round, setRound] = useState(0);
  const generation = useRef(0);
  // a new round checks the same thing again
  const key = JSON.stringify({ signIn: wanted, round });
  useEffect(() => {
    const mine = ++generation.current;
    const { check } = bridge.shell;
    const { signIn } = JSON.parse(key) as { signIn: SignIn | null };
    setStates(blank());
    setRunning(signIn !== null && check !== undefined);
    if (signIn === null || check === undefined) {
      return;
    }
    const set = (name: SignInCheck, state: CheckState) =>
      setStates((before) => ({ ...before, [name]: state }));
    const walk = async () => {
      for (const name of SIGN_IN_CHECKS) {
        set(name, 'asking');
        const result = await check({ signIn, check: name }).catch((thrown: unknown): CheckResult => {
          const failure = failureOf(thrown);
          return {
            passed: false,
            detail: failure.message,
            action: failure.action,
            code: failure.code,
            requestId: failure.requestId,
          };
        });
        if (mine !== generation.current) {
          return;
        }
        set(name, result);
        if (!result.passed) {
          break;
        }
      }
      setRunning(false);
    };
    void walk();
    return () => {
      generation.current += 1;
    };
  }, [bridge, key]);
  const passed = SIGN_IN_CHECKS.filter((name) => {
    const state = states[name];
    return typeof state === 'object' && state.passed;
  }).length;
  const again = useCallback(() => setRound((count) => count + 1), []);
  return { states, passed, running, allPassed: passed === SIGN_IN_CHECKS.length, again };
}
