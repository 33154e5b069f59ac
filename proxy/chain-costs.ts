// What the parts of the chain of a rule cost, of all workers of this proxy together: for the admin server.
import { readLines } from '#lib/json-lines.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { PartCost } from './filter/chain-meter.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** The longest time that a measurement waits for requests, milliseconds. */
const LONGEST_MS = 60_000;
const MAX_REQUESTS = 100_000;

/** Measures so many requests in each worker, or those of a minute. The text says what is wrong with the question. */
export async function chainCosts(
  supervisor: Pick<Supervisor, 'inspect'>,
  query: string,
  caller: AbortSignal,
): Promise<Result<readonly PartCost[]>> {
  const asked = new URLSearchParams(query);
  const requests = Number(asked.get('requests') ?? '1000');
  if (!Number.isInteger(requests) || requests < 1 || requests > MAX_REQUESTS) return err(`requests: must be 1 to ${MAX_REQUESTS}`);
  const costs = new Map<string, PartCost>();
  const part = (lines: Buffer): Promise<void> => {
    for (const cost of readLines(lines) as readonly PartCost[]) add(costs, cost);
    return Promise.resolve();
  };
  const signal = AbortSignal.any([caller, AbortSignal.timeout(LONGEST_MS)]);
  const inspected = await supervisor.inspect({ kind: 'chain', route: asked.get('route') ?? '', requests }, null, { part, signal });
  return inspected.ok ? ok([...costs.values()]) : inspected;
}

function add(costs: Map<string, PartCost>, cost: PartCost): void {
  const key = `${cost.name} ${cost.half}`;
  const sum = costs.get(key);
  if (sum === undefined) return void costs.set(key, cost);
  const { name, half } = cost;
  costs.set(key, {
    ...{ name, half, calls: sum.calls + cost.calls, busy: sum.busy + cost.busy },
    ...{ waits: sum.waits + cost.waits, waited: sum.waited + cost.waited },
  });
}
