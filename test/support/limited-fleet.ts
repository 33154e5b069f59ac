// A fleet with limits: proxies on real sockets that report to one controller over gRPC, and borrow units of it.
import { once } from 'node:events';
import http from 'node:http';
import type * as ir from '#api/ir/ir.ts';
import { createLog } from '#lib/log.ts';
import { limitCommands } from '../../proxy/limit-commands.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { Commands } from '../../proxy/reporting/commands.ts';
import type { Reporting } from '../../proxy/reporting/client.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { Fleet, NO_PEERS } from '../../controller/telemetry/fleet.ts';
import { LimitBook } from '../../controller/telemetry/limit-book.ts';
import { LimitDesk, NO_LIMIT_PEERS } from '../../controller/telemetry/limit-desk.ts';
import { Backend } from './backend.ts';
import { freePorts } from './free-port.ts';
import { closeLater } from './fixture.ts';
import { cluster, listener, route } from './proxy.ts';
import { GivenReports, LOG, reportTo, serveHub } from './telemetry.ts';
import type { HubServer } from './telemetry.ts';
import { until } from './until.ts';

/** A RateLimitPolicy of the Gateway with these limits. */
export function limitPolicy(limits: readonly object[]): ir.Policy {
  const targets = [{ kind: 'Gateway', namespace: 'default', name: 'gateway', section: '' }];
  const key = 'RateLimitPolicy/default/limits';
  const name = { kind: 'Policy', key, policyKind: 'RateLimitPolicy', namespace: 'default', name: 'limits' } as const;
  return { ...name, createdAt: 0, targets, settings: { limits } };
}

/** A controller that lends. */
export class LimitController {
  readonly port: number;
  readonly #served: HubServer;
  readonly #desk: LimitDesk;

  private constructor(served: HubServer, desk: LimitDesk) {
    this.#served = served;
    this.#desk = desk;
    this.port = served.port;
  }

  static async start(port = 0): Promise<LimitController> {
    const served = await serveHub({}, {}, port);
    const desk = new LimitDesk({ hub: served.hub, peers: NO_LIMIT_PEERS, everyMs: 100, learnMs: 0 });
    desk.lead(true);
    desk.start();
    const controller = new LimitController(served, desk);
    closeLater(() => controller.stop());
    return controller;
  }

  /** The number of proxies that it lends to. */
  get borrowers(): number {
    return this.#desk.present([])?.[0]?.borrowers ?? 0;
  }

  /** The limits of its proxies for operators. */
  book(limits: readonly object[]): LimitBook {
    const resources = (): readonly ir.Resource[] => [limitPolicy(limits)];
    const fleet = new Fleet({ hub: this.#served.hub, peers: NO_PEERS, resources, version: '1' });
    return new LimitBook({ fleet, desk: this.#desk, resources });
  }

  async stop(): Promise<void> {
    this.#desk.stop();
    this.#served.hub.stop();
    await this.#served.server.stop();
  }
}

/** A proxy of the fleet with a listener of its own. */
export class LimitedProxy {
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

  static async start(
    name: string,
    controller: LimitController,
    backend: Backend,
    limits: readonly object[],
    workers = 1,
  ): Promise<LimitedProxy> {
    const [port = 0] = await freePorts(1);
    const settings = { limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1_000, processMetrics: false };
    const supervisor = new Supervisor({ workers, log: createLog('silent'), ...settings });
    closeLater(() => supervisor.stop(1));
    await until(() => supervisor.serving === workers, 'all workers');
    await supervisor.apply([listener({ port }), ...cluster('app', [backend.port]), route(), limitPolicy(limits)], []);
    let found = false;
    const { limits: lent } = supervisor;
    const borrowing = {
      found: (...lender: Parameters<typeof lent.found>) => {
        lent.found(...lender);
        found = true;
      },
      receive: (lends: Parameters<typeof lent.receive>[0]) => {
        member.lends += lends.length;
        lent.receive(lends);
      },
      counted: (proxies: number) => lent.counted(proxies),
      lost: () => lent.lost(),
    };
    const reporting = reportTo(controller.port, new GivenReports(), {
      nodeId: name,
      borrowing,
      commands: new Commands(limitCommands(supervisor), LOG),
    });
    const member = new LimitedProxy(supervisor, reporting, port);
    closeLater(() => member.stop());
    await until(() => found, 'a lender');
    return member;
  }

  /** The proxies of the fleet, as the controller has told this one. */
  get proxies(): number {
    return this.#supervisor.limits.proxies;
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
export async function limitedStatuses(
  members: readonly LimitedProxy[],
  count: number,
  atOnce = 40,
): Promise<readonly (number | undefined)[]> {
  const all: (number | undefined)[] = [];
  for (let sent = 0; sent < count; sent += atOnce) {
    const asked = Array.from({ length: Math.min(atOnce, count - sent) }, (_, i) =>
      (members[(sent + i) % members.length] as LimitedProxy).ask(),
    );
    all.push(...(await Promise.all(asked)).map(({ statusCode }) => statusCode));
  }
  return all;
}

/** How many of these requests passed. */
export const passed = (answers: readonly (number | undefined)[]): number => answers.filter((status) => status === 200).length;

/** So many proxies of a controller, and their backend. */
export async function limitedFleet(
  size: number,
  limits: readonly object[],
  controller: LimitController,
): Promise<[LimitedProxy[], Backend]> {
  const backend = await new Backend('one').start();
  closeLater(() => backend.stop());
  const members: LimitedProxy[] = [];
  for (let i = 0; i < size; i++) members.push(await LimitedProxy.start(`proxy-${i}`, controller, backend, limits));
  await until(() => controller.borrowers === size, 'all borrowers');
  return [members, backend];
}
