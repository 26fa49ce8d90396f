import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { commands } from '../../src/contract/commands.ts';
import { PROTOCOL_VERSION, replySchema } from '../../src/contract/protocol.ts';
import { shellCalls } from '../../src/contract/shell.ts';
import { LineSplitter } from '../../src/control/lines.ts';
import { ProtocolSession, runChecked } from '../../src/control/protocol-session.ts';
import { runShellCall, type ShellHandlers } from '../../src/shell/shell-calls.ts';
import { ScriptedEngine } from '../cli/support/scripted-engine.ts';
import {
  damagedText,
  hostileJson,
  poisonedText,
  refusal,
  resultOrRefusal,
  resultOrRefusalOf,
  tries,
} from '../support/hostile.ts';
import { SEED } from '../support/seed.ts';

const KEY = 'a-key-of-some-length';
const goodMessage = fc
  .constantFrom<object>(
    { type: 'hello', id: 1, protocol: PROTOCOL_VERSION, key: KEY },
    { type: 'run', id: 2, command: 'status.get', input: {} },
    { type: 'run', id: 3, command: 'settings.set', input: { network: { retries: 3 } } },
    { type: 'run', id: 4, command: 'shell.copyText', input: { text: 'x' } },
    { type: 'subscribe', id: 5, event: 'status' },
    { type: 'unsubscribe', id: 6, event: 'status' },
  )
  .map((message) => JSON.stringify(message));
const message = fc.oneof(
  goodMessage,
  damagedText(goodMessage),
  hostileJson.map((value) => JSON.stringify(value)),
  poisonedText,
  fc.constant('['.repeat(50_000)),
);
const anyName = fc.oneof(
  fc.constantFrom(...Object.keys(commands), ...Object.keys(shellCalls)),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'shell.', 'shell.__proto__', ''),
  poisonedText,
);

/** A session with whatever it sent and how it ended. */
function session() {
  const engine = new ScriptedEngine();
  const shellCallsMade: unknown[] = [];
  const sent: string[] = [];
  let isOpen = true;
  const subject = new ProtocolSession(
    {
      isOpen: () => isOpen,
      send: (text) => sent.push(text),
      bufferedBytes: () => 0,
      end: () => {
        isOpen = false;
      },
    },
    {
      host: engine,
      key: KEY,
      hello: { version: 'test', owner: 'daemon', pid: 1 },
      clock: systemClock,
      callShell: async (name, input) => {
        shellCallsMade.push([name, input]);
        return {};
      },
    },
  );
  return { subject, engine, sent, shellCallsMade, isOpen: () => isOpen };
}

describe(`messages of whatever text (seed ${SEED})`, { timeout: 600_000 }, () => {
  test('are answered in the form of the protocol, or end the line', async () => {
    const seen = { answered: 0, ended: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 6 }), async (messages) => {
        const { subject, sent, isOpen } = session();
        try {
          subject.take(JSON.stringify({ type: 'hello', id: 0, protocol: PROTOCOL_VERSION, key: KEY }));
          for (const text of messages) {
            subject.take(text);
          }
          await new Promise((resolve) => setImmediate(resolve));
          for (const text of sent) {
            expect(replySchema.safeParse(JSON.parse(text)).success, text).toBe(true);
            expect(text).not.toContain(KEY);
          }
          seen[isOpen() ? 'answered' : 'ended'] += 1;
        } finally {
          subject.stop();
        }
      }),
      { seed: SEED, numRuns: tries(1_000, 20_000) },
    );
    expect(Math.min(seen.answered, seen.ended)).toBeGreaterThan(0);
  });

  test('do nothing before the key was given', async () => {
    const withoutKey = message.filter((text) => !text.includes(KEY));
    await fc.assert(
      fc.asyncProperty(fc.array(withoutKey, { minLength: 1, maxLength: 4 }), async (messages) => {
        const { subject, engine, sent, shellCallsMade, isOpen } = session();
        try {
          for (const text of messages) {
            subject.take(text);
          }
          await new Promise((resolve) => setImmediate(resolve));
          expect(isOpen()).toBe(false);
          expect(sent).toHaveLength(1);
          expect([engine.calls, shellCallsMade]).toEqual([[], []]);
        } finally {
          subject.stop();
        }
      }),
      { seed: SEED, numRuns: tries(500, 20_000) },
    );
  });

  test('reach a command only with an input that its schema allows', async () => {
    let reached = 0;
    await fc.assert(
      fc.asyncProperty(anyName, hostileJson, async (name, input) => {
        const engine = new ScriptedEngine();
        const handled: Array<readonly [string, unknown]> = [];
        const host = {
          run: async (command: string, given: unknown) => {
            handled.push([command, given]);
            return {};
          },
          subscribe: engine.subscribe.bind(engine),
        };
        const handlers = Object.fromEntries(
          Object.keys(shellCalls).map((call) => [
            call,
            (given: unknown) => {
              handled.push([call, given]);
              return {};
            },
          ]),
        ) as unknown as ShellHandlers;
        await resultOrRefusalOf(() => runChecked(host as never, name, input));
        await resultOrRefusalOf(() => runShellCall(handlers, name, input));
        for (const [call, given] of handled) {
          reached += 1;
          const schema =
            call in commands
              ? commands[call as keyof typeof commands].input
              : shellCalls[call as keyof typeof shellCalls].input;
          expect(schema.safeParse(given).success).toBe(true);
        }
      }),
      { seed: SEED, numRuns: tries(2_000, 20_000) },
    );
    expect(reached).toBeGreaterThan(0);
  });

  test('on a stream are cut at line ends, however the bytes come, and never gathered beyond the limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }),
        fc.integer({ min: 1, max: 30 }),
        (chunks, maxBytes) => {
          const splitter = new LineSplitter(maxBytes);
          const whole = Buffer.concat(chunks);
          const lines = resultOrRefusal(() => chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))));
          const parts = whole.toString('latin1').split('\n');
          const isTooLong = parts.some((part) => part.length > maxBytes);
          expect(lines === undefined).toBe(isTooLong);
          if (lines !== undefined) {
            const expected = parts.slice(0, -1).map((part) => Buffer.from(part, 'latin1').toString('utf8'));
            expect(lines).toEqual(expected);
          }
        },
      ),
      { seed: SEED, numRuns: tries(1_000, 20_000) },
    );
  });

  test('a value is never repeated in what refuses it: it may be a token', async () => {
    const secret = 's3cret'.repeat(8);
    for (const call of Object.keys(shellCalls)) {
      const handlers = { [call]: () => ({}) } as unknown as ShellHandlers;
      for (const input of [
        secret,
        [secret],
        { signIn: { how: secret, token: secret } },
        { how: 'token', token: [secret] },
      ]) {
        try {
          await runShellCall(handlers, call, input);
        } catch (thrown) {
          expect(JSON.stringify([refusal(thrown), refusal(thrown).message])).not.toContain(secret);
        }
      }
    }
  });
});
