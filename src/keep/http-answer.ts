import type http from 'node:http';
import { asKeepsyncError, KeepsyncError } from '../base/errors.ts';
import type { ProgressWatch } from './progress-watch.ts';
import type { Pacer } from './rate-limit.ts';

/** How much of an answer that is no block is read: a locator or an error text. */
export const TEXT_LIMIT_BYTES = 8192;

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The start of the body where `receive` did not take it. */
  readonly text: string;
}

/**
 * Takes bytes as they come in, in their order. They are its own during the call only; no more are read before what it
 * returns has resolved.
 */
export type TakeBytes = (chunk: Uint8Array) => Promise<void> | undefined;

/**
 * Called once with a 200's headers, before its body; returns what takes the body. Throwing from either ends the exchange
 * with that error.
 */
export type Receive = (headers: http.IncomingHttpHeaders) => TakeBytes;

export interface AnswerEnvironment {
  readonly watch: ProgressWatch;
  readonly pacer: Pacer;
  readonly signal: AbortSignal;
}

/** `ofBytes`: what the answer said of its length. */
export function brokeOff(receivedBytes: number, ofBytes: number | string | undefined): KeepsyncError {
  const of = ofBytes === undefined ? '' : ` of ${ofBytes}`;
  return new KeepsyncError('BAD_ANSWER', `the answer broke off after ${receivedBytes}${of} bytes`);
}

/** Reads an answer to its end. Rejects with BAD_ANSWER when it breaks off, or with what `receive` throws. */
export function readAnswer(
  message: http.IncomingMessage,
  receive: Receive | undefined,
  { watch, pacer, signal }: AnswerEnvironment,
): Promise<ExchangeAnswer> {
  return new Promise((resolve, reject) => {
    const status = message.statusCode ?? 0;
    const text: Uint8Array[] = [];
    let textBytes = 0;
    let receivedBytes = 0;
    let take: TakeBytes = (chunk) => {
      text.push(chunk);
      textBytes += chunk.length;
      return undefined;
    };
    const fail = (thrown: unknown) => reject(asKeepsyncError(thrown));
    const finish = () => {
      resolve({ status, headers: message.headers, text: Buffer.concat(text).toString('utf8') });
    };
    const breakOff = () => fail(brokeOff(receivedBytes, message.headers['content-length']));
    const onData = (chunk: Uint8Array) => {
      receivedBytes += chunk.length;
      watch.moved(chunk.length);
      let taken: Promise<void> | undefined;
      try {
        taken = take(chunk);
      } catch (thrown) {
        fail(thrown);
        return;
      }
      if (textBytes >= TEXT_LIMIT_BYTES) {
        // Nobody needs the rest of a long error page.
        finish();
        message.destroy();
        return;
      }
      const turn = pacer.take(chunk.length, signal);
      if (taken ?? turn) {
        message.pause();
        watch.pause();
        Promise.all([taken, turn]).then(() => {
          watch.resume();
          message.resume();
        }, fail);
      }
    };

    message.once('end', finish);
    message.once('error', breakOff);
    message.once('close', breakOff);
    try {
      if (status === 200 && receive) {
        take = receive(message.headers);
      }
    } catch (thrown) {
      fail(thrown);
      return;
    }
    message.on('data', onData);
  });
}
