// Lists of the admin API come in pages; a command shows all of them.
import type { Result } from '#lib/result.ts';
import type { Answered } from '../../client/admin-client.ts';
import type { Problem } from '../../client/problem.ts';
import type { ApiTarget } from './api-target.ts';
import { valueOf } from './problem-text.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Objects in a page of a request. */
export const PAGE_ITEMS = 1_000;

/** The items of all pages, at most `limit`. `page` asks for one. */
export async function allItems<T>(
  target: ApiTarget,
  limit: number,
  page: (query: { readonly limit: number; readonly cursor?: string }) => Promise<Result<Answered<Page<T>>, Problem>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let next: string | null = null;
  do {
    const answered = await page({ limit: Math.min(PAGE_ITEMS, limit - items.length), ...(next === null ? {} : { cursor: next }) });
    const found: Page<T> = valueOf(answered, target).body;
    items.push(...found.items);
    // A page without items and with a next one would be asked for without end.
    next = found.items.length === 0 ? null : found.next;
  } while (next !== null && items.length < limit);
  return items;
}
