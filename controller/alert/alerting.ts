// The parts of alerts, as a controller and `weir up` use them: the evaluator, and what operators ask.
import type { EncodedResource } from '#api/ir/ir.ts';
import type { AlertSettings } from '#lib/alert-settings.ts';
import type { AddressGuard } from '#lib/destination.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { KeptAlerts } from '../store/kept-alerts.ts';
import type { WindowReader } from '../telemetry/window/reader.ts';
import { defaultRules, STANDALONE_NAMESPACE, unknownDefaults } from './defaults.ts';
import { AlertDesk } from './desk.ts';
import { Evaluator } from './evaluator.ts';
import { Prometheus } from './prometheus.ts';

export interface AlertingOptions {
  readonly settings: AlertSettings;
  readonly kept: KeptAlerts;
  readonly reader: WindowReader;
  /** All compiled resources. */
  readonly resources: () => Iterable<Pick<EncodedResource, 'kind' | 'key'>>;
  /** The namespace of the default rules, whose rules may concern all namespaces; null: all rules may (standalone). */
  readonly operatorNamespace: string | null;
  readonly leads: () => boolean;
  readonly guard: AddressGuard;
  readonly faults: Faults;
  readonly log: Log;
}

export class Alerting {
  readonly evaluator: Evaluator;
  readonly desk: AlertDesk;
  /** Asks the configured Prometheus, also for ranges beyond the window. */
  readonly prometheus: Prometheus;

  constructor({ settings, kept, reader, resources, operatorNamespace, leads, guard, faults, log }: AlertingOptions) {
    const { prometheusUrl: url, prometheusTokenFile: tokenFile, prometheusCaFile: caFile } = settings;
    this.prometheus = new Prometheus({ url, tokenFile, caFile });
    const keysOf = (kinds: readonly string[]) =>
      function* keys(): Iterable<string> {
        for (const { kind, key } of resources()) if (kinds.includes(kind)) yield key;
      };
    this.evaluator = new Evaluator({
      kept,
      sources: {
        reader,
        inventory: { routes: keysOf(['Route', 'StreamRoute']), backends: keysOf(['Endpoints']) },
        prometheus: this.prometheus,
        operatorNamespace,
      },
      defaults: settings.defaults ? defaultRules(operatorNamespace ?? STANDALONE_NAMESPACE, settings.disabled) : [],
      leads,
      guard,
      faults,
      log,
    });
    this.desk = new AlertDesk(this.evaluator, kept, operatorNamespace, settings);
    const unknown = unknownDefaults(settings.disabled);
    if (unknown !== '') log.warn({ reason: unknown }, 'a default alert rule cannot be disabled');
  }

  async stop(): Promise<void> {
    await this.prometheus.stop();
  }
}
