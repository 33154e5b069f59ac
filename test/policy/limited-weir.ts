// `weir up` with two workers, a RateLimitPolicy for its only route, and a Redis.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { backendWithRoute, gateway, gatewayClass } from '../support/objects.ts';

/** An answer, as the caller of a limited route sees it. */
export interface LimitedAnswer {
  readonly status: number;
  /** The code of an error; '' otherwise. */
  readonly code: string;
  /** A limit was asked, and has answered. */
  readonly isCounted: boolean;
}

export class LimitedWeir {
  readonly child: Child;
  readonly #port: number;
  readonly #close: () => Promise<void>;

  private constructor(child: Child, port: number, close: () => Promise<void>) {
    this.child = child;
    this.#port = port;
    this.#close = close;
  }

  /** Starts it with one limit by the header `x-tenant`, in Redis, and with these flags. */
  static async start(limit: object, flags: readonly string[]): Promise<LimitedWeir> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-limited-'));
    const backend = await new Backend('app').start();
    const [port = 0] = await freePorts(1);
    const limits = [{ name: 'w', key: [{ header: 'x-tenant' }], per: '1h', store: 'Redis', ...limit }];
    const policy = {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'RateLimitPolicy',
      metadata: { name: 'limits' },
      spec: { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'app' }], limits },
    };
    const app = backendWithRoute('app', { endpoints: [{ ip: '127.0.0.1', port: backend.port }] });
    const items = [gatewayClass(), gateway('gw', [{ name: 'http', port }]), ...app, policy];
    writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const child = new Child(['up', folder, '--access-log', 'off', '--store', 'off', '--workers', '2', ...flags]);
    await child.printed(/serving; stop with/);
    return new LimitedWeir(child, port, async () => {
      await child.stop('SIGKILL');
      await backend.stop();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** One request of a tenant, on a connection of its own, so that it may reach either worker. */
  async ask(tenant: string): Promise<LimitedAnswer> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/`, { headers: { 'x-tenant': tenant, connection: 'close' } });
    const body = await response.text();
    const code = response.ok ? '' : (/"(?:code|error)":\s*"(\w+)"/.exec(body)?.[1] ?? body.trim());
    return { status: response.status, code, isCounted: response.headers.has('ratelimit') };
  }

  /** Many requests of a tenant at the same time. */
  burst(tenant: string, count: number): Promise<readonly LimitedAnswer[]> {
    return Promise.all(Array.from({ length: count }, () => this.ask(tenant)));
  }

  /** Eight callers ask all the time while something happens. Resolves to all answers. */
  async load(during: () => Promise<unknown>): Promise<readonly LimitedAnswer[]> {
    const answers: LimitedAnswer[] = [];
    let isOver = false;
    const caller = async (tenant: string): Promise<void> => {
      while (!isOver) answers.push(await this.ask(tenant));
    };
    const callers = Promise.all(Array.from({ length: 8 }, (_, i) => caller(`caller-${i}`)));
    await during().finally(() => (isOver = true));
    await callers;
    return answers;
  }

  /** Asks until bursts of new tenants answer so. */
  async until(isReached: (answers: readonly LimitedAnswer[]) => boolean, name: string): Promise<void> {
    for (let i = 0; !isReached(await this.burst(`${name}-${i}`, 16)); i++);
  }

  stop(): Promise<void> {
    return this.#close();
  }
}
