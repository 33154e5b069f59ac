// Files about a process of a proxy: a CPU profile, a heap snapshot. The body of the answer is the file. A proxy waits for the caller, so a
// file needs no memory here.
import { Type } from '#lib/typebox.ts';
import type { Action } from '#api/wire/telemetry-messages.ts';
import { MAX_PROFILE_MS } from '#api/wire/telemetry-limits.ts';
import type { Body } from '#lib/admin-server.ts';
import { parseDuration } from '#lib/duration.ts';
import type { Log } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import { strangerAmong } from './fleet.ts';
import { invalid, streamedOperation } from './operation.ts';
import type { Operation, StreamedOutcome } from './operation.ts';

/** The time for a heap snapshot with its way to the caller, and for the way of a profile, milliseconds. */
const SNAPSHOT_MS = 5 * 60_000;
const TRANSFER_MS = 60_000;

const Source = {
  /** The name of a proxy. */
  proxy: Type.String({ minLength: 1, maxLength: 512 }),
  /** The number of a worker, or supervisor; '' for worker 0. */
  worker: Type.String({ maxLength: 16, default: '' }),
};
const CLOSED = { additionalProperties: false };
const ProfileInput = Type.Object({ ...Source, duration: Type.String({ maxLength: 32, default: '10s' }) }, CLOSED);

/** `POST /proxies/profile` and `POST /proxies/heap-snapshot`. */
export function processFileOperations(fleet: Fleet, log: Log): readonly Operation[] {
  const tell = (file: string, proxy: string, worker: string, caller: string): void =>
    log.info({ file, caller, target: proxy, worker: worker || '0' }, 'an operator takes a file about a process');
  return [
    streamedOperation('POST /proxies/profile', ProfileInput, async ({ proxy, worker, duration }, signal, caller) => {
      const length = parseDuration(duration);
      if (!length.ok) return invalid([{ field: 'duration', reason: length.error }]);
      const durationMs = length.value;
      if (durationMs < 1 || durationMs > MAX_PROFILE_MS) return invalid([{ field: 'duration', reason: 'must be from 1ms to 1m' }]);
      tell('CPU profile', proxy, worker, caller);
      const action = { action: 'cpuProfile' as const, cpuProfile: { durationMs, worker } };
      return take(fleet, { action, proxy, deadlineMs: durationMs + TRANSFER_MS, signal });
    }),
    streamedOperation('POST /proxies/heap-snapshot', Type.Object(Source, CLOSED), ({ proxy, worker }, signal, caller) => {
      tell('heap snapshot', proxy, worker, caller);
      const action = { action: 'heapSnapshot' as const, heapSnapshot: { worker } };
      return take(fleet, { action, proxy, deadlineMs: SNAPSHOT_MS, signal });
    }),
  ];
}

interface Taking {
  readonly action: Action;
  readonly proxy: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Answers with the file once its first part is there. */
async function take(fleet: Fleet, { action, proxy, deadlineMs, signal }: Taking): Promise<StreamedOutcome> {
  const known = await fleet.proxies();
  const stranger = strangerAmong(
    [proxy],
    known.map(({ node }) => node),
  );
  if (stranger !== null) return stranger;
  if (known.filter(({ node, state }) => node === proxy && state !== 'away').length > 1)
    return err({ status: 409, detail: `several proxies have the name ${proxy}` });
  const [begun, reader] = [Promise.withResolvers<null>(), Promise.withResolvers<Body>()];
  const chunk = async (_: string, data: Buffer): Promise<void> => {
    begun.resolve(null);
    await (await reader.promise).write(data);
  };
  const ended = fleet.command({ action, deadlineMs, proxies: [proxy], chunk, signal });
  const ends = await Promise.race([begun.promise, ended]);
  if (ends !== null) return err(refusalOf(endOf(ends)));
  const stream = async (body: Body): Promise<void> => {
    reader.resolve(body);
    const { outcome, reason } = endOf(await ended);
    if (outcome !== 'done') throw new Error(`${outcome}: ${reason}`);
  };
  return ok({ status: 200, type: 'application/json', stream });
}

/** The end at the controller that the proxy reports to now. */
function endOf(ends: readonly ProxyEnd[]): Pick<ProxyEnd, 'outcome' | 'reason'> {
  return ends.find(({ outcome }) => outcome !== 'away') ?? { outcome: 'away', reason: 'the proxy is not connected' };
}

/** The refusal for an end without a file. */
function refusalOf({ outcome, reason }: ReturnType<typeof endOf>): { readonly status: 409 | 503; readonly detail: string } {
  if (outcome === 'done') return { status: 503, detail: 'the proxy has sent no file' };
  return { status: outcome === 'refused' ? 409 : 503, detail: reason };
}
