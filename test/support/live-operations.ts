// Runs operations of the admin API about the running fleet without its server, as a caller with all rights.
import { createLog } from '#lib/log.ts';
import type { AdminOperation, Change, OperationContext } from '../../admin/api/operation.ts';
import { liveAreas } from '../../admin/live/areas.ts';
import type { Live } from '../../admin/live/live.ts';

/** The operations by id. */
export function operationsAt(at: Live): ReadonlyMap<string, AdminOperation> {
  return new Map(liveAreas(at).flatMap((area) => area.operations.map((operation) => [operation.id, operation])));
}

/** What an operation has done. */
export interface Ran {
  readonly outcome: Awaited<ReturnType<AdminOperation['run']>>;
  readonly changes: readonly Change[];
  /** Ends the call. */
  readonly leave: () => void;
}

/** Its input. */
export interface Given {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/** Runs one. */
export async function runLive(of: ReadonlyMap<string, AdminOperation>, id: string, given: Given = {}): Promise<Ran> {
  const operation = of.get(id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  const changes: Change[] = [];
  const left = new AbortController();
  const context: OperationContext = {
    caller: {
      ...{ kind: 'user', id: '1', name: 'ann', address: '127.0.0.1', session: null },
      may: () => true,
      mayAnywhere: () => true,
    },
    ...{ requestId: 'r', userAgent: '', reason: '', log: createLog('silent'), signal: left.signal },
    cookie: () => null,
    changed: (change) => void changes.push(change),
  };
  const { params = {}, query = {}, body } = structuredClone(given);
  const outcome = await operation.run({ params, query, body, upload: new Uint8Array(), ifMatch: null }, context);
  return { outcome, changes, leave: () => left.abort() };
}
