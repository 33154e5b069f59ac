// The HTTP servers besides the push server: public probes and metrics; dumps and operations for loopback or a caller with the token.
import { MAX_OPERATION_BYTES } from '#api/wire/operator-limits.ts';
import { AdminServer, metricsAnswerer, refusePageHeaders, refuseWebPages, text } from '#lib/admin-server.ts';
import { spell } from '#lib/exposition.ts';
import type { Log } from '#lib/log.ts';
import { readFamilies } from '#lib/metric.ts';
import type { ControllerConfig } from '../config.ts';
import type { Operation } from '../operations/operation.ts';
import { operationPaths } from '../operations/operations.ts';
import type { ControllerMetrics } from './metrics.ts';

/** The values to serve, read at each request. */
export interface AdminSources {
  /** Why this controller does not serve; null if it does. */
  readonly obstacle: () => string | null;
  /** Problems that do not stop it from serving. */
  readonly troubles: () => readonly string[];
  readonly metrics: ControllerMetrics;
  readonly operations: readonly Operation[];
  readonly log: Log;
}

/** `/livez`, `/readyz` and `/metrics`. */
export function probeServer({ metricsAddress }: ControllerConfig, { obstacle, troubles, metrics }: AdminSources): AdminServer {
  const ready = () => {
    const why = obstacle();
    return why === null ? text(200, ['ready', ...troubles()].join('\n')) : text(503, why);
  };
  return new AdminServer({
    ...metricsAddress,
    paths: {
      'GET /livez': () => text(200, 'alive'),
      'GET /readyz': ready,
      'GET /metrics': metricsAnswerer(async (format) => spell(await readFamilies(metrics.registry), format)),
    },
  });
}

/** The operations. */
export function adminServer({ adminAddress, adminToken }: ControllerConfig, sources: AdminSources): AdminServer {
  const { operations, log } = sources;
  return new AdminServer({
    ...adminAddress,
    token: adminToken,
    // With the token, callers may use any name of the server.
    refuse: adminToken === '' ? refuseWebPages : refusePageHeaders,
    maxBodyBytes: MAX_OPERATION_BYTES,
    paths: operationPaths(operations, log),
  });
}
