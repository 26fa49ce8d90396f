import { createHash } from 'node:crypto';
import type { AccountChecks } from '../api/checks.ts';
import type { Clock } from '../base/clock.ts';
import { errorToRecord, KeepsyncError } from '../base/errors.ts';
import { type CheckResult, type SignIn, type SignInCheck, signInSchema } from '../contract/shell.ts';
import type { Connection } from '../engine/connection.ts';

/** The window asks for one check after the other; they come out of one round, unless it is older than this. */
const ROUND_HOLDS_MS = 30_000;

interface Round {
  readonly of: string;
  readonly startedAtMs: number;
  readonly answers: Promise<AccountChecks>;
}

const passed = (detail: string): CheckResult => ({
  passed: true,
  detail,
  action: null,
  code: null,
  requestId: null,
});

/** The checklist of a sign-in, each check really made against the cluster. */
export class SignInChecks {
  readonly #clock: Clock;
  readonly #connectionOf: (signIn: SignIn) => Promise<Connection>;
  readonly #check: (connection: Connection) => Promise<AccountChecks>;
  #round: Round | undefined;

  constructor(options: {
    readonly clock: Clock;
    readonly connectionOf: (signIn: SignIn) => Promise<Connection>;
    readonly check: (connection: Connection) => Promise<AccountChecks>;
  }) {
    this.#clock = options.clock;
    this.#connectionOf = options.connectionOf;
    this.#check = options.check;
  }

  async check(wanted: SignIn, check: SignInCheck): Promise<CheckResult> {
    const signIn = signInSchema.parse(wanted);
    if (signIn.how === 'local') {
      return passed('Made when you go on');
    }
    let answers: AccountChecks;
    try {
      answers = await this.#answersFor(signIn, check);
    } catch (thrown) {
      const error = errorToRecord(thrown);
      return {
        passed: false,
        detail: error.message,
        action: error.action ?? null,
        code: error.code,
        requestId: error.requestId ?? null,
      };
    }
    const found = answers.checks.find((one) => one.id === check);
    if (found === undefined) {
      const reason = answers.checks.find((one) => !one.ok)?.message;
      throw new KeepsyncError('STATE', reason ?? 'This could not be checked', {
        action: 'Check again.',
      });
    }
    return {
      passed: found.ok,
      detail: found.message,
      action: found.action ?? null,
      code: null,
      requestId: found.requestId ?? null,
    };
  }

  /** The first check of the list begins a new round: a person who asks again wants to know how it is now. */
  #answersFor(signIn: SignIn, check: SignInCheck): Promise<AccountChecks> {
    // a digest, so that the token is not kept about
    const of = createHash('sha256').update(JSON.stringify(signIn)).digest('hex');
    const nowMs = this.#clock.nowMs();
    const round = this.#round;
    if (
      check !== 'host' &&
      round !== undefined &&
      round.of === of &&
      nowMs - round.startedAtMs < ROUND_HOLDS_MS
    ) {
      return round.answers;
    }
    const answers = this.#connectionOf(signIn).then((connection) => this.#check(connection));
    this.#round = { of, startedAtMs: nowMs, answers };
    return answers;
  }
}
