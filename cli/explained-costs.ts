// What the parts of a chain cost, measured by a running proxy.
import type { PartCost } from '../proxy/filter/chain-meter.ts';
import { UsageError } from './command.ts';

/** Asks the admin server of a proxy to time the chain of a rule (key) for a number of requests. Throws a UsageError. */
export async function measuredCosts(address: string, route: string, requests: string): Promise<readonly PartCost[]> {
  const url = new URL('/chain-costs', /^https?:\/\//.test(address) ? address : `http://${address}`);
  url.search = new URLSearchParams({ route, requests }).toString();
  const { request } = await import('undici');
  try {
    const { statusCode, body } = await request(url, { method: 'POST', headersTimeout: 90_000 });
    if (statusCode !== 200) throw new Error(statusCode === 404 ? 'the proxy is of an earlier release' : (await body.text()).trim());
    return (await body.json()) as readonly PartCost[];
  } catch (error) {
    throw new UsageError(`--measure ${requests}: ${(error as Error).message}`);
  }
}

/** For a terminal: a line for each half that was called. */
export function printCosts(costs: readonly PartCost[] | null): string {
  if (costs === null) return '';
  const met = costs.filter(({ calls }) => calls > 0);
  if (met.length === 0) return 'cost of the chain: no request came';
  return ['cost of the chain, for each call', ...met.map(line)].join('\n');
}

function line({ name, half, calls, busy, waits, waited }: PartCost): string {
  const wait = waits === 0 ? '' : `, ${waits} waited ${(waited / waits).toFixed(2)} ms`;
  return `  ${name}, ${half}: ${((busy / calls) * 1_000).toFixed(1)} us of ${calls} calls${wait}`;
}
