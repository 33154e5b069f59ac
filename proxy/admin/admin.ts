// Dumps and commands for operators: on loopback only, and not accessible to web pages in a browser on the machine.
import type * as ir from '#api/ir/ir.ts';
import { AdminServer, json, refuseWebPages, text } from '#lib/admin-server.ts';
import type { AdminRequest, Answer, Answerer } from '#lib/admin-server.ts';
import { logLevelOf, setLogLevel } from '#lib/component-log.ts';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';

/** The sources of dumps and the targets of commands. */
export interface AdminSources {
  readonly resources: () => readonly ir.Resource[];
  /** The Secrets without their content. */
  readonly secrets: () => readonly object[];
  readonly version: () => number;
  /** Starts draining: traffic should go elsewhere, but is still served. */
  readonly drain: () => void;
  /** What the parts of the chain of a rule cost, by the query of the request. */
  readonly chainCosts: (query: string, signal: AbortSignal) => Promise<Result<readonly object[]>>;
  readonly log: Log;
}

/** Handlers of a source of configuration in the same process, by method and path, and the largest body that they take. */
export interface FeedPaths {
  readonly paths: Readonly<Record<string, Answerer>>;
  readonly maxBodyBytes: number;
}

export function createAdminServer(port: number, sources: AdminSources, feed: FeedPaths | null = null): AdminServer {
  const { resources, secrets, version, drain, chainCosts, log } = sources;
  const paths = {
    'GET /config': () => json({ ...dump(resources(), version()), secrets: secrets() }),
    'POST /chain-costs': async ({ query, signal }: AdminRequest) => {
      const costs = await chainCosts(query, signal);
      return costs.ok ? json(costs.value) : text(400, costs.error);
    },
    'POST /drain': () => {
      drain();
      return text(202, 'draining');
    },
    'GET /log-level': ({ query }: AdminRequest) => levelOf(log, componentIn(query)),
    'PUT /log-level': ({ body, query }: AdminRequest) => setLevel(log, body.trim(), componentIn(query)),
    ...feed?.paths,
  };
  const maxBodyBytes = feed === null ? {} : { maxBodyBytes: feed.maxBodyBytes };
  return new AdminServer({ host: '127.0.0.1', port, paths, refuse: refuseWebPages, ...maxBodyBytes });
}

/** '' for the whole log. */
function componentIn(query: string): string {
  return new URLSearchParams(query).get('component') ?? '';
}

function levelOf(log: Log, component: string): Answer {
  const level = logLevelOf(log, component);
  return level === null ? text(404, `${JSON.stringify(component)} is no component`) : text(200, level);
}

function setLevel(log: Log, level: string, component: string): Answer {
  const set = setLogLevel(log, level, component);
  return set.ok ? text(200, level) : text(400, set.error);
}

/** Everything but the content of Secrets. */
function dump(resources: readonly ir.Resource[], version: number): object {
  const endpoints = new Map(resources.filter((each) => each.kind === 'Endpoints').map((each) => [each.key, each.endpoints]));
  const clusters = resources.filter((each) => each.kind === 'Cluster');
  return {
    version,
    listeners: resources.filter((each) => each.kind === 'Listener'),
    policies: resources.filter((each) => each.kind === 'Policy'),
    routes: resources.filter((each) => each.kind === 'Route'),
    streamRoutes: resources.filter((each) => each.kind === 'StreamRoute'),
    clusters: clusters.map((cluster) => ({ ...cluster, endpoints: endpoints.get(cluster.key) ?? [] })),
  };
}
