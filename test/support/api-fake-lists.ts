import type { ScriptedAnswer, SeenRequest } from './api-server.ts';

/**
 * What Arvados answers to a list of `rows`: filters by `=`, `!=`, `>`; order by the first column, which it drops without
 * a word where it is not selected; at most `mostItems`.
 */
export function answerList(
  rows: ReadonlyArray<Readonly<Record<string, unknown>>>,
  request: SeenRequest,
  mostItems = 1_000,
): ScriptedAnswer {
  const filters = JSON.parse(request.query.get('filters') ?? '[]') as Array<[string, string, unknown]>;
  const select = JSON.parse(request.query.get('select') ?? 'null') as string[] | null;
  const [order = 'modified_at desc'] = JSON.parse(request.query.get('order') ?? '[]') as string[];
  const [column = '', direction] = order.split(' ');
  const limit = Math.min(Number(request.query.get('limit') ?? 100), mostItems);
  const found = rows.filter((row) =>
    filters.every(([attribute, operator, operand]) => {
      const value = attribute.startsWith('properties.')
        ? (row.properties as Record<string, unknown>)[attribute.slice('properties.'.length)]
        : row[attribute];
      switch (operator) {
        case '=':
          return value === operand;
        case '!=':
          return value !== operand;
        case '>':
          return (value as string | number) > (operand as string | number);
        default:
          throw new Error(`the fake list has no operator ${operator}`);
      }
    }),
  );
  if (select === null || select.includes(column)) {
    found.sort((a, b) => {
      const [left, right] = [a[column] as string | number, b[column] as string | number];
      return (left < right ? -1 : left > right ? 1 : 0) * (direction === 'desc' ? -1 : 1);
    });
  } else {
    found.reverse();
  }
  const items = found
    .slice(0, limit)
    .map((row) =>
      select === null
        ? row
        : Object.fromEntries(select.filter((name) => name in row).map((name) => [name, row[name]])),
    );
  return { json: { kind: 'arvados#list', items } };
}
