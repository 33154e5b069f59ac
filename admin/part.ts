// The admin API with its parts, as `weir admin` and `weir up` run it.
import { joinAddress } from '#lib/host-port.ts';
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { RecentLog } from '#lib/recent-log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { areasOf } from './api/areas.ts';
import type { CallListener } from './api/calls.ts';
import { SERVER_LIMITS } from './api/limits.ts';
import { AdminMetrics } from './api/metrics.ts';
import type { Area } from './api/operation.ts';
import { AdminApi } from './api/server.ts';
import { AuditLog } from './audit/audit-log.ts';
import { AuditWriter } from './audit/audit-writer.ts';
import { AuditRetention } from './audit/retention.ts';
import type { AdminSettings } from './config.ts';
import type { ApiClient } from '../controller/watch/api-client.ts';
import type { ConfigurationStore } from './configuration/configuration-store.ts';
import type { AccountReviewer } from './identity/identity-authenticator.ts';
import type { BundleParts } from './diagnostics/bundle.ts';
import { shownSettings } from './diagnostics/setting.ts';
import { Identity } from './identity/identity.ts';
import { awayReason, type Live } from './live/live.ts';
import { OwnAlerts, type OwnAlertOptions } from './notification/own-alerts.ts';
import { OidcLogin } from './oidc/oidc-login.ts';
import { KeyFile } from './identity/key-file.ts';
import { RevisionRecorder } from './revisions/recorder.ts';
import { RevisionRetention } from './revisions/retention.ts';
import { Revisions } from './revisions/revisions.ts';
import { Proposals, type GitSettings } from './proposal/proposals.ts';
import { makeAdminStore } from './store/admin-store.ts';
import { Usage } from './usage/usage.ts';

/** Milliseconds between two looks at the store. */
const LOOK_MS = 5_000;

export interface AdminPartOptions {
  readonly settings: AdminSettings;
  /** The objects that operators change; null for none. The part closes it. */
  readonly configuration: ConfigurationStore | null;
  /** The repository with the sources of objects; null for none. */
  readonly git: GitSettings | null;
  /** The API server of the cluster; null without a cluster. */
  readonly cluster: ApiClient | null;
  /** Asks about tokens of ServiceAccounts; null without a cluster. */
  readonly reviewer: AccountReviewer | null;
  /** The controllers of the fleet. The part starts and stops it. */
  readonly live: Live;
  readonly log: Log;
  /** The latest lines of the log, for bundles of diagnostics. */
  readonly recentLog?: RecentLog;
  /** Shows the password of the first user. It is in no log and nowhere else. */
  readonly showPassword: (user: string, password: string) => void;
}

export class AdminPart {
  readonly #options: AdminPartOptions;
  readonly #store: Store;
  readonly #identity: Identity;
  readonly #auditor: AuditWriter;
  readonly #usage: Usage;
  readonly #alerts: OwnAlerts;
  readonly #retention: AuditRetention;
  readonly #recorder: RevisionRecorder;
  readonly #revisionRetention: RevisionRetention;
  readonly #api: AdminApi;
  readonly #metrics = new AdminMetrics();
  /** Why the store is away; '' if it is not. */
  #storeTrouble = '';
  readonly #keys: KeyFile;
  /** Why secrets in the store cannot be opened; '' if they can. */
  #keyTrouble = '';
  #isSealed = false;
  #hasUsers = false;
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AdminPartOptions) {
    const { settings, configuration, live, log } = options;
    this.#options = options;
    this.#store = makeAdminStore(settings.store);
    this.#keys = new KeyFile(settings.key);
    const { needsSecondFactor } = settings;
    this.#identity = new Identity({ store: this.#store, log, keys: this.#keys, needsSecondFactor, reviewer: options.reviewer });
    this.#auditor = new AuditWriter(this.#store, log);
    this.#alerts = new OwnAlerts({ live, troubles: () => this.#ownTroubles(), log });
    this.#usage = this.#makeUsage(log);
    this.#retention = new AuditRetention(this.#store, settings.auditRetention, log);
    this.#recorder = new RevisionRecorder(this.#store, configuration?.origin ?? 'folder', log);
    this.#revisionRetention = new RevisionRetention(this.#store, settings.revisionRetention, log);
    this.#api = new AdminApi({
      ...settings,
      isSecure: settings.tls !== null || settings.url.startsWith('https:'),
      areas: this.#areas(),
      authenticator: this.#identity.authenticator,
      auditor: this.#usage.logins,
      calls: bothOf(this.#usage.recorder, this.#alerts.calls),
      limits: SERVER_LIMITS,
      metrics: this.#metrics,
      log,
    });
  }

  #makeUsage(log: Log): Usage {
    return new Usage({
      store: this.#store,
      auditor: this.#auditor,
      sessions: this.#identity.limits,
      unusual: (anomaly) => this.#alerts.login(anomaly),
      log,
    });
  }

  #ownTroubles(): ReturnType<OwnAlertOptions['troubles']> {
    return { audit: this.#auditor.trouble ?? (this.#storeTrouble || null), key: this.#keyTrouble || null };
  }

  #areas(): readonly Area[] {
    const { settings, configuration, git, live, log } = this.#options;
    return areasOf({
      health: { troubles: () => this.troubles },
      identity: this.#identity,
      oidc: new OidcLogin({ settings: settings.oidc, logins: this.#identity.externalLogins, log }),
      configuration,
      store: this.#store,
      revisions: new Revisions(this.#store, this.#recorder),
      proposals: git === null || configuration === null ? null : new Proposals(git, configuration, log),
      audit: new AuditLog(this.#store),
      usage: this.#usage,
      diagnostics: this.#diagnostics(),
      live,
    });
  }

  #diagnostics(): BundleParts {
    const { settings, configuration, live, recentLog = null } = this.#options;
    return {
      settings: shownSettings(settings.flags),
      troubles: () => this.troubles,
      ...{ configuration, live, audit: new AuditLog(this.#store) },
      logLines: () => recentLog?.lines ?? [],
      families: () => this.families,
    };
  }

  get families(): readonly MetricFamily[] {
    return [...this.#metrics.families, ...this.#usage.families, ...this.#alerts.families];
  }

  /** Why each part that is away is away, by its name. */
  get troubles(): Readonly<Record<string, string>> {
    const reasons = { store: this.#storeTrouble, key: this.#keyTrouble, controllers: awayReason(this.#options.live.states()) };
    return Object.fromEntries(Object.entries(reasons).filter(([, reason]) => reason !== ''));
  }

  /** Resolves to the URL of the API, or to the reason why it is not served. A store that is away is a trouble, and opens later. */
  async start(): Promise<Result<string>> {
    await this.#look();
    const { address, tls, url } = this.#options.settings;
    try {
      const port = await this.#api.start();
      this.#retention.start();
      this.#revisionRetention.start();
      this.#usage.start();
      if (this.#options.configuration !== null) await this.#recorder.start(this.#options.configuration);
      this.#options.live.start();
      this.#timer = setInterval(() => this.#lookAll(), LOOK_MS).unref();
      return ok(url || `${tls === null ? 'http' : 'https'}://${joinAddress(address.host || 'localhost', port)}`);
    } catch (error) {
      await this.stop();
      const reason = isSystemError(error) ? describeSystemError(error) : (error as Error).message;
      return err(`--admin-api-address: ${reason}`);
    }
  }

  /** Reads the files of the certificate now. */
  refreshCertificate(): Promise<void> {
    return this.#api.refreshCertificate();
  }

  /** Cuts open requests, writes the entries that wait, then closes the store. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
    await this.#api.stop();
    this.#alerts.close();
    await this.#options.live.stop();
    await this.#recorder.close();
    await this.#options.configuration?.close();
    await this.#revisionRetention.close();
    await this.#retention.close();
    await this.#auditor.close();
    await this.#usage.close();
    await this.#store.close();
  }

  /** Seals what is not sealed yet, and finds out whether the key opens the rest. */
  async #seal(): Promise<void> {
    const { log } = this.#options;
    const done = await this.#identity.factors.reseal();
    if (!done.ok) {
      this.#keyTrouble = this.#keys.trouble;
      return;
    }
    this.#isSealed = true;
    const { sealed, lost } = done.value;
    this.#keyTrouble = lost === 0 ? '' : `${lost} secrets of second factors are sealed with another key; add it to --admin-key-file`;
    if (sealed > 0) log.info({ secrets: sealed }, 'secrets of second factors were sealed with the key');
    if (lost > 0) log.error({ secrets: lost }, 'secrets of second factors are sealed with another key than that of --admin-key-file');
  }

  /** A store that does not answer delays no alert. */
  #lookAll(): void {
    this.#alerts.look();
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
  }

  /** Finds out whether the store works, and makes the first user of an empty one. */
  async #look(): Promise<void> {
    const opened = await this.#store.read(() => Promise.resolve());
    this.#storeTrouble = opened.ok ? '' : opened.error;
    if (!opened.ok) return;
    if (!this.#isSealed) await this.#seal();
    if (!this.#hasUsers) await this.#addFirst();
    await this.#usage.look();
  }

  async #addFirst(): Promise<void> {
    const first = await this.#identity.users.addFirst(null);
    if (!first.ok) return void this.#options.log.warn({ reason: first.error.detail }, 'the first user cannot be made yet');
    this.#hasUsers = true;
    if (first.value !== null) this.#options.showPassword('admin', first.value);
  }
}

function bothOf(one: CallListener, other: CallListener): CallListener {
  return {
    ended(call) {
      one.ended(call);
      other.ended(call);
    },
  };
}
