// A request that failed, as text.
import type { ProxySample } from '../../controller/telemetry/errors/error-book.ts';
import { printable } from './table.ts';

/** An empty line, the request, what became of it, and its headers. */
export function sampleText(sample: ProxySample): string {
  const { at, proxy, method, authority, path, status, client, endpoint, attempts, detail, requestId, traceId, headers } = sample;
  const facts = {
    status: status === 0 ? '' : String(status),
    client,
    endpoint,
    attempts: String(attempts),
    request: requestId,
    trace: traceId,
    detail,
  };
  const told = Object.entries(facts).flatMap(([name, value]) => (value === '' ? [] : [`${name} ${value}`]));
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`    ${name}: ${headers[index + 1] ?? ''}`] : []));
  return ['', `${new Date(at).toISOString()} at ${proxy}: ${method} ${authority}${path}`, `  ${told.join(', ')}`, ...lines]
    .map(printable)
    .join('\n');
}
