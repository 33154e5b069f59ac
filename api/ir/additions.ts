// What the IR has that the former release does not know, and what is sent to a proxy that has not said that it knows it. A proxy says
// the capabilities of its release in its Hello; a test holds this table to the schemas of the former release.

/** A field, a value or a kind that was added to the IR. */
export interface Addition {
  /** The name by which proxies say that they know it. Several additions that belong together share one. */
  readonly capability: string;
  /**
   * What was added: a field `Listener.unserved`, one of a list `Route.backends[].share`, a value `Cluster.protocol=http3`, one of a union
   * `Route.filters[].type=Cache`, a setting `ClientTrafficPolicy.settings.clientIP`, a kind of resource or of policy by its name alone.
   * It stands for everything below it.
   */
  readonly path: string;
  /**
   * What a proxy that does not know it gets. `omit`: the resource without the field, and the status of the object says so; where it does
   * no harm that it is left out. `omit silently`: the same without a word in statuses. `withhold`: nothing, as if it refused the
   * resource: it goes on with what it has, and the status says so. `remove`: it is not to have such a resource at all.
   */
  readonly otherwise: 'omit' | 'omit silently' | 'withhold' | 'remove';
}

export const ADDITIONS: readonly Addition[] = [
  // Before there was no resource for a listener that cannot be served.
  { capability: 'listener-claims', path: 'Listener.unserved', otherwise: 'remove' },
  // A proxy without it serves the pair that it is sent, and refuses a Secret without one: it goes on with the pair before.
  { capability: 'kept-pairs', path: 'Secret.problem', otherwise: 'omit silently' },
  // A proxy without it believes no peer about the client.
  { capability: 'client-ip', path: 'ClientTrafficPolicy.settings.clientIP', otherwise: 'omit' },
  { capability: 'least-rates', path: 'ClientTrafficPolicy.settings.rates', otherwise: 'omit' },
];

/** Capabilities whose additions the former release knows too. Controllers of that release ask for them. */
const SETTLED: readonly string[] = [];

/** What a proxy of this release says in its Hello. */
export const CAPABILITIES: readonly string[] = [...new Set([...SETTLED, ...ADDITIONS.map(({ capability }) => capability)])];
