import { describe, expect, test } from 'vitest';
import { KeepsyncError } from '../../src/base/errors.ts';
import { assertMove, type BlockState, StateChangeError } from '../../src/blocks/block-state.ts';
import { BufferBlock } from '../../src/blocks/buffer-block.ts';
import { SharedBufferPool } from '../../src/blocks/shared-buffer-pool.ts';
import { md5Of } from '../support/blocks-memory-store.ts';
import { bytes, filled, text } from '../support/blocks-world.ts';

const MIB = 2 ** 20;

function newBlock(blockSizeBytes = 2 ** 26) {
  const pool = new SharedBufferPool({ retain: 0, capacityBytes: blockSizeBytes });
  return { pool, block: new BufferBlock({ blockId: 'bufferblock0', pool, blockSizeBytes }) };
}

const failure = new KeepsyncError('SERVER', 'The server is unwell');

describe('a buffer block', () => {
  test('starts with 16 KiB and doubles as it fills, up to 64 MiB', () => {
    const { block } = newBlock();
    expect(block.bufferBytes).toBe(2 ** 14);
    block.append(filled(2 ** 14, 'a'));
    expect(block.bufferBytes).toBe(2 ** 14);
    block.append(bytes('b'));
    expect(block.bufferBytes).toBe(2 ** 15);
    block.append(filled(MIB, 'c'));
    expect(block.bufferBytes).toBe(2 ** 21);
    block.append(filled(63 * MIB - 2 ** 14 - 1, 'd'));
    expect(block.bufferBytes).toBe(2 ** 26);
    expect(block.roomBytes).toBe(0);
    expect(() => block.append(bytes('e'))).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(text(block.data().subarray(2 ** 14 - 1, 2 ** 14 + 2))).toBe('abc');
  });

  test('has md5 and size as its locator until it is committed, then the signed one', () => {
    const { block, pool } = newBlock();
    block.append(bytes('alpha\n'));
    expect(block.locator()).toBe('9f9f90dbe3e5ee1218c86b8839db1995+6');
    block.append(bytes('beta\n'));
    const whole = `${md5Of(bytes('alpha\nbeta\n'))}+11`;
    expect(block.locator()).toBe(whole);
    block.toPending();
    block.toCommitted(`${whole}+Asignature`);
    expect(block.locator()).toBe(`${whole}+Asignature`);
    expect(block.size()).toBe(11);
    expect(block.bufferBytes).toBe(0);
    expect(pool.inUse).toBe(0);
  });

  test('takes appends only while it is WRITABLE', () => {
    const { block } = newBlock();
    block.append(bytes('x'));
    block.toPending();
    expect(() => block.append(bytes('y'))).toThrowError(StateChangeError);
    block.toError(failure);
    expect(() => block.append(bytes('y'))).toThrowError(StateChangeError);
    expect(() => block.reserve(1)).toThrowError(StateChangeError);
    expect(text(block.data())).toBe('x');
  });

  test('is filled through a reservation without a copy, and counts what was advanced', () => {
    const { block } = newBlock();
    block.append(bytes('ab'));
    const view = block.reserve(10);
    expect(view.length).toBe(10);
    view.set(bytes('cdef'));
    expect(block.size()).toBe(2);
    expect(() => block.append(bytes('x'))).toThrowError(StateChangeError);
    expect(() => block.toPending()).toThrowError(StateChangeError);
    expect(() => block.advance(11)).toThrowError(StateChangeError);
    block.advance(3);
    expect(text(block.data())).toBe('abcde');
    expect(() => block.advance(0)).toThrowError(StateChangeError);
  });

  test('says when a reservation has ended', async () => {
    const { block } = newBlock();
    await block.whenUnreserved();
    block.reserve(3);
    let ended = false;
    const wait = block.whenUnreserved().then(() => {
      ended = true;
    });
    await Promise.resolve();
    expect(ended).toBe(false);
    block.advance(0);
    await wait;
    expect(ended).toBe(true);
  });

  test('gives a clone with the same bytes that goes its own way', () => {
    const { block } = newBlock();
    block.append(bytes('same'));
    block.toPending();
    block.toError(failure);
    const copy = block.clone('copy');
    copy.append(bytes(', but longer'));
    expect(copy.state).toBe('WRITABLE');
    expect(text(copy.data())).toBe('same, but longer');
    expect(text(block.data())).toBe('same');
  });

  test('gives its buffer back when it failed, and takes its bytes again', () => {
    const { block, pool } = newBlock();
    block.append(bytes('bytes'));
    expect(() => block.dropPayload()).toThrowError(StateChangeError);
    block.toPending();
    block.toError(failure);
    block.dropPayload();
    expect(pool.inUse).toBe(0);
    expect(block.size()).toBe(5);
    expect(() => block.data()).toThrowError(StateChangeError);
    expect(() => block.toPending()).toThrowError(StateChangeError);
    block.refill().set(bytes('bytes'));
    block.toPending();
    expect(text(block.data())).toBe('bytes');
  });
});

describe('the table of state changes', () => {
  const states: BlockState[] = ['WRITABLE', 'PENDING', 'COMMITTED', 'ERROR'];
  const allowed = ['WRITABLE>PENDING', 'PENDING>COMMITTED', 'PENDING>ERROR', 'ERROR>PENDING'];
  for (const from of states) {
    for (const to of states) {
      if (allowed.includes(`${from}>${to}`)) {
        test(`lets a block go from ${from} to ${to}`, () => {
          expect(() => assertMove('b', from, to)).not.toThrow();
        });
      } else {
        test(`refuses ${from} to ${to}`, () => {
          const refusal = expect.objectContaining({ code: 'STATE', blockId: 'b', from, to });
          expect(() => assertMove('b', from, to)).toThrowError(refusal);
        });
      }
    }
  }
});
