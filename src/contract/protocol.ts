import * as z from 'zod';
import { ERROR_CODES, type ErrorRecord } from '../base/errors.ts';
import { type CommandName, commands, type eventSchemas } from './commands.ts';

/**
 * The contract on a wire (the profile's control socket, the web page's WebSocket): one JSON message a line or frame.
 *
 * The client first says hello with the key that the owner wrote where only its user can read it; then it asks. Answers
 * carry the id of their request and may come in any order. Events come once subscribed to, until unsubscribed.
 */
export const PROTOCOL_VERSION = 1;

/** A request is small: a folder's settings at most. Longer ones end the connection. */
export const REQUEST_MAX_BYTES = 1024 * 1024;
/** 20,000 block rows (the largest page) at about 1 KiB each, with room to spare. */
export const REPLY_MAX_BYTES = 64 * 1024 * 1024;

const isCommandName = (name: string): name is CommandName => Object.hasOwn(commands, name);
export const commandNameSchema = z.string().refine(isCommandName, 'no such command');
export const eventNameSchema = z.enum(['status', 'activity', 'blocks']);
export type EventName = keyof typeof eventSchemas;

const id = z.number().int().min(0);

export const requestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), id, protocol: z.number().int(), key: z.string() }),
  z.object({ type: z.literal('run'), id, command: z.string(), input: z.unknown() }),
  z.object({ type: z.literal('subscribe'), id, event: eventNameSchema }),
  z.object({ type: z.literal('unsubscribe'), id, event: eventNameSchema }),
]);
export type ProtocolRequest = z.infer<typeof requestSchema>;

export const errorRecordSchema = z.object({
  code: z.enum(ERROR_CODES),
  name: z.string(),
  message: z.string(),
  action: z.string().optional(),
  requestId: z.string().optional(),
  httpStatus: z.number().optional(),
});

export const replySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('result'), id, result: z.unknown() }),
  z.object({ type: z.literal('error'), id: id.nullable(), error: errorRecordSchema }),
  z.object({ type: z.literal('event'), event: eventNameSchema, payload: z.unknown() }),
]);
export type ProtocolReply = z.infer<typeof replySchema>;

/** What the owner answers to hello. */
export const helloResultSchema = z.object({
  protocol: z.number().int(),
  version: z.string(),
  owner: z.enum(['desktop', 'daemon', 'command']),
  pid: z.number().int(),
  /**
   * To a window: the calls of `shell.ts` that are answered here. They come as `run` with the command `shell.<name>`.
   */
  offers: z.array(z.string()).optional(),
});
export type HelloResult = z.infer<typeof helloResultSchema>;

/** An error as it goes over the wire: no stack, no `info`; nothing that could hold more than was meant to be said. */
export function errorForWire(record: ErrorRecord): z.infer<typeof errorRecordSchema> {
  return {
    code: record.code,
    name: record.name,
    message: record.message,
    ...(record.action === undefined ? {} : { action: record.action }),
    ...(record.requestId === undefined ? {} : { requestId: record.requestId }),
    ...(record.httpStatus === undefined ? {} : { httpStatus: record.httpStatus }),
  };
}

/** The way back. */
export function errorFromWire(error: z.infer<typeof errorRecordSchema>): ErrorRecord {
  return errorForWire({
    code: error.code,
    name: error.name,
    message: error.message,
    ...(error.action === undefined ? {} : { action: error.action }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    ...(error.httpStatus === undefined ? {} : { httpStatus: error.httpStatus }),
  }) as ErrorRecord;
}
