// The servers beside the push server: probes and metrics for everybody, dumps for loopback or whoever has the token.
import type { EncodedResource } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import { AdminServer, json, metricsAnswerer, refuseWebPages, text } from '#lib/admin-server.ts';
import { spell } from '#lib/exposition.ts';
import { readFamilies } from '#lib/metric.ts';
import type { ControllerConfig } from '../config.ts';
import type { LiveStatuses } from '../watch/live-status.ts';
import { dumpResources } from './dump.ts';
import type { ControllerMetrics } from './metrics.ts';

/** What is asked for when somebody asks. */
export interface AdminSources {
  /** What keeps this controller from serving; null when it serves. */
  readonly obstacle: () => string | null;
  /** What is wrong though it serves. */
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

/** What there is, as it stands: resources, proxies, statuses. */
export function dumpServer({ adminAddress, adminToken }: ControllerConfig, { resources, sessions, live }: AdminSources): AdminServer {
  const statuses = () => [...live.all()].map(({ ref, status }) => ({ object: objectId(ref), status: JSON.parse(status) as object }));
  return new AdminServer({
    ...adminAddress,
    token: adminToken,
    // A caller with the token may come from anywhere.
    ...(adminToken === '' ? { refuse: refuseWebPages } : {}),
    paths: {
      'GET /resources': () => json(dumpResources(resources())),
      'GET /sessions': () => json(sessions()),
      'GET /statuses': () => json(statuses()),
    },
  });
}
