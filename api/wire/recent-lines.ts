// The lines of requests that ended lately, which a proxy tells: lines of JSON in the answer to the command `recentRequests`, and after them
// the number of lines without room.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { MAX_RECENT_LINE } from './telemetry-limits.ts';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const RecentLine = Type.Object({
  /** When the request ended, milliseconds since the epoch. */
  at: Type.Integer({ minimum: 0, maximum: 8.64e15 }),
  /** As the access log writes it, without a line break. */
  line: Type.String({ maxLength: MAX_RECENT_LINE }),
});

/** The line of a request. */
export type RecentLine = Readonly<Static<typeof RecentLine>>;

const LineOrCount = Type.Union([Type.Object({ more: Count }), RecentLine]);

/** Whether a proxy may say so. */
export function isRecentLine(line: unknown): line is RecentLine | { readonly more: number } {
  return fits(LineOrCount, line);
}
