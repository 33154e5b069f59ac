// The admin API with its parts, as `weir admin` and `weir up` run it.
import { joinAddress } from '#lib/host-port.ts';
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { areasOf } from './api/areas.ts';
import type { Auditor, Authenticator } from './api/authenticator.ts';
import { SERVER_LIMITS } from './api/limits.ts';
import { AdminMetrics } from './api/metrics.ts';
import { AdminApi } from './api/server.ts';
import type { AdminSettings } from './config.ts';
import { makeAdminStore } from './store/admin-store.ts';

/** No user exists yet, so no credentials are valid. */
const NO_CALLERS: Authenticator = { authenticate: () => Promise.resolve(ok(null)) };

/** Refuses each change. */
const NO_CHANGES: Auditor = {
  trouble: 'this version has no audit log',
  record: () => Promise.resolve(err('this version has no audit log')),
};

export class AdminPart {
  readonly #settings: AdminSettings;
  readonly #store: Store;
  readonly #api: AdminApi;
  readonly #metrics = new AdminMetrics();
  /** Why the store is away; '' if it is not. */
  #storeTrouble = '';

  constructor(settings: AdminSettings, log: Log) {
    this.#settings = settings;
    this.#store = makeAdminStore(settings.store);
    this.#api = new AdminApi({
      ...settings,
      isSecure: settings.tls !== null || settings.url.startsWith('https:'),
      areas: areasOf({ health: { troubles: () => this.troubles } }),
      authenticator: NO_CALLERS,
      auditor: NO_CHANGES,
      limits: SERVER_LIMITS,
      metrics: this.#metrics,
      log,
    });
  }

  get families(): readonly MetricFamily[] {
    return this.#metrics.families;
  }

  /** Why each part that is away is away, by its name. */
  get troubles(): Readonly<Record<string, string>> {
    return this.#storeTrouble === '' ? {} : { store: this.#storeTrouble };
  }

  /** Resolves to the URL of the API, or to the reason why it is not served. A store that is away is a trouble, and opens later. */
  async start(): Promise<Result<string>> {
    const opened = await this.#store.read(() => Promise.resolve());
    this.#storeTrouble = opened.ok ? '' : opened.error;
    const { address, tls, url } = this.#settings;
    try {
      const port = await this.#api.start();
      return ok(url || `${tls === null ? 'http' : 'https'}://${joinAddress(address.host || 'localhost', port)}`);
    } catch (error) {
      await this.stop();
      const reason = isSystemError(error) ? describeSystemError(error) : (error as Error).message;
      return err(`--admin-api-address: ${reason}`);
    }
  }

  /** Cuts open requests, then closes the store. */
  async stop(): Promise<void> {
    await this.#api.stop();
    await this.#store.close();
  }
}
