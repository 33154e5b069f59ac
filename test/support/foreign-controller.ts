// Another controller of the Gateway API in the same cluster: it has entries in the status of routes, and detects changes of its entries.
import { setTimeout as delay } from 'node:timers/promises';
import type { Account, Cluster } from '../cluster/cluster.ts';

const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
const GROUP = 'gateway.networking.k8s.io';
const PAUSE_MS = 50;

interface Route {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly parentRefs: readonly { readonly name: string }[] };
  readonly status?: { readonly parents?: readonly { readonly controllerName: string }[] };
}

export class ForeignController {
  readonly name = 'example.com/other';
  readonly #cluster: Cluster;
  readonly #account: Account;
  readonly #gateway: string;
  /** JSON of its last entry, by route name. */
  readonly #written = new Map<string, string>();

  private constructor(cluster: Cluster, account: Account, gateway: string) {
    this.#cluster = cluster;
    this.#account = account;
    this.#gateway = gateway;
  }

  /** A controller of the Gateway with this name. */
  static async create(cluster: Cluster, gateway: string): Promise<ForeignController> {
    const rules = [
      { apiGroups: [GROUP], resources: ['httproutes'], verbs: ['get', 'list'] },
      { apiGroups: [GROUP], resources: ['httproutes/status'], verbs: ['patch'] },
    ];
    return new ForeignController(cluster, await cluster.account('foreign', rules), gateway);
  }

  /** Writes its entry into this number of routes as they appear, beside the entries of others, again after a conflict. */
  async adopt(count: number): Promise<void> {
    while (this.#written.size < count) {
      const routes = (await this.#list()).filter(({ metadata, spec }) => this.#isOwn(spec) && !this.#written.has(metadata.name));
      for (const route of routes) await this.#write(route);
      await delay(PAUSE_MS);
    }
  }

  /** Names of routes whose entry differs from the written one. */
  async changed(): Promise<readonly string[]> {
    const entries = new Map((await this.#list()).map(({ metadata, status }) => [metadata.name, this.#entryOf(status)]));
    return [...this.#written].filter(([name, text]) => entries.get(name) !== text).map(([name]) => name);
  }

  #isOwn(spec: Route['spec']): boolean {
    return spec.parentRefs.some(({ name }) => name === this.#gateway);
  }

  #entryOf(status: Route['status']): string {
    return JSON.stringify(status?.parents?.find(({ controllerName }) => controllerName === this.name));
  }

  async #list(): Promise<readonly Route[]> {
    const { body } = await this.#cluster.get(ROUTES, this.#account.token);
    return (JSON.parse(body) as { items: Route[] }).items;
  }

  async #write({ metadata, status }: Route): Promise<void> {
    const { name, resourceVersion } = metadata;
    const parents = [...(status?.parents ?? []), this.#entry(name)];
    const body = { metadata: { resourceVersion }, status: { parents } };
    const contentType = 'application/merge-patch+json';
    const answer = await this.#cluster.send('PATCH', `${ROUTES}/${name}/status`, { token: this.#account.token, body, contentType });
    if (answer.status === 200) this.#written.set(name, this.#entryOf((JSON.parse(answer.body) as Route).status));
  }

  /** With condition types that Weir uses too, and one that it does not use. */
  #entry(name: string): object {
    const condition = {
      status: 'True',
      reason: 'Theirs',
      message: `of ${name}`,
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const conditions = ['Accepted', 'ResolvedRefs', 'example.com/Checked'].map((type) => ({ type, ...condition }));
    return { parentRef: { group: GROUP, kind: 'Gateway', name: this.#gateway }, controllerName: this.name, conditions };
  }
}
