import * as z from 'zod';

/** Something happened to an object on the server: a hint to look afresh, never the truth itself. */
export interface RemoteChange {
  readonly objectUuid: string;
  /** `create`, `update`, `delete`, and others that programs make up. */
  readonly eventType: string;
  /** The log's number, from which a later subscription can go on. */
  readonly logId: number;
}

/** What the web socket says: a change, the answer to a subscription (with its status), a sign of life, or nonsense. */
export type SocketMessage =
  | { readonly kind: 'change'; readonly change: RemoteChange }
  | { readonly kind: 'answer'; readonly ok: boolean }
  | { readonly kind: 'ping' }
  | { readonly kind: 'unknown' };

const changeSchema = z
  .object({ id: z.number().int(), object_uuid: z.string(), event_type: z.string() })
  .transform(
    (event): RemoteChange => ({
      objectUuid: event.object_uuid,
      eventType: event.event_type,
      logId: event.id,
    }),
  );

const answerSchema = z.object({ status: z.number() });

export function readSocketMessage(text: string): SocketMessage {
  const json = parse(text);
  if (typeof json !== 'object' || json === null) {
    return { kind: 'unknown' };
  }
  const change = changeSchema.safeParse(json);
  if (change.success) {
    return { kind: 'change', change: change.data };
  }
  const answer = answerSchema.safeParse(json);
  if (answer.success) {
    return { kind: 'answer', ok: answer.data.status === 200 };
  }
  return { kind: Object.keys(json).length === 0 ? 'ping' : 'unknown' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) {
      return undefined;
    }
    throw thrown;
  }
}

/** A row of `logs`, as polling reads it. Rows without an object are possible: they say nothing to us. */
export const logRowSchema = z.object({
  id: z.number().int(),
  object_uuid: z
    .string()
    .nullish()
    .transform((uuid) => uuid ?? ''),
  event_type: z
    .string()
    .nullish()
    .transform((type) => type ?? ''),
});
