import { unprocessable } from './api-error.ts';
import { type Condition, likeCondition, listOperand } from './filter-conditions.ts';
import { isJsonObject, type Json } from './json.ts';

/**
 * A filter on one property (`properties.key`, where the key may be a URI in angle brackets or not), or `exists` on the
 * whole: `["properties", "exists", key]`. Values are compared as JSON, so that "1" and 1 differ.
 */
export function propertyFilter(
  sql: string,
  rawKey: string | undefined,
  operator: string,
  operand: Json,
): Condition {
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
    throw unprocessable('Invalid property key in filter');
  }
  return `$."${key}"`;
}
