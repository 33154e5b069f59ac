// The telemetry of `weir up`: the proxy reports to a hub in the same process, by the same messages as over gRPC.
import { randomUUID } from 'node:crypto';
import type * as ir from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import { Fleet, NO_PEERS } from '../controller/telemetry/fleet.ts';
import { LimitBook } from '../controller/telemetry/limit-book.ts';
import { LimitDesk, NO_LIMIT_PEERS } from '../controller/telemetry/limit-desk.ts';
import { TelemetryHub } from '../controller/telemetry/hub.ts';
import type { Override } from '../controller/telemetry/overrides.ts';
import { fleetWindow } from '../controller/telemetry/window/fleet-window.ts';
import type { WindowReader } from '../controller/telemetry/window/reader.ts';
import { commandsOf } from '../proxy/commands.ts';
import { BlockBook } from '../proxy/reporting/block-book.ts';
import { Dialogue } from '../proxy/reporting/dialogue.ts';
import { Outbox } from '../proxy/reporting/outbox.ts';
import { SupervisedReports } from '../proxy/supervised-reports.ts';
import type { Serving } from '../proxy/serving.ts';

/** One proxy may report more often than those of a fleet, milliseconds. */
export const REPORT_MS = 1_000;
const NODE_ID = 'weir-up';

export interface OwnTelemetryOptions {
  readonly serving: Pick<Serving, 'supervisor' | 'readiness' | 'retire'>;
  readonly workers: number;
  readonly revision: () => string;
  readonly resources: () => readonly ir.Resource[];
  /** Called with each new override, to keep it. */
  readonly overridden: (override: Override) => void;
  readonly log: Log;
}

export class OwnTelemetry {
  readonly fleet: Fleet;
  readonly limits: LimitBook;
  readonly window: WindowReader;
  readonly #options: OwnTelemetryOptions;
  readonly #hub: TelemetryHub;
  readonly #desk: LimitDesk;
  #dialogue: Dialogue | null = null;

  constructor(options: OwnTelemetryOptions) {
    const { log, resources, overridden } = options;
    this.#options = options;
    this.#hub = new TelemetryHub({ log: log.child({}, { level: 'warn' }), subscribed: () => [], overridden, intervalMs: REPORT_MS });
    this.#desk = new LimitDesk({ hub: this.#hub, peers: NO_LIMIT_PEERS, learnMs: 0 });
    this.fleet = new Fleet({ hub: this.#hub, peers: NO_PEERS, resources, version: WEIR_VERSION });
    this.limits = new LimitBook({ fleet: this.fleet, desk: this.#desk, resources });
    const [hub, fleet, limits] = [this.#hub, this.fleet, this.limits];
    this.window = fleetWindow({ hub, peers: NO_PEERS, fleet, limits, resources, refused: () => null });
  }

  /** The overrides that the store has kept. */
  learnAll(overrides: readonly Override[]): void {
    this.#hub.learnAll(overrides);
  }

  /** Begins to report. */
  start(): void {
    const { serving, workers, revision, log } = this.#options;
    const { supervisor, readiness } = serving;
    const blocks = new BlockBook(supervisor.broadcast);
    const commands = commandsOf(serving, blocks, log);
    const end = (reason: string): void => log.error({ reason }, 'the telemetry of this process ended');
    // Each message arrives in a turn of its own, as over a socket.
    const accepted = this.#hub.accept({
      scope: 'shared',
      address: '',
      send: (message) => setImmediate(() => dialogue.receive(message)),
      end: (_code, reason) => end(reason),
    });
    const dialogue = new Dialogue({
      hello: { nodeId: NODE_ID, weirVersion: WEIR_VERSION, instance: randomUUID(), workers, commands: commands.names },
      outbox: new Outbox(),
      source: new SupervisedReports({ supervisor, workers, revision, draining: () => readiness.isDraining }),
      commands,
      borrowing: supervisor.limits,
      blocks,
      line: { send: async (message) => accepted.receive(message), end },
      reported: () => undefined,
      welcomed: () => undefined,
    });
    this.#dialogue = dialogue;
    this.#desk.lead(true);
    this.#desk.start();
    dialogue.begin();
  }

  stop(): void {
    this.#desk.stop();
    this.#dialogue?.close();
  }
}
