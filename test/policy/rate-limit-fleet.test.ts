// Limits of a fleet: ten proxies on real sockets borrow units of one controller over gRPC; one dies, one joins, the controller dies.
import { afterEach, expect, test } from '@jest/globals';
import http from 'node:http';
import { once } from 'node:events';
import type * as ir from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import type { Reporting } from '../../proxy/reporting/client.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { LimitDesk, NO_LIMIT_PEERS } from '../../controller/telemetry/limit-desk.ts';
import { Backend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import { GivenReports, reportTo, serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function policy(limits: readonly object[]): ir.Policy {
  const targets = [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' }];
  const key = 'RateLimitPolicy/default/limits';
  const name = { kind: 'Policy', key, policyKind: 'RateLimitPolicy', namespace: 'default', name: 'limits' } as const;
  return { ...name, createdAt: 0, targets, settings: { limits } };
}

/** A controller that lends. */
class Controller {
  readonly port: number;
  readonly #served: HubServer;
  readonly #desk: LimitDesk;

  private constructor(served: HubServer, desk: LimitDesk) {
    this.#served = served;
    this.#desk = desk;
    this.port = served.port;
  }

  static async start(port = 0): Promise<Controller> {
    const served = await serveHub({}, {}, port);
    const desk = new LimitDesk({ hub: served.hub, peers: NO_LIMIT_PEERS, everyMs: 100, learnMs: 0 });
    desk.lead(true);
    desk.start();
    const controller = new Controller(served, desk);
    closers.push(() => controller.stop());
    return controller;
  }

  /** The number of proxies that it lends to. */
  get borrowers(): number {
    return this.#desk.present([])?.[0]?.borrowers ?? 0;
  }

  async stop(): Promise<void> {
    this.#desk.stop();
    this.#served.hub.stop();
    await this.#served.server.stop();
  }
}

/** A proxy of the fleet with a listener of its own. */
class Member {
  readonly #supervisor: Supervisor;
  readonly #reporting: Reporting;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  readonly #port: number;
  lends = 0;

  private constructor(supervisor: Supervisor, reporting: Reporting, port: number) {
    this.#supervisor = supervisor;
    this.#reporting = reporting;
    this.#port = port;
  }

  static async start(name: string, controller: Controller, backend: Backend, limits: readonly object[], workers = 1): Promise<Member> {
    const [port = 0] = await freePorts(1);
    const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1_000, processMetrics: false };
    const supervisor = new Supervisor({ workers, log: createLog('silent'), ...settings });
    closers.push(() => supervisor.stop(1));
    await until(() => supervisor.serving === workers, 'all workers');
    expect(await supervisor.apply([listener({ port }), ...cluster('app', [backend.port]), route(), policy(limits)], [])).toEqual([]);
    let found = false;
    const { lease } = supervisor;
    const borrowing = {
      found: (...lender: Parameters<typeof lease.found>) => {
        lease.found(...lender);
        found = true;
      },
      receive: (lends: Parameters<typeof lease.receive>[0]) => {
        member.lends += lends.length;
        lease.receive(lends);
      },
      lost: () => lease.lost(),
    };
    const reporting = reportTo(controller.port, new GivenReports(), { nodeId: name, borrowing });
    const member = new Member(supervisor, reporting, port);
    closers.push(() => member.stop());
    await until(() => found, 'a lender');
    return member;
  }

  async ask(headers: http.OutgoingHttpHeaders = {}): Promise<http.IncomingMessage> {
    const request = http.get({ host: '127.0.0.1', port: this.#port, agent: this.#agent, headers });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    await once(response.resume(), 'end');
    return response;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#reporting.stop();
    await this.#supervisor.stop(1);
  }
}

/** The statuses of so many requests, sent to the members in turn, some at a time. */
async function statuses(members: readonly Member[], count: number, atOnce = 40): Promise<readonly (number | undefined)[]> {
  const all: (number | undefined)[] = [];
  for (let sent = 0; sent < count; sent += atOnce) {
    const asked = Array.from({ length: Math.min(atOnce, count - sent) }, (_, i) => (members[(sent + i) % members.length] as Member).ask());
    all.push(...(await Promise.all(asked)).map(({ statusCode }) => statusCode));
  }
  return all;
}

const passed = (answers: readonly (number | undefined)[]): number => answers.filter((status) => status === 200).length;

async function fleet(size: number, limits: readonly object[], controller: Controller): Promise<[Member[], Backend]> {
  const backend = await new Backend('one').start();
  closers.push(() => backend.stop());
  const members: Member[] = [];
  for (let i = 0; i < size; i++) members.push(await Member.start(`proxy-${i}`, controller, backend, limits));
  await until(() => controller.borrowers === size, 'all borrowers');
  return [members, backend];
}

test('ten proxies share a limit with at most 5 % error, while one dies and one joins', async () => {
  const limits = [{ name: 'all', requests: 2_000, per: 600_000, store: 'Lease' }];
  const controller = await Controller.start();
  const [members, backend] = await fleet(10, limits, controller);
  let allowed = passed(await statuses(members, 600));
  expect(allowed).toBe(600);
  await members.shift()?.stop();
  allowed += passed(await statuses(members, 600));
  members.push(await Member.start('proxy-new', controller, backend, limits));
  allowed += passed(await statuses(members, 1_600));
  expect(allowed).toBeLessThanOrEqual(2_000);
  expect(allowed).toBeGreaterThanOrEqual(1_900);
  expect(members.reduce((sum, { lends }) => sum + lends, 0)).toBeGreaterThan(0);
});

test('a small limit is exact over the proxies, for each key', async () => {
  const controller = await Controller.start();
  const limits = [{ name: 'few', key: [{ header: 'x-key' }], requests: 5, per: 600_000, store: 'Lease' }];
  const [members] = await fleet(3, limits, controller);
  expect(passed(await statuses(members, 30, 30))).toBe(5);
  const [first] = members;
  expect((await first?.ask({ 'x-key': 'other' }))?.headers.ratelimit).toMatch(/^"few";r=4;t=/);
});

test('without the controller each proxy goes on with its share, and a new controller learns what was used', async () => {
  const limits = [{ name: 'all', requests: 100, per: 600_000, store: 'Lease' }];
  const controller = await Controller.start();
  const [members] = await fleet(2, limits, controller);
  expect(passed(await statuses(members, 20, 4))).toBe(20);
  await controller.stop();
  // Each used ten and may use fifty.
  expect(passed(await statuses(members, 40, 4))).toBe(40);
  const before = members.map(({ lends }) => lends);
  await Controller.start(controller.port);
  await until(() => members.every(({ lends }, i) => lends > (before[i] ?? 0)), 'an answer for each proxy');
  // Its share is fifty, of which thirty are used: the new controller lends what the other has not used.
  const later = passed(await statuses(members.slice(0, 1), 80, 4));
  expect(later).toBeLessThanOrEqual(40);
  expect(later).toBeGreaterThanOrEqual(35);
});

test('workers in processes of their own share a limit of the fleet', async () => {
  const limits = [{ name: 'few', requests: 5, per: 600_000, store: 'Lease' }];
  const controller = await Controller.start();
  const [members, backend] = await fleet(1, limits, controller);
  members.push(await Member.start('proxy-two', controller, backend, limits, 2));
  expect(passed(await statuses(members, 30, 30))).toBe(5);
});
