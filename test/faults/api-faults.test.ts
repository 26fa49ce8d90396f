import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { CAUSES } from '../../src/contract/problems.ts';
import { makeTestCertificate } from '../support/api-certificate.ts';
import { ALL, type FrontFault } from '../support/fault-front.ts';
import { API_FAULTS, type Table } from '../support/fault-matrix.ts';
import { ATTEMPTS, codesOf, FaultStage, FaultWorld, type FaultWorldOptions } from '../support/fault-world.ts';

const CREATE = /^POST \/arvados\/v1\/collections$/;
const LOOK = /^GET \/arvados\/v1\/collections\//;
const SAVE = /^PUT \/arvados\/v1\/collections\//;

/**
 * One way in which a fault is met. `saved`: the client got over it by itself. A code: this problem of the folder, of
 * this kind. In each case everything is saved once, and right, when the fault is gone.
 */
interface Case {
  readonly how: string;
  readonly on: RegExp;
  readonly fault: FrontFault;
  readonly times: number;
  readonly ends: 'saved' | ErrorCode;
  /** What a person is told has to hold this. */
  readonly says?: RegExp;
  readonly options?: FaultWorldOptions;
}

type More = Pick<Case, 'says' | 'options'>;

const retried = (code: ErrorCode, fault: FrontFault, more: More = {}): Case[] => [
  { how: 'met by one save', on: SAVE, fault, times: 1, ends: 'saved', ...more },
  { how: 'met by every save', on: SAVE, fault, times: ALL, ends: code, ...more },
  { how: 'met when the collection is made', on: CREATE, fault, times: 1, ends: 'saved', ...more },
  { how: 'met by the look before a save', on: LOOK, fault, times: 1, ends: 'saved', ...more },
];

const refused = (code: ErrorCode, fault: FrontFault, more: More = {}): Case[] => [
  { how: 'met by a save', on: SAVE, fault, times: 1, ends: code, ...more },
  { how: 'met when the collection is made', on: CREATE, fault, times: 1, ends: code, ...more },
  { how: 'met by the look before a save', on: LOOK, fault, times: ALL, ends: code, ...more },
];

const status = (code: number, said = 'scripted'): FrontFault => ({
  kind: 'answer',
  status: code,
  body: JSON.stringify({ errors: [said] }),
  headers: { 'content-type': 'application/json' },
});

/** The server's own answer with one field changed. */
const field = (name: string, change: (value: string) => string): FrontFault => ({
  kind: 'edit',
  edit: (answer) => {
    const record = JSON.parse(Buffer.from(answer.body).toString('utf8')) as Record<string, unknown>;
    const body = Buffer.from(JSON.stringify({ ...record, [name]: change(String(record[name])) }));
    return { ...answer, body };
  },
});

const HTML: FrontFault = {
  kind: 'answer',
  status: 200,
  body: '<!doctype html><html><body>Welcome to the hotel. Please sign in.</body></html>',
  headers: { 'content-type': 'text/html' },
};

const once = (how: string, on: RegExp, fault: FrontFault, options?: FaultWorldOptions): Case => ({
  how,
  on,
  fault,
  times: 1,
  ends: 'saved',
  ...(options === undefined ? {} : { options }),
});

const TABLE: Table<typeof API_FAULTS, readonly Case[]> = {
  '408': retried('BUSY', status(408)),
  '423': retried('BUSY', status(423)),
  '429': retried('BUSY', status(429)),
  '500': retried('SERVER', status(500)),
  '502': retried('SERVER', status(502)),
  '503': retried('BUSY', status(503)),
  '507': refused('FULL', status(507)),
  '401 with a valid token': refused('NOT_SIGNED_IN', status(401, 'Not logged in'), {
    says: /does not accept the token/,
  }),
  '401 with an expired token': refused('NOT_SIGNED_IN', status(401, 'Not logged in'), {
    says: /expired on \d{4}-\d\d-\d\d/,
    options: { tokenExpiresAtMs: Date.now() - 86_400_000 },
  }),
  '403': refused('FORBIDDEN', status(403)),
  '404': refused('NOT_FOUND', status(404, 'Path not found')),
  '422': [
    // After the first, the collection is looked at as a whole: it may be another than it was taken for.
    once('met by one save', SAVE, status(422)),
    { how: 'met by two saves', on: SAVE, fault: status(422), times: 2, ends: 'REFUSED' },
    ...refused('REFUSED', status(422)).filter((one) => one.on !== SAVE),
  ],
  'connection reset before the body': retried('OFFLINE', { kind: 'reset-before-body' }),
  'connection reset during the body': [
    once('met by one save', SAVE, { kind: 'reset-during-body' }),
    once('met when the collection is made', CREATE, { kind: 'reset-during-body' }),
  ],
  'connection reset after the body': retried('OFFLINE', { kind: 'reset-after-body' }),
  'answer lost after commit': retried('OFFLINE', { kind: 'lost-answer' }),
  hang: [
    once('met by one save', SAVE, { kind: 'hang' }, { apiTimeoutMs: 1_500 }),
    once('met when the collection is made', CREATE, { kind: 'hang' }, { apiTimeoutMs: 1_500 }),
  ],
  drip: [
    once('of the answer to a save', SAVE, { kind: 'drip', pieceBytes: 32, everyMs: 3 }),
    once('of the answer to a look', LOOK, { kind: 'drip', pieceBytes: 32, everyMs: 3 }),
  ],
  'truncated body': retried('OFFLINE', { kind: 'truncate' }),
  'wrong md5 in the answer': [
    once(
      'of a save: the next look compares',
      SAVE,
      field('portable_data_hash', (pdh) => `${'0'.repeat(32)}${pdh.slice(32)}`),
    ),
    once(
      'of a look: the collection is compared',
      LOOK,
      field('portable_data_hash', (pdh) => `${'0'.repeat(32)}${pdh.slice(32)}`),
    ),
  ],
  'wrong size in the answer': [
    once(
      'of a save: the next look compares',
      SAVE,
      field('portable_data_hash', (pdh) => `${pdh}1`),
    ),
    {
      how: 'of a save, that is no size',
      on: SAVE,
      fault: field('portable_data_hash', (pdh) => pdh.slice(0, 33)),
      times: 1,
      ends: 'BAD_ANSWER',
    },
  ],
  HTML: refused('NOT_ARVADOS', HTML),
  'huge JSON': [
    {
      how: 'met by a save',
      on: SAVE,
      fault: status(200, 'x'.repeat(4_000_000)),
      times: 1,
      ends: 'TOO_LARGE',
      options: { maxAnswerBytes: 1_000_000 },
    },
  ],
  redirect: refused('NOT_ARVADOS', {
    kind: 'answer',
    status: 302,
    headers: { location: 'http://127.0.0.1:9/elsewhere' },
  }),
  // Takes another authority rather than a front: see below.
  'bad certificate': [],
};

let stage: FaultStage;
beforeAll(async () => {
  stage = await FaultStage.start();
});
afterAll(() => stage.close());

describe('what can go wrong with the API', () => {
  let met = 0;
  const cases = Object.entries(TABLE).flatMap(([name, list]) => list.map((one) => ({ name, one })));

  it.each(cases.map(({ name, one }) => [`${name}, ${one.how}`, one.ends, one] as const))(
    '%s: %s',
    async (_name, _ends, one) => {
      const world = new FaultWorld(stage);
      try {
        if (one.on !== CREATE) {
          // Else the collection would be made with all that is in it, and there would be no other save.
          world.mkdir('empty');
        }
        stage.api.add(one.on, one.fault, one.times);
        const { result, status: told } = await world.run(one.options);
        stage.heal();
        if (one.ends === 'saved') {
          expect(result).toMatchObject({ outcome: 'saved', failures: [] });
        } else {
          expect([result.outcome, codesOf(result)]).toEqual(['failed', [one.ends]]);
          const cause = CAUSES[one.ends];
          expect(told.problems.map(({ code, kind }) => [code, kind])).toEqual([[one.ends, cause.kind]]);
          expect(told.problems[0]?.message).toMatch(one.says ?? /./);
          expect(told.tray).not.toBe('ready');
        }
        // As the next command would, whatever became of this one.
        expect((await world.run()).result).toMatchObject({ outcome: 'saved', failures: [] });
        expect(await world.remote()).toEqual(world.local());
        met += 1;
      } finally {
        world.end();
      }
    },
  );

  it('bad certificate: the token is not sent, and everything once the authority is known', async () => {
    const world = new FaultWorld(stage);
    try {
      const before = stage.api.requests.length;
      const { certificatePem } = await makeTestCertificate();
      const { result, status: told } = await world.run({ ca: certificatePem });
      expect(codesOf(result)).toEqual(['TLS']);
      expect([told.tray, told.problems[0]?.kind]).toEqual(['error', 'needs-you']);
      expect(stage.api.requests.length).toBe(before);
      expect((await world.run()).result.outcome).toBe('saved');
      expect(await world.remote()).toEqual(world.local());
      met += 1;
    } finally {
      world.end();
    }
  });

  it('was met as a whole', () => {
    expect(Object.keys(TABLE).sort()).toEqual([...API_FAULTS].sort());
    expect(met).toBe(cases.length + 1);
    console.log(`API: ${API_FAULTS.length} faults met in ${met} ways, up to ${ATTEMPTS} tries each`);
  });
});
