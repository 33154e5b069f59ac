// Makes the store of a program from its settings, with the registrations in it. The store opens at the first use.
import type { StoreSettings } from '#lib/store-settings.ts';
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { MeteredStore } from '#lib/store/metered-store.ts';
import { OffStore } from '#lib/store/off-store.ts';
import { PostgresStore } from '#lib/store/postgres-store.ts';
import { SqliteStore } from '#lib/store/sqlite-store.ts';
import type { Store } from '#lib/store/store.ts';
import { KeptAlerts } from './kept-alerts.ts';
import { KeptOverrides } from './kept-overrides.ts';
import { DEFAULT_REGISTRATION_LIMITS } from './registration.ts';
import { Registrations } from './registrations.ts';
import { SCHEMA } from './schema.ts';

export interface RegistryOptions {
  readonly store: StoreSettings;
  /** How many endpoints one Backend may have. */
  readonly maxRegisteredEndpoints: number;
  /** Called with bugs. */
  readonly failed: (error: unknown) => void;
  readonly log: Log;
}

/** The registrations and overrides of a program and their store. */
export class Registry {
  readonly registrations: Registrations;
  readonly overrides: KeptOverrides;
  readonly alerts: KeptAlerts;
  readonly #store: MeteredStore;

  /** Throws if a file that a URL names cannot be read. */
  constructor({ store, maxRegisteredEndpoints: perBackend, failed, log }: RegistryOptions) {
    this.#store = new MeteredStore(makeStore(store));
    this.overrides = new KeptOverrides(this.#store, log);
    this.alerts = new KeptAlerts(this.#store);
    this.registrations = new Registrations({ store: this.#store, limits: { ...DEFAULT_REGISTRATION_LIMITS, perBackend }, failed });
  }

  /** The metrics of the store, read at each scrape. */
  families(): readonly MetricFamily[] {
    return this.#store.families();
  }

  /** Later changes are refused. */
  async stop(): Promise<void> {
    this.overrides.stop();
    await this.registrations.stop();
    await this.#store.close();
  }
}

function makeStore(settings: StoreSettings): Store {
  if (settings.kind === 'postgres') return new PostgresStore({ ...settings, schema: SCHEMA });
  return settings.kind === 'sqlite' ? new SqliteStore({ file: settings.file, schema: SCHEMA }) : new OffStore();
}
