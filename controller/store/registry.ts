// Makes the store of a program from its settings, with the registrations in it. The store opens at the first use.
import type { StoreSettings } from '#lib/store-settings.ts';
import { OffStore } from './off-store.ts';
import { PostgresStore } from './postgres-store.ts';
import { DEFAULT_REGISTRATION_LIMITS } from './registration.ts';
import { Registrations } from './registrations.ts';
import { SqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

export interface RegistryOptions {
  readonly store: StoreSettings;
  /** How many endpoints one Backend may have. */
  readonly maxRegisteredEndpoints: number;
  /** Called with bugs. */
  readonly failed: (error: unknown) => void;
}

/** The registrations of a program and their store. */
export class Registry {
  readonly registrations: Registrations;
  readonly #store: Store;

  /** Throws if a file that a URL names cannot be read. */
  constructor({ store, maxRegisteredEndpoints: perBackend, failed }: RegistryOptions) {
    this.#store = makeStore(store);
    this.registrations = new Registrations({ store: this.#store, limits: { ...DEFAULT_REGISTRATION_LIMITS, perBackend }, failed });
  }

  /** Later changes are refused. */
  async stop(): Promise<void> {
    await this.registrations.stop();
    await this.#store.close();
  }
}

function makeStore(settings: StoreSettings): Store {
  if (settings.kind === 'postgres') return new PostgresStore(settings);
  return settings.kind === 'sqlite' ? new SqliteStore({ file: settings.file }) : new OffStore();
}
