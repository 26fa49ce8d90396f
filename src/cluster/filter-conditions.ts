import { unprocessable } from './api-error.ts';
import type { Json } from './json.ts';
import type { SqlValue } from './records.ts';

/** A condition for a WHERE clause. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** `like` minds case, `ilike` does not; a backslash escapes. Throws ApiError 422. */
export function likeCondition(sql: string, operator: 'like' | 'ilike', operand: Json): Condition {
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

/** The operand of `in` and `not in`. Throws ApiError 422. */
export function listOperand(operator: string, operand: Json): readonly Json[] {
  if (!Array.isArray(operand)) {
    throw unprocessable(`Invalid operand type for '${operator}' operator in filters: must be an array`);
  }
  return operand;
}
