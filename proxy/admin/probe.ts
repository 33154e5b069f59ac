// Probes and metrics: the only server of a proxy beside its listeners that everybody may reach. It says nothing about what is
// served, and takes no commands.
import { AdminServer, text } from '#lib/admin-server.ts';
import type { Answer } from '#lib/admin-server.ts';
import type { Readiness } from './readiness.ts';

/** Prometheus text format. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** `metrics` is asked once however many ask at a time: a scrape costs, and anybody may ask. */
export function createProbeServer(port: number, readiness: Readiness, metrics: () => Promise<string>): AdminServer {
  let scrape: Promise<Answer> | null = null;
  const paths = {
    'GET /livez': () => text(200, 'ok'),
    'GET /readyz': () => (readiness.reason === null ? text(200, 'ok') : text(503, readiness.reason)),
    'GET /metrics': () =>
      (scrape ??= metrics()
        .then((body) => ({ status: 200, type: METRICS_TYPE, body }))
        .finally(() => (scrape = null))),
  };
  return new AdminServer({ host: '', port, paths });
}
