// `weir up` with one route to a Backend whose endpoints come from a source, and what it tells about them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { Backend } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { keptConnection, newConnections } from '../support/flows.ts';
import { freePorts } from '../support/free-port.ts';
import { traffic } from '../support/traffic.ts';
import type { TrafficResult } from '../support/traffic.ts';

/** A lookup in the dump of the admin server. */
interface Lookup {
  readonly owner: string;
  readonly endpoints: readonly { readonly address: string; readonly port: number }[] | null;
  readonly trouble: { readonly reason: string; readonly message: string } | null;
}

const GATEWAY = 'gateway.networking.k8s.io/v1';
const DEADLINE_MS = 45_000;

export class DiscoveringWeir {
  readonly port: number;
  readonly #admin: number;
  readonly #probes: number;
  readonly #folder: string;
  readonly #child: Child;
  readonly #backends: Backend[] = [];

  private constructor(folder: string, [port = 0, admin = 0, probes = 0]: readonly number[], allowed: string) {
    this.#folder = folder;
    this.port = port;
    this.#admin = admin;
    this.#probes = probes;
    const ports = ['--admin-port', String(admin), '--probe-port', String(probes)];
    this.#child = new Child(['up', folder, '--access-log', 'off', ...ports], { WEIR_ALLOW_ENDPOINTS: allowed });
  }

  /**
   * `source`: the fields of the Backend; `others`: more objects, like Secrets. `allowed`: the addresses that endpoints may have besides
   * usual ones. Resolves once it serves.
   */
  static async start(source: object, others: readonly object[] = [], allowed = '127.0.0.0/8'): Promise<DiscoveringWeir> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-discovering-'));
    const ports = await freePorts(3);
    save(folder, 'gateway', [
      { apiVersion: GATEWAY, kind: 'GatewayClass', metadata: { name: 'weir' }, spec: { controllerName: 'gateway.weir.dev/controller' } },
      {
        apiVersion: GATEWAY,
        kind: 'Gateway',
        metadata: { name: 'gw' },
        spec: { gatewayClassName: 'weir', listeners: [{ name: 'http', protocol: 'HTTP', port: ports[0] }] },
      },
      {
        apiVersion: GATEWAY,
        kind: 'HTTPRoute',
        metadata: { name: 'orders' },
        spec: {
          parentRefs: [{ name: 'gw' }],
          rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'orders' }] }],
        },
      },
    ]);
    saveBackend(folder, source);
    save(folder, 'others', others);
    const weir = new DiscoveringWeir(folder, ports, allowed);
    await weir.#child.printed(/serving/);
    return weir;
  }

  /** The log so far. */
  get log(): string {
    return this.#child.output;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Replaces the fields of the Backend, or the other objects. */
  change({ source, others }: { readonly source?: object; readonly others?: readonly object[] }): void {
    if (source !== undefined) saveBackend(this.#folder, source);
    if (others !== undefined) save(this.#folder, 'others', others);
  }

  /** Starts a backend that a registry can name. */
  async backend(name: string): Promise<Backend> {
    const backend = await new Backend(name).start();
    this.#backends.push(backend);
    return backend;
  }

  /** Resolves once the ports of the endpoints are these, and the trouble has this reason; null is none. */
  async settled(ports: readonly number[], reason: string | null = null): Promise<void> {
    const wanted = JSON.stringify([ports.toSorted((a, b) => a - b), reason]);
    let seen = '';
    const deadline = performance.now() + DEADLINE_MS;
    while (performance.now() < deadline) {
      const { endpoints, trouble } = await this.lookup();
      seen = JSON.stringify([(endpoints ?? []).map(({ port }) => port).sort((a, b) => a - b), trouble?.reason ?? null]);
      if (seen === wanted) return;
      await delay(10);
    }
    throw new Error(`the endpoints are ${seen} instead of ${wanted}:\n${this.log}`);
  }

  /** The state of the lookup. */
  async lookup(): Promise<Lookup> {
    const lookups = (await (await fetch(`http://127.0.0.1:${this.#admin}/discovery`)).json()) as readonly Lookup[];
    return lookups[0] ?? { owner: '', endpoints: null, trouble: null };
  }

  async isReady(): Promise<boolean> {
    return (await fetch(`http://127.0.0.1:${this.#probes}/readyz`)).status === 200;
  }

  /** Resolves once several requests in a row are answered by these backends, or with this status. */
  async answers(...names: readonly string[]): Promise<void> {
    const wanted = names.toSorted().join();
    let seen = '';
    const deadline = performance.now() + DEADLINE_MS;
    while (performance.now() < deadline) {
      seen = await this.#answering();
      if (seen === wanted) return;
    }
    throw new Error(`requests are answered by ${seen} instead of ${wanted}:\n${this.log}`);
  }

  async #answering(): Promise<string> {
    const names = new Set<string>();
    for (let i = 0; i < 8; i++) {
      const answer = await fetch(this.url);
      const body = await answer.text();
      names.add(answer.status === 200 ? (JSON.parse(body) as { backend: string }).backend : String(answer.status));
    }
    return [...names].sort().join();
  }

  /** Constant requests during an event, from the moment at which the proxy has an endpoint. */
  async traffic(during: () => Promise<unknown>): Promise<TrafficResult> {
    while ((await this.#answering()).includes('503')) await delay(10);
    return traffic([keptConnection(this.url), newConnections(this.url)], during, 2);
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    for (const backend of this.#backends) await backend.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

/** A Secret with these entries. */
export function secret(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'Opaque', stringData };
}

function saveBackend(folder: string, spec: object): void {
  save(folder, 'backend', [{ apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name: 'orders' }, spec }]);
}

function save(folder: string, name: string, objects: readonly object[]): void {
  writeFileSync(path.join(folder, `${name}.yaml`), objects.map((object) => stringify(object)).join('---\n'));
}
