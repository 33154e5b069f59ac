// Measures what the parts of the chain of a rule cost in a worker.
import { packLines } from '#lib/json-lines.ts';
import { err, ok } from '#lib/result.ts';
import { ChainMeter } from './filter/chain-meter.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { ChainInspection, Inspected, Inspecting } from './inspection/inspection.ts';
import type { RuntimeBuilder } from './runtime/build.ts';

/** Times a number of requests, or those that come until the inspection is ended, and sends a line for each part. */
export async function inspectChain(
  { route, requests }: ChainInspection,
  { part, signal }: Inspecting,
  builder: Pick<RuntimeBuilder, 'measure'>,
): Promise<Inspected> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const meter = new ChainMeter(requests, resolve);
  if (!builder.measure(route, meter)) return err(`route: this proxy has no rule ${JSON.stringify(route)}`);
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  builder.measure(route, null);
  for (const lines of packLines(meter.costs, PART_BYTES)) await part(lines);
  return ok({ dropped: 0 });
}
