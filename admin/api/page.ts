// Lists of the admin API come in pages: a page is a limit and a cursor, so that no list is larger than its caller can take.
import { Type } from '#lib/typebox.ts';
import type { TObject, TProperties, TSchema } from '#lib/typebox.ts';

/** The members of a query that choose a page. */
export const PAGE = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'The largest number of items.' })),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 512, pattern: '^[A-Za-z0-9_=.-]+$', description: 'The member next of the page before.' }),
  ),
};

/** The query of a list, with more members besides those of PAGE. */
export function pageQuery<T extends TProperties>(more: T): TObject<typeof PAGE & T> {
  return Type.Object({ ...PAGE, ...more }, { additionalProperties: false }) as unknown as TObject<typeof PAGE & T>;
}

/** The answer of a list: its items, and the cursor of the next page. */
export function pageOf<T extends TSchema>(item: T) {
  return Type.Object(
    {
      items: Type.Array(item),
      next: Type.Union([Type.String(), Type.Null()], { description: 'The cursor of the next page; null: this is the last.' }),
    },
    { additionalProperties: false },
  );
}
