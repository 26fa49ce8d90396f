import { unprocessable } from './api-error.ts';
import { type Condition, likeCondition, listOperand } from './filter-conditions.ts';
import type { Json } from './json.ts';
import { propertyFilter } from './property-filter.ts';
import type { SqlValue } from './records.ts';
import { type Column, columnSql, KIND_BY_INFIX, type ResourceTable } from './resource-tables.ts';
import { parseTime } from './times.ts';

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
