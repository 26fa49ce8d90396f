import { unprocessable } from './api-error.ts';
import type { Condition } from './filter-conditions.ts';
import { filtersToSql } from './filters.ts';
import type { Json, JsonObject } from './json.ts';
import type { Records } from './records.ts';
import { columnSql, defaultColumns, type ResourceTable, rowToRecord, selectList } from './resource-tables.ts';

/** Limits of the Arvados API: MaxItemsPerResponse, and what a list gives unasked. */
export const MAX_ITEMS_PER_RESPONSE = 1000;
const DEFAULT_LIMIT = 100;

export interface ListParameters {
  readonly filters?: Json | undefined;
  readonly select?: Json | undefined;
  readonly order?: Json | undefined;
  readonly limit?: Json | undefined;
  readonly offset?: Json | undefined;
  readonly count?: Json | undefined;
  readonly distinct?: Json | undefined;
}

export interface ListResult {
  readonly items: readonly JsonObject[];
  readonly offset: number;
  readonly limit: number;
  /** Absent with `count=none`. */
  readonly itemsAvailable?: number;
}

/** The columns that `select` asks for, or undefined where it does not say. Throws 422 for one that does not exist. */
export function parseSelect(select: Json | undefined, resource: ResourceTable): string[] | undefined {
  if (select === undefined || select === null) {
    return undefined;
  }
  const names = typeof select === 'string' ? select.split(',').map((name) => name.trim()) : select;
  if (!Array.isArray(names) || names.length === 0) {
    throw unprocessable('Invalid attribute(s): select must be a list of names');
  }
  const known: string[] = [];
  for (const name of names as readonly Json[]) {
    if (name === 'kind' || name === 'etag') {
      continue;
    }
    if (typeof name !== 'string' || resource.columns[name] === undefined) {
      throw unprocessable(`Invalid attribute(s): ${JSON.stringify(name)}`);
    }
    known.push(name);
  }
  return [...new Set(known)];
}

/** Runs a list query within `scope`, the conditions that hold whatever the caller asks (permissions, trash, versions). */
export function listRecords(
  records: Records,
  resource: ResourceTable,
  parameters: ListParameters,
  scope: readonly Condition[],
  nowText: string,
): ListResult {
  const select = parseSelect(parameters.select, resource);
  const limit = Math.min(wholeNumber('limit', parameters.limit, DEFAULT_LIMIT), MAX_ITEMS_PER_RESPONSE);
  const offset = wholeNumber('offset', parameters.offset, 0);
  const conditions = [...scope, ...filtersToSql(parameters.filters, resource, nowText)];
  const where =
    conditions.length === 0 ? '1' : conditions.map((condition) => `(${condition.sql})`).join(' AND ');
  const values = conditions.flatMap((condition) => condition.values);
  const isDistinct = parameters.distinct === true;
  const columns = selectList(resource, select ?? defaultColumns(resource), nowText);
  const order = orderSql(parameters.order, resource, select, isDistinct, nowText);
  const body = `SELECT ${isDistinct ? 'DISTINCT ' : ''}${columns} FROM ${resource.table} WHERE ${where}`;
  const rows = limit === 0 ? [] : records.all(`${body}${order} LIMIT ? OFFSET ?`, ...values, limit, offset);
  const result = { items: rows.map((row) => rowToRecord(resource, row)), offset, limit };
  if (parameters.count === 'none') {
    return result;
  }
  if (parameters.count !== undefined && parameters.count !== null && parameters.count !== 'exact') {
    throw unprocessable('Invalid count parameter: must be "exact" or "none"');
  }
  const counted = isDistinct
    ? records.get(`SELECT count(*) AS n FROM (${body})`, ...values)
    : records.get(`SELECT count(*) AS n FROM ${resource.table} WHERE ${where}`, ...values);
  return { ...result, itemsAvailable: Number(counted?.n ?? 0) };
}

/**
 * With a selection, order columns that are not selected are dropped without a word, the default ones too: that is what
 * the API does, and what paging code must know.
 */
function orderSql(
  order: Json | undefined,
  resource: ResourceTable,
  select: readonly string[] | undefined,
  isDistinct: boolean,
  nowText: string,
): string {
  const wanted = typeof order === 'string' ? order.split(',') : (order ?? []);
  if (!Array.isArray(wanted)) {
    throw unprocessable('order must be a string or an array of strings');
  }
  const parsed: Array<{ name: string; direction: string }> = [];
  for (const item of wanted as readonly Json[]) {
    const match = typeof item === 'string' ? /^\s*(?:(\w+)\.)?(\w+)(?:\s+(asc|desc))?\s*$/i.exec(item) : null;
    if (match?.[1] !== undefined && match[1] !== resource.table) {
      continue;
    }
    const name = match?.[2] ?? '';
    const column = resource.columns[name];
    if (column === undefined || column.isOpaque) {
      throw unprocessable(`Invalid order: ${JSON.stringify(item)}`);
    }
    parsed.push({ name, direction: match?.[3]?.toLowerCase() === 'desc' ? 'DESC' : 'ASC' });
  }
  for (const name of ['modified_at', 'uuid']) {
    if (!parsed.some((item) => item.name === name)) {
      parsed.push({ name, direction: 'DESC' });
    }
  }
  const kept = parsed.filter((item) => select === undefined || select.includes(item.name));
  if (kept.length === 0) {
    return isDistinct ? '' : ' ORDER BY rowid';
  }
  return ` ORDER BY ${kept.map((item) => `${columnSql(resource, item.name, nowText)} ${item.direction}`).join(', ')}`;
}

function wholeNumber(name: string, value: Json | undefined, fallback: number): number {
  if (value === undefined || value === null) {
    return fallback;
  }
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && value !== ''
        ? Number(value)
        : Number.NaN;
  if (!Number.isInteger(number)) {
    throw unprocessable(`Invalid value for ${name} parameter: ${JSON.stringify(value)}`);
  }
  if (number < 0) {
    if (name === 'limit' && number === -1) {
      return MAX_ITEMS_PER_RESPONSE;
    }
    throw unprocessable(`Invalid value for ${name} parameter: ${number}`);
  }
  return number;
}
