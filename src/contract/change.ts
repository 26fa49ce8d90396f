import { z } from 'zod';

/** The schema behind what is put in for a missing value. */
type Bare<T> = T extends z.ZodDefault<infer Inner> | z.ZodPrefault<infer Inner> ? Bare<Inner> : T;

/** Of an object every field, at every depth, may be missing, and nothing is put in its place. */
type ChangeOf<T> =
  T extends z.ZodObject<infer Shape>
    ? z.ZodObject<{ [K in keyof Shape]: z.ZodOptional<ChangeOf<Bare<Shape[K]>>> }>
    : T;

/**
 * The schema of a change to what `schema` describes. Not `schema.partial()`: that puts the defaults in for all that a
 * change does not name, and so would set it back.
 */
export function changeOf<Schema extends z.ZodObject>(schema: Schema): ChangeOf<Schema> {
  const shape = Object.fromEntries(
    Object.entries(schema.shape).map(([name, field]) => {
      let bare: unknown = field;
      while (bare instanceof z.ZodDefault || bare instanceof z.ZodPrefault) {
        bare = bare.unwrap();
      }
      const change = bare instanceof z.ZodObject ? changeOf(bare) : (bare as z.ZodType);
      return [name, z.optional(change)];
    }),
  );
  // what was built field by field has the type that was computed field by field
  return z.object(shape) as unknown as ChangeOf<Schema>;
}

/** A change as its schema gives it. */
export type Change<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Change<T[K]> | undefined }
    : T;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `whole` with what the change names, at every depth; lists are replaced, what is undefined stays. */
export function changed<T extends object>(whole: T, change: NoInfer<Change<T>>): T {
  const next: Record<string, unknown> = { ...(whole as Record<string, unknown>) };
  for (const [name, value] of Object.entries(change)) {
    const before = next[name];
    if (value !== undefined) {
      next[name] = isRecord(value) && isRecord(before) ? changed(before, value) : value;
    }
  }
  return next as T;
}
