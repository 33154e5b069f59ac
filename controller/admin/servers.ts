// The HTTP servers besides the push server: public probes and metrics, and dumps for loopback or a caller with the token.
import type { EncodedResource } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import { AdminServer, json, metricsAnswerer, refuseWebPages, text } from '#lib/admin-server.ts';
import { spell } from '#lib/exposition.ts';
import { readFamilies } from '#lib/metric.ts';
import type { ControllerConfig } from '../config.ts';
import type { LiveStatuses } from '../watch/live-status.ts';
import { dumpResources } from './dump.ts';
import type { ControllerMetrics } from './metrics.ts';

/** The values to serve, read at each request. */
export interface AdminSources {
  /** Why this controller does not serve; null if it does. */
  readonly obstacle: () => string | null;
  /** Problems that do not stop it from serving. */
  readonly troubles: () => readonly string[];
  readonly metrics: ControllerMetrics;
  readonly resources: () => Iterable<EncodedResource>;
  readonly sessions: () => readonly object[];
  readonly live: LiveStatuses;
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

/** The current resources, proxies and statuses. */
export function dumpServer({ adminAddress, adminToken }: ControllerConfig, { resources, sessions, live }: AdminSources): AdminServer {
  const statuses = () => [...live.all()].map(({ ref, status }) => ({ object: objectId(ref), status: JSON.parse(status) as object }));
  return new AdminServer({
    ...adminAddress,
    token: adminToken,
    // With the token, callers from any address are allowed.
    ...(adminToken === '' ? { refuse: refuseWebPages } : {}),
    paths: {
      'GET /resources': () => json(dumpResources(resources())),
      'GET /sessions': () => json(sessions()),
      'GET /statuses': () => json(statuses()),
    },
  });
}
