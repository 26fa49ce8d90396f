import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { KeepsyncError } from '../../src/base/errors.ts';
import { CAUSES } from '../../src/contract/problems.ts';
import { makeTestCertificate } from '../support/api-certificate.ts';
import { ALL, ALL_OF_ONE, FaultFront, type FrontAnswer, type FrontFault } from '../support/fault-front.ts';
import { KEEP_FAULTS, type Table } from '../support/fault-matrix.ts';
import { ATTEMPTS, codesOf, FaultStage, FaultWorld, type FaultWorldOptions } from '../support/fault-world.ts';

const PUT = /^PUT \//;
const GET = /^GET \//;

/**
 * One way in which a fault is met. `saved`: the client got over it by itself. A code: this problem, of this kind, and
 * whatever has nothing to do with it saved. In each case everything is saved, and right, once the fault is gone.
 */
interface Case {
  readonly how: string;
  readonly on: RegExp;
  readonly fault: FrontFault;
  readonly times: number;
  readonly ends: 'saved' | ErrorCode;
  readonly options?: FaultWorldOptions;
}

const put = (
  how: string,
  fault: FrontFault,
  times: number,
  ends: Case['ends'],
  options?: FaultWorldOptions,
): Case => ({ how, on: PUT, fault, times, ends, ...(options === undefined ? {} : { options }) });

const get = (
  how: string,
  fault: FrontFault,
  times: number,
  ends: Case['ends'],
  options?: FaultWorldOptions,
): Case => ({ how, on: GET, fault, times, ends, ...(options === undefined ? {} : { options }) });

/** Tried again by itself; a problem that waits where it stays. */
const retried = (code: ErrorCode, fault: FrontFault, options?: FaultWorldOptions): Case[] => [
  put('met by one PUT', fault, 1, 'saved', options),
  put('met by every PUT of a block', fault, ALL_OF_ONE, code, options),
  get('met by one GET', fault, 1, 'saved', options),
];

/** Never asked twice: it would say the same. */
const refused = (code: ErrorCode, fault: FrontFault, readCode: ErrorCode = code): Case[] => [
  put('met by a PUT', fault, 1, code),
  get('met by a GET', fault, 1, readCode),
];

const status = (code: number, body?: string): FrontFault => ({
  kind: 'answer',
  status: code,
  ...(body === undefined ? {} : { body }),
});

const edited = (edit: (answer: FrontAnswer) => FrontAnswer): FrontFault => ({ kind: 'edit', edit });

const withBody = (change: (body: Buffer) => Uint8Array): FrontFault =>
  edited((answer) => ({ ...answer, body: change(Buffer.from(answer.body)) }));

const withHeader = (name: string, value: string | undefined): FrontFault =>
  edited((answer) => ({ ...answer, headers: { ...answer.headers, [name]: value } }));

const HTML = '<!doctype html><html><body>Welcome to the hotel. Please sign in.</body></html>';
const BRIEF = { timeouts: { idleMs: 1_500 } };

const TABLE: Table<typeof KEEP_FAULTS, readonly Case[]> = {
  '408': retried('BUSY', status(408)),
  '423': retried('BUSY', status(423)),
  '429': retried('BUSY', status(429)),
  '500': retried('SERVER', status(500)),
  '502': retried('SERVER', status(502)),
  '503': retried('BUSY', status(503)),
  '507': [put('met by every PUT', status(507), ALL, 'FULL')],
  '401 with a valid token': [
    put('met by every PUT', status(401), ALL, 'NOT_SIGNED_IN'),
    get('met by a GET', status(401), 1, 'NOT_SIGNED_IN'),
  ],
  '401 with an expired token': [
    put('met by every PUT', status(401), ALL, 'NOT_SIGNED_IN', { tokenExpiresAtMs: Date.now() - 1 }),
  ],
  '403': refused('FORBIDDEN', status(403), 'NOT_FOUND'),
  '404': refused('NOT_FOUND', status(404)),
  '422': refused('REFUSED', status(422), 'SIGNATURE'),
  'connection reset before the body': retried('OFFLINE', { kind: 'reset-before-body' }),
  'connection reset during the body': [
    put('met by one PUT', { kind: 'reset-during-body' }, 1, 'saved'),
    put('met by every PUT of a block', { kind: 'reset-during-body' }, ALL_OF_ONE, 'OFFLINE'),
  ],
  'connection reset after the body': retried('OFFLINE', { kind: 'reset-after-body' }),
  'answer lost after commit': retried('OFFLINE', { kind: 'lost-answer' }),
  hang: [
    put('met by one PUT', { kind: 'hang' }, 1, 'saved', BRIEF),
    get('met by one GET', { kind: 'hang' }, 1, 'saved', BRIEF),
  ],
  drip: [
    put('of an answer to a PUT', { kind: 'drip', pieceBytes: 16, everyMs: 2 }, 1, 'saved'),
    get('of a block, slowly', { kind: 'drip', pieceBytes: 4_096, everyMs: 5 }, 1, 'saved'),
    get('of a block, too slowly', { kind: 'drip', pieceBytes: 8, everyMs: 50 }, 1, 'saved', {
      timeouts: { slowWindowMs: 1_000, slowBytesPerSecond: 1_000 },
    }),
  ],
  'truncated body': retried('BAD_ANSWER', { kind: 'truncate' }),
  'wrong md5 in the answer': [
    put(
      'met by one PUT',
      withBody((body) => Buffer.from(`${'0'.repeat(32)}${body.toString().slice(32)}`)),
      1,
      'saved',
    ),
    put(
      'met by every PUT of a block',
      withBody((body) => Buffer.from(`${'0'.repeat(32)}${body.toString().slice(32)}`)),
      ALL_OF_ONE,
      'CHECKSUM',
    ),
    get(
      'other bytes of the same size, once',
      withBody((body) => Buffer.alloc(body.length, 'x')),
      1,
      'saved',
    ),
    get(
      'other bytes of the same size, always',
      withBody((body) => Buffer.alloc(body.length, 'x')),
      ALL_OF_ONE,
      'CHECKSUM',
    ),
  ],
  'wrong size in the answer': [
    put(
      'met by every PUT of a block',
      withBody((body) => Buffer.from(body.toString().replace(/\+(\d+)/, '+1$1'))),
      ALL_OF_ONE,
      'CHECKSUM',
    ),
    get(
      'more than asked for, once',
      withBody((body) => Buffer.concat([body, Buffer.from('x')])),
      1,
      'saved',
    ),
    get(
      'less than asked for, always',
      withBody((body) => body.subarray(1)),
      ALL_OF_ONE,
      'BAD_ANSWER',
    ),
  ],
  HTML: [
    put(
      'with status 200, met by one PUT',
      { kind: 'answer', status: 200, body: HTML, headers: { 'content-type': 'text/html' } },
      1,
      'saved',
    ),
    put(
      'with status 200, met by every PUT of a block',
      { kind: 'answer', status: 200, body: HTML },
      ALL_OF_ONE,
      'BAD_ANSWER',
    ),
    put('with status 503, met by one PUT', status(503, HTML), 1, 'saved'),
    get('with status 200, met by one GET', { kind: 'answer', status: 200, body: HTML }, 1, 'saved'),
  ],
  'huge JSON': [
    put(
      'met by every PUT of a block',
      status(200, JSON.stringify({ all: 'x'.repeat(8_000_000) })),
      ALL_OF_ONE,
      'BAD_ANSWER',
    ),
    get('met by one GET', status(200, JSON.stringify({ all: 'x'.repeat(8_000_000) })), 1, 'saved'),
  ],
  redirect: retried('BAD_ANSWER', {
    kind: 'answer',
    status: 302,
    headers: { location: 'http://127.0.0.1:9/elsewhere' },
  }),
  // These take more than a front before the right server: see below.
  'bad certificate': [],
  'service list that changes': [],
  'service list that names a plain-http stranger': [],
  'missing storage-class header': [
    put(
      'is taken as it was before there were classes',
      withHeader('x-keep-storage-classes-confirmed', undefined),
      1,
      'saved',
      {
        storageClasses: ['default'],
      },
    ),
  ],
  'empty storage-class header': [
    put(
      'met by every PUT of a block',
      withHeader('x-keep-storage-classes-confirmed', ''),
      ALL_OF_ONE,
      'CLASSES',
      {
        storageClasses: ['default'],
      },
    ),
    put('is nothing to who wants no class', withHeader('x-keep-storage-classes-confirmed', ''), 1, 'saved'),
  ],
  'fewer copies than wanted': [
    put('met by every PUT of a block', withHeader('x-keep-replicas-stored', '1'), ALL_OF_ONE, 'COPIES', {
      copies: 2,
    }),
    put('said to be none, met by one PUT', withHeader('x-keep-replicas-stored', '0'), 1, 'saved'),
  ],
};

let stage: FaultStage;
beforeAll(async () => {
  stage = await FaultStage.start();
});
afterAll(() => stage.close());

async function onWorld(work: (world: FaultWorld) => Promise<void>): Promise<void> {
  const world = new FaultWorld(stage);
  try {
    await work(world);
  } finally {
    world.end();
  }
}

/** Each local file is saved with its bytes, or among the failures. */
async function accountsForEachFile(world: FaultWorld, failed: ReadonlySet<string>): Promise<void> {
  const remote = await world.remote();
  for (const [path, digest] of world.local()) {
    if (!failed.has(path) && !failed.has('')) {
      expect([path, remote.get(path)]).toEqual([path, digest]);
    }
  }
}

async function meetWriting(world: FaultWorld, one: Case): Promise<void> {
  stage.keep.add(one.on, one.fault, one.times);
  const { result, status } = await world.run(one.options);
  stage.heal();
  if (one.ends === 'saved') {
    expect(result).toMatchObject({ outcome: 'saved', failures: [] });
    expect(status.tray).toBe('ready');
  } else {
    expect([result.outcome, codesOf(result)]).toEqual(['failed', [one.ends]]);
    expect(status.problems.map(({ code, kind }) => [code, kind])).toEqual([
      [one.ends, CAUSES[one.ends].kind],
    ]);
    expect(status.tray).not.toBe('ready');
    await accountsForEachFile(world, new Set(result.failures.map(({ path }) => path)));
    expect((await world.run()).result).toMatchObject({ outcome: 'saved', failures: [] });
  }
  expect(await world.remote()).toEqual(world.local());
}

async function meetReading(world: FaultWorld, one: Case): Promise<void> {
  expect((await world.run()).result.outcome).toBe('saved');
  stage.keep.add(one.on, one.fault, one.times);
  const read = await world.remote(one.options).catch((thrown: unknown) => thrown);
  stage.heal();
  if (one.ends === 'saved') {
    expect(read).toEqual(world.local());
  } else {
    expect(read).toBeInstanceOf(KeepsyncError);
    expect(read).toMatchObject({ code: one.ends });
  }
  expect(await world.remote()).toEqual(world.local());
}

describe('what can go wrong with Keep', () => {
  let met = 0;
  const cases = Object.entries(TABLE).flatMap(([name, list]) => list.map((one) => ({ name, one })));

  it.each(cases.map(({ name, one }) => [`${name}, ${one.how}`, one.ends, one] as const))(
    '%s: %s',
    (_name, _ends, one) =>
      onWorld(async (world) => {
        await (one.on === PUT ? meetWriting(world, one) : meetReading(world, one));
        met += 1;
      }),
  );

  it('bad certificate: no byte is sent, and everything once the authority is known', () =>
    onWorld(async (world) => {
      const front = await FaultFront.start(stage.cluster.keepUrls[0] ?? '', await makeTestCertificate());
      try {
        const { result, status } = await world.run({ services: async () => [stage.service(front.url)] });
        expect(codesOf(result)).toEqual(['TLS']);
        expect([status.tray, status.problems[0]?.kind]).toEqual(['error', 'needs-you']);
        expect(front.requests).toEqual([]);
      } finally {
        await front.close();
      }
      expect((await world.run()).result.outcome).toBe('saved');
      expect(await world.remote()).toEqual(world.local());
      met += 1;
    }));

  it('service list that changes: the new list is asked for before the next round', () =>
    onWorld(async (world) => {
      const lists = [[stage.service('http://127.0.0.1:9')], [stage.service()]];
      let asked = 0;
      const services = async () => {
        asked += 1;
        return (asked === 1 ? lists[0] : lists[1]) ?? [];
      };
      expect((await world.run({ services })).result.outcome).toBe('saved');
      expect(asked).toBeGreaterThan(1);
      expect(await world.remote()).toEqual(world.local());
      met += 1;
    }));

  it('service list that changes to nothing: waits, with the reason', () =>
    onWorld(async (world) => {
      const { result, status } = await world.run({ services: async () => [] });
      expect([codesOf(result), status.problems[0]?.kind]).toEqual([['NO_KEEP'], 'waiting']);
      expect((await world.run()).result.outcome).toBe('saved');
      met += 1;
    }));

  it('service list that names a plain-http stranger: it never gets the token', () =>
    onWorld(async (world) => {
      // 192.0.2.0/24 is for documentation: nobody is there, and nobody may be asked.
      const stranger = stage.service('http://192.0.2.1:25107');
      const { result, status } = await world.run({ services: async () => [stranger] });
      expect(codesOf(result)).toEqual(['PLAIN_HTTP']);
      expect([status.tray, status.problems[0]?.kind]).toEqual(['error', 'needs-you']);
      expect((await world.run()).result.outcome).toBe('saved');
      met += 1;
    }));

  it('was met as a whole', () => {
    expect(Object.keys(TABLE).sort()).toEqual([...KEEP_FAULTS].sort());
    expect(met).toBe(cases.length + 4);
    console.log(`Keep: ${KEEP_FAULTS.length} faults met in ${met} ways, up to ${ATTEMPTS} rounds each`);
  });
});
