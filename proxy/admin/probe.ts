// Probes and metrics: the only server of a proxy besides its listeners that is open to the network. It reveals nothing about the
// configuration, and accepts no commands.
import { AdminServer, metricsAnswerer, text } from '#lib/admin-server.ts';
import type { Format } from '#lib/exposition.ts';
import type { Readiness } from './readiness.ts';

/** Concurrent requests share one call of `metrics`. */
export function createProbeServer(port: number, readiness: Readiness, metrics: (format: Format) => Promise<string>): AdminServer {
  const paths = {
    'GET /livez': () => text(200, 'ok'),
    'GET /readyz': () => (readiness.reason === null ? text(200, 'ok') : text(503, readiness.reason)),
    'GET /metrics': metricsAnswerer(metrics),
  };
  return new AdminServer({ host: '', port, paths });
}
