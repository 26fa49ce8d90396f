import { ApiError, unprocessable } from './api-error.ts';
import { isJsonObject, type Json } from './json.ts';
import type { SqlValue } from './records.ts';
import { type Column, columnSql, KIND_BY_INFIX, type ResourceTable } from './resource-tables.ts';
import { parseTime } from './times.ts';

/** A condition for a WHERE clause. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/**
 * `[[attribute, operator, operand], …]`, ANDed, as SQL. An element may also be a string `(a < b)` over integer columns.
 * Throws ApiError 422 for attributes and operators that do not exist, as the API does.
 */
export function filtersToSql(
  filters: Json | undefined,
  resource: ResourceTable,
  nowText: string,
): Condition[] {
  if (filters === undefined || filters === null) {
    return [];
  }
  if (!Array.isArray(filters)) {
    throw unprocessable('filters must be an array');
  }
  return filters.map((filter: Json) => {
    if (typeof filter === 'string') {
      return columnComparison(filter, resource);
    }
    if (!Array.isArray(filter) || filter.length !== 3) {
      throw unprocessable(
        `Invalid element in filters array: ${JSON.stringify(filter)} is not an array of 3 items`,
      );
    }
    const [attribute, operator, operand] = filter as readonly Json[];
    if (typeof attribute !== 'string' || typeof operator !== 'string') {
      throw unprocessable(`Invalid element in filters array: ${JSON.stringify(filter)}`);
    }
    return oneFilter(attribute, operator.toLowerCase(), operand ?? null, resource, nowText);
  });
}

function oneFilter(
  attribute: string,
  operator: string,
  operand: Json,
  resource: ResourceTable,
  nowText: string,
): Condition {
  if (operator === '@@') {
    throw unprocessable('Full text search operator is no longer supported');
  }
  if (attribute === 'any') {
    return anyColumn(operator, operand, resource, nowText);
  }
  const dot = attribute.indexOf('.');
  const name = dot < 0 ? attribute : attribute.slice(0, dot);
  const column = resource.columns[name];
  if (column === undefined || column.isOpaque) {
    throw unprocessable(`Invalid attribute '${name}' in filter`);
  }
  const sql = columnSql(resource, name, nowText);
  if (dot >= 0 || (column.kind === 'json' && (operator === 'exists' || operator === 'contains'))) {
    if (column.kind !== 'json') {
      throw unprocessable(`Invalid attribute '${attribute}' for subproperty filter`);
    }
    return propertyFilter(sql, dot < 0 ? undefined : attribute.slice(dot + 1), operator, operand);
  }
  return columnFilter(sql, attribute, column, operator, operand);
}

function columnFilter(
  sql: string,
  attribute: string,
  column: Column,
  operator: string,
  operand: Json,
): Condition {
  const comparison = COMPARISONS[operator];
  if (comparison !== undefined) {
    if (operand === null) {
      if (comparison === '=' || comparison === '!=') {
        return { sql: `${sql} IS ${comparison === '=' ? '' : 'NOT '}NULL`, values: [] };
      }
      throw unprocessable(`Invalid operand null for '${operator}' operator in filters`);
    }
    const value = columnOperand(attribute, column, operator, operand);
    if (comparison === '!=') {
      return { sql: `(${sql} IS NULL OR ${sql} != ?)`, values: [value] };
    }
    return { sql: `${sql} ${comparison} ?`, values: [value] };
  }
  switch (operator) {
    case 'like':
    case 'ilike':
      return likeCondition(sql, operator, operand);
    case 'in':
    case 'not in':
      return inCondition(sql, operator, listOperand(operator, operand), (item) =>
        columnOperand(attribute, column, operator, item),
      );
    case 'is_a':
      return isACondition(sql, operand);
    default:
      throw unprocessable(`Invalid operator '${operator}'`);
  }
}

function columnOperand(attribute: string, column: Column, operator: string, operand: Json): SqlValue {
  const bad = () =>
    unprocessable(`Invalid operand ${JSON.stringify(operand)} for '${operator}' on '${attribute}'`);
  switch (column.kind) {
    case 'integer': {
      const number = typeof operand === 'number' ? operand : Number(operand);
      if (typeof operand === 'boolean' || operand === '' || Number.isNaN(number)) {
        throw bad();
      }
      return number;
    }
    case 'boolean':
      if (operand === true || operand === 'true' || operand === 't' || operand === 1) {
        return 1;
      }
      if (operand === false || operand === 'false' || operand === 'f' || operand === 0) {
        return 0;
      }
      throw bad();
    case 'time': {
      const parsed = typeof operand === 'string' ? parseTime(operand) : undefined;
      if (parsed === undefined) {
        throw bad();
      }
      return parsed;
    }
    case 'json':
      return typeof operand === 'string' ? operand : JSON.stringify(operand);
    case 'text':
      if (typeof operand === 'object') {
        throw bad();
      }
      return String(operand);
  }
}

function likeCondition(sql: string, operator: 'like' | 'ilike', operand: Json): Condition {
  if (typeof operand !== 'string') {
    throw unprocessable(`Invalid operand type for '${operator}' operator in filters`);
  }
  if (operator === 'ilike') {
    return { sql: `${sql} LIKE ? ESCAPE '\\'`, values: [operand] };
  }
  // SQLite's LIKE ignores case, its GLOB does not
  return { sql: `${sql} GLOB ?`, values: [likeToGlob(operand)] };
}

function likeToGlob(pattern: string): string {
  return pattern.replace(/\\(.)|[%_*?[]/gsu, (found, escaped: string | undefined) => {
    if (escaped !== undefined) {
      return /[*?[]/.test(escaped) ? `[${escaped}]` : escaped;
    }
    return found === '%' ? '*' : found === '_' ? '?' : `[${found}]`;
  });
}

function listOperand(operator: string, operand: Json): readonly Json[] {
  if (!Array.isArray(operand)) {
    throw unprocessable(`Invalid operand type for '${operator}' operator in filters: must be an array`);
  }
  return operand;
}

/** The list goes in as one JSON value, so that a thousand uuids need no thousand parameters. */
function inCondition(
  sql: string,
  operator: 'in' | 'not in',
  operand: readonly Json[],
  convert: (item: Json) => SqlValue,
): Condition {
  const hasNull = operand.includes(null);
  const list = JSON.stringify(operand.filter((item) => item !== null).map((item) => convert(item)));
  const within = `(SELECT value FROM json_each(?))`;
  if (operator === 'in') {
    return { sql: `(${sql} IN ${within}${hasNull ? ` OR ${sql} IS NULL` : ''})`, values: [list] };
  }
  const orNull = hasNull ? ` AND ${sql} IS NOT NULL` : ` OR ${sql} IS NULL`;
  return { sql: `(${sql} NOT IN ${within}${orNull})`, values: [list] };
}

function isACondition(sql: string, operand: Json): Condition {
  const kinds = Array.isArray(operand) ? operand : [operand];
  const patterns: string[] = [];
  for (const [infix, kind] of Object.entries(KIND_BY_INFIX)) {
    if (kinds.includes(kind)) {
      patterns.push(`?????-${infix}-???????????????`);
    }
  }
  if (patterns.length === 0) {
    return { sql: '0', values: [] };
  }
  return { sql: `(${patterns.map(() => `${sql} GLOB ?`).join(' OR ')})`, values: patterns };
}

function anyColumn(operator: string, operand: Json, resource: ResourceTable, nowText: string): Condition {
  const parts = resource.searchable.map((name) => {
    const sql = columnSql(resource, name, nowText);
    return columnFilter(sql, name, { kind: 'text' }, operator, operand);
  });
  const isNegative = operator === '!=' || operator === '<>' || operator === 'not in';
  return {
    sql: `(${parts.map((part) => part.sql).join(isNegative ? ' AND ' : ' OR ')})`,
    values: parts.flatMap((part) => part.values),
  };
}

/**
 * A filter on one property (`properties.key`, where the key may be a URI in angle brackets or not), or `exists` on the
 * whole: `["properties", "exists", key]`. Values are compared as JSON, so that "1" and 1 differ.
 */
function propertyFilter(sql: string, rawKey: string | undefined, operator: string, operand: Json): Condition {
  if (rawKey === undefined) {
    if (operator === 'exists') {
      const keys = Array.isArray(operand) ? operand : [operand];
      const found = keys.map(() => `json_type(${sql}, ?) IS NOT NULL`);
      return { sql: `(${found.join(' AND ') || '1'})`, values: keys.map((key) => jsonPath(String(key))) };
    }
    if (isJsonObject(operand)) {
      const parts = Object.entries(operand).map(([key, value]) =>
        propertyFilter(sql, key, 'contains', value ?? null),
      );
      return {
        sql: `(${parts.map((part) => part.sql).join(' AND ') || '1'})`,
        values: parts.flatMap((part) => part.values),
      };
    }
    throw unprocessable(`Invalid operand for '${operator}' operator in filters`);
  }
  const path = jsonPath(rawKey.replace(/^<(.*)>$/s, '$1'));
  const value = `(${sql} -> ?)`;
  const scalar = `(${sql} ->> ?)`;
  switch (operator) {
    case '=':
      return { sql: `${value} = ?`, values: [path, JSON.stringify(operand)] };
    case '!=':
    case '<>':
      return { sql: `(${value} IS NULL OR ${value} != ?)`, values: [path, path, JSON.stringify(operand)] };
    case '<':
    case '<=':
    case '>':
    case '>=':
      if (typeof operand !== 'string' && typeof operand !== 'number') {
        throw unprocessable(`Invalid operand for '${operator}' operator in filters`);
      }
      return { sql: `${scalar} ${operator} ?`, values: [path, operand] };
    case 'like':
    case 'ilike': {
      const like = likeCondition(scalar, operator, operand);
      return { sql: like.sql, values: [path, ...like.values] };
    }
    case 'in':
      return {
        sql: `${value} IN (SELECT value FROM json_each(?))`,
        values: [path, jsonTexts(listOperand(operator, operand))],
      };
    case 'not in':
      return {
        sql: `(${value} IS NULL OR ${value} NOT IN (SELECT value FROM json_each(?)))`,
        values: [path, path, jsonTexts(listOperand(operator, operand))],
      };
    case 'exists':
      return {
        sql: `json_type(${sql}, ?) IS ${operand === false ? '' : 'NOT '}NULL`,
        values: [path],
      };
    case 'contains': {
      const wanted = Array.isArray(operand) ? operand : [operand];
      const found = wanted.map(
        () => `EXISTS (SELECT 1 FROM json_each(${sql}, ?) AS entry WHERE json_quote(entry.value) = ?)`,
      );
      return {
        sql: `(${found.join(' AND ') || '1'})`,
        values: wanted.flatMap((item) => [path, JSON.stringify(item)]),
      };
    }
    default:
      throw unprocessable(`Invalid operator for subproperty search: '${operator}'`);
  }
}

function jsonTexts(items: readonly Json[]): string {
  return JSON.stringify(items.map((item) => JSON.stringify(item)));
}

function jsonPath(key: string): string {
  if (key.includes('"')) {
    throw new ApiError(422, 'Invalid property key in filter');
  }
  return `$."${key}"`;
}

/** `(a < b)` between integer columns or numbers. */
function columnComparison(filter: string, resource: ResourceTable): Condition {
  const match = /^\(\s*(\w+)\s*(<|<=|=|>=|>)\s*(\w+)\s*\)$/.exec(filter);
  const sides = [match?.[1] ?? '', match?.[3] ?? ''];
  const isGood = sides.every((side) => /^\d+$/.test(side) || resource.columns[side]?.kind === 'integer');
  if (!match || !isGood) {
    throw unprocessable(`Invalid filter expression: ${filter}`);
  }
  return { sql: `${sides[0]} ${match[2]} ${sides[1]}`, values: [] };
}
