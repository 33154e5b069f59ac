// The resource /cache: stored answers of all proxies.
import { Type } from 'typebox';
import { readLines } from '#lib/json-lines.ts';
import { ok } from '#lib/result.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { invalid, operation, type Operation, type Outcome } from './operation.ts';

const Subject = Type.String({ minLength: 1, maxLength: 8_192 });
const PurgeInput = Type.Object(
  {
    url: Type.Optional(Subject),
    prefix: Type.Optional(Subject),
    tag: Type.Optional(Subject),
    all: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
);

/** The answer to a purge. */
export interface CachePurged {
  /** The number of answers that were dropped, over all workers. */
  readonly answers: number;
  readonly proxies: readonly ProxyEnd[];
}

/** `DELETE /cache`. */
export function cacheOperations(fleet: Pick<Fleet, 'command'>): readonly Operation[] {
  return [
    operation('DELETE /cache', PurgeInput, async ({ url, prefix, tag, all }) => {
      const named = [
        ...(url === undefined ? [] : [{ by: 'url' as const, value: url }]),
        ...(prefix === undefined ? [] : [{ by: 'prefix' as const, value: prefix }]),
        ...(tag === undefined ? [] : [{ by: 'tag' as const, value: tag }]),
        ...(all === undefined ? [] : [{ by: 'all' as const, value: '' }]),
      ];
      const [subject] = named;
      if (subject === undefined || named.length > 1) return invalid([{ field: 'url', reason: 'must be one of url, prefix, tag and all' }]);
      return purge(fleet, subject);
    }),
  ];
}

async function purge(fleet: Pick<Fleet, 'command'>, subject: { by: 'url' | 'prefix' | 'tag' | 'all'; value: string }): Promise<Outcome> {
  let answers = 0;
  const chunk = (_: string, data: Buffer): void => {
    for (const line of linesOf(data)) if (typeof line === 'number' && Number.isSafeInteger(line) && line > 0) answers += line;
  };
  const action = { action: 'purgeCache' as const, purgeCache: subject };
  const { signal } = new AbortController();
  const proxies = await fleet.command({ action, deadlineMs: COMMAND_MS, proxies: null, chunk, signal });
  return ok({ answers, proxies } satisfies CachePurged);
}

/** A proxy that sends something else has told nothing. */
function linesOf(data: Buffer): readonly unknown[] {
  try {
    return readLines(data);
  } catch {
    return [];
  }
}
