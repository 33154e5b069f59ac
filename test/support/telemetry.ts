// Both ends of the telemetry stream over real sockets: a controller with a hub, and proxies whose counts the test gives.
import { randomUUID } from 'node:crypto';
import type { Entries, GaugesMessage } from '#api/wire/telemetry-messages.ts';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import type { Log } from '#lib/log.ts';
import { ok } from '#lib/result.ts';
import { PushCache } from '../../controller/push/cache.ts';
import { PushServer } from '../../controller/push/server.ts';
import type { PushServerOptions } from '../../controller/push/server.ts';
import { TelemetryHub } from '../../controller/telemetry/hub.ts';
import type { HubOptions } from '../../controller/telemetry/hub.ts';
import { telemetryService } from '../../controller/telemetry/service.ts';
import { Commands } from '../../proxy/reporting/commands.ts';
import type { CommandTable } from '../../proxy/reporting/commands.ts';
import { Reporting, REPORTING_TIMES } from '../../proxy/reporting/client.ts';
import type { ReportingOptions } from '../../proxy/reporting/client.ts';
import type { BlockSharing } from '../../proxy/reporting/block-line.ts';
import type { Borrowing } from '../../proxy/reporting/lending.ts';
import type { ReportReading, ReportSource } from '../../proxy/reporting/source.ts';

export const LOG = createLog('silent');
export const NOTHING: Entries = { backends: [], endpoints: [], routes: [], addresses: [] };

export const FAST = { ...REPORTING_TIMES, backoff: { minimum: 1, maximum: 20 } };

const GAUGES: GaugesMessage = { memory: 1, lagMs: 0, connections: 0, requests: 0, workers: 1, draining: false, uptimeMs: 1 };

/** Counts that the test gives; each reading takes them. */
export class GivenReports implements ReportSource {
  readings = 0;
  next: Entries = NOTHING;
  draining = false;
  exists: ReportReading['exists'] = null;

  read(): Promise<ReportReading> {
    this.readings++;
    const entries = this.next;
    this.next = NOTHING;
    return Promise.resolve({
      head: { revision: 'r', gauges: { ...GAUGES, draining: this.draining } },
      workers: new Map([['0/1', entries]]),
      exists: this.exists,
    });
  }

  /** Adds requests to an endpoint. */
  count(backend: string, endpoint: string, requests: number, failures: Readonly<Record<string, number>> = {}): void {
    const codes = Object.entries(failures).map(([code, count]) => ({ code, count }));
    const zeros = { serverErrors: 0, connectFailures: 0, firstByteSumMs: 0, firstBytes: 0 };
    this.next = { ...this.next, endpoints: [...this.next.endpoints, { backend, endpoint, requests, failures: codes, ...zeros }] };
  }
}

/** Commands that are done at once. */
export const IDLE_COMMANDS: CommandTable = {
  drain: () => ok(undefined),
  logLevel: () => ok(undefined),
  tail: () => ok(undefined),
  cpuProfile: () => ok(undefined),
  heapSnapshot: () => ok(undefined),
  override: () => ok(undefined),
};

/** A proxy without limits of the fleet. */
export const NO_BORROWING: Borrowing = {
  found: () => undefined,
  receive: () => undefined,
  counted: () => undefined,
  lost: () => undefined,
};

/** A proxy without threat detection. */
export const NO_BLOCKS: BlockSharing = { follow: () => ({ blocks: [], stop: () => undefined }), take: () => undefined };

/** A controller with a hub. */
export interface HubServer {
  readonly hub: TelemetryHub;
  readonly server: PushServer;
  readonly port: number;
}

/** Starts a controller. Without certificates by default. */
export async function serveHub(
  options: Partial<PushServerOptions> = {},
  hubOptions: Partial<HubOptions> = {},
  port = 0,
): Promise<HubServer> {
  const hub = new TelemetryHub({ log: LOG, subscribed: () => [], intervalMs: 1_000, ...hubOptions });
  const ignore = (): void => undefined;
  const server = new PushServer({
    address: `127.0.0.1:${port}`,
    tls: 'plaintext',
    cacheOf: () => new PushCache(),
    observer: { connected: ignore, disconnected: ignore, acked: ignore, nacked: ignore },
    services: [telemetryService(hub, new Faults(LOG), LOG)],
    log: LOG,
    ...options,
  });
  return { hub, server, port: await server.start() };
}

/** A proxy that reports. */
export function reportTo(port: number, source: ReportSource, options: Partial<ReportingOptions> & { readonly log?: Log } = {}): Reporting {
  const reporting = new Reporting({
    ...{ address: `127.0.0.1:${port}`, tls: 'plaintext', serverName: '', nodeId: 'proxy-1', weirVersion: '1', instance: randomUUID() },
    ...{
      workers: 1,
      source,
      commands: new Commands(IDLE_COMMANDS, LOG),
      borrowing: NO_BORROWING,
      blocks: NO_BLOCKS,
      log: LOG,
      times: FAST,
    },
    ...options,
  });
  reporting.start();
  return reporting;
}
