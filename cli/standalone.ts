// The controller's part of `weir up`: compiles a folder of YAML and passes the resources to the proxy in the same process.
import path from 'node:path';
import * as ir from '#api/ir/ir.ts';
import type { EndpointPermissions } from '#api/k8s/endpoint-flags.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ResourceError } from '#api/wire/encode.ts';
import { ownAddresses } from '#lib/own-addresses.ts';
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { AlertSettings } from '#lib/alert-settings.ts';
import type { StoreSettings } from '#lib/store-settings.ts';
import { FileStore } from '../controller/acme/file-store.ts';
import { Issuer } from '../controller/acme/issuer.ts';
import { acmeFamilies, AcmeCounts } from '../controller/admin/acme-metrics.ts';
import { SessionKeyFile } from '../controller/authority/session-key-file.ts';
import { SessionKeySource } from '../controller/authority/session-key-source.ts';
import { Pipeline } from '../controller/pipeline.ts';
import type { CompilerOptions } from '../controller/compile/compile.ts';
import type { Handover } from '../controller/compile/result.ts';
import { discoveryFamilies } from '../controller/admin/discovery-metrics.ts';
import { CompileMetrics } from '../controller/admin/compile-metrics.ts';
import { Discovery } from '../controller/discovery/discovery.ts';
import { serverGuard, type AddressRules } from '../controller/compile/addresses.ts';
import { Alerting } from '../controller/alert/alerting.ts';
import { LongRangeReader } from '../controller/telemetry/window/long-range.ts';
import { endpointSources } from '../controller/discovery/index.ts';
import { lintInTurns } from '../controller/lint/lint.ts';
import { operationsOf } from '../controller/operations/index.ts';
import type { Operation } from '../controller/operations/operation.ts';
import type { KeptOverride } from '../controller/store/kept-overrides.ts';
import { Registry } from '../controller/store/registry.ts';
import { logNews } from '../controller/telemetry/trouble-news.ts';
import type { TroubleNews } from '../controller/telemetry/trouble-news.ts';
import { TroubleWatch } from '../controller/telemetry/trouble-watch.ts';
import { FileSource } from '../controller/watch/files.ts';
import { lackIn, withPairs } from '../proxy/runtime/pairs.ts';
import { configFamilies } from '../proxy/subscribe/metrics.ts';
import type { Serving } from '../proxy/serving.ts';
import { CONTROLLER_NAME } from './controller-name.ts';
import { FindingLog } from './finding-log.ts';
import { HeldResources } from './held-resources.ts';
import { OwnTelemetry, REPORT_MS } from './own-telemetry.ts';
import { ReloadLog } from './reload-log.ts';

/** In the folder; a name with a dot at its start is no configuration. */
const SESSION_KEY_FILE = path.join('.weir', 'session-keys.json');

const CERTIFICATE_FOLDER = path.join('.weir', 'acme');

/** The linter reads the whole folder, so it waits until a change is served, milliseconds. */
const LINT_DELAY = 100;

/** How long the pipeline gathers changes, milliseconds. The file source already waits for the editor. */
const BATCH = { quiet: 5, maximum: 50 };

export interface StandaloneOptions extends EndpointPermissions {
  readonly folder: string;
  /** Whether documents for other programs are errors. */
  readonly strictKinds: boolean;
  readonly log: Log;
  readonly store: StoreSettings;
  /** How many endpoints can be registered by hand for one Backend. */
  readonly maxRegisteredEndpoints: number;
  readonly alerts: AlertSettings;
  /** Ports of this program that no endpoint may be. */
  readonly adminPort: number | null;
  readonly probePort: number | null;
  /** Takes the compiled resources. */
  readonly serving: Serving;
  readonly workers: number;
}

export class Standalone {
  readonly #options: StandaloneOptions;
  readonly #pipeline: Pipeline;
  readonly #source: FileSource;
  readonly #registry: Registry;
  readonly #discovery: Discovery;
  readonly #sessionKeys: SessionKeySource;
  readonly #issuer: Issuer;
  /** The keys of the challenges that the proxy answers. */
  readonly #challenges = new Set<string>();
  readonly #reloads: ReloadLog;
  readonly #metrics: CompileMetrics;
  readonly #held = new HeldResources();
  readonly #telemetry: OwnTelemetry;
  readonly #troubles: TroubleWatch;
  readonly #alerting: Alerting;
  readonly #findings: FindingLog;
  #lintTimer: NodeJS.Timeout | null = null;
  #linting: Promise<void> = Promise.resolve();

  constructor(options: StandaloneOptions) {
    const { log, serving, workers } = options;
    const { supervisor } = serving;
    this.#options = options;
    const resources = (): readonly ir.Resource[] => supervisor.resources();
    const overridden = (override: KeptOverride) => void this.#registry.overrides.keep(override);
    this.#telemetry = new OwnTelemetry({ serving, workers, revision: () => this.#held.revision, resources, overridden, log });
    supervisor.expose(configFamilies({ revision: () => this.#held.revision, refused: () => this.#held.refused }));
    const sources = { problems: () => this.#pipeline.problems(), waiting: () => this.#pipeline.waiting };
    this.#metrics = new CompileMetrics(supervisor.registry, sources);
    this.#source = new FileSource(options.folder, { strictKinds: options.strictKinds });
    const faults = new Faults(log);
    const compiler = this.compilerOptions();
    this.#registry = new Registry({ ...options, failed: (error) => faults.report('store', error) });
    supervisor.expose(this.#registry.families());
    const found = endpointSources({ guard: serverGuard(compiler), registrations: this.#registry.registrations });
    this.#discovery = new Discovery({ sources: found, log, faults });
    supervisor.expose(discoveryFamilies(() => this.#discovery));
    this.#reloads = new ReloadLog(log);
    const kept = new SessionKeyFile(path.join(options.folder, SESSION_KEY_FILE));
    this.#sessionKeys = new SessionKeySource({ kept, mayForget: true, log });
    this.#issuer = this.#makeIssuer(faults);
    this.#findings = new FindingLog(log);
    this.#troubles = this.#makeTroubles(faults);
    this.#alerting = this.#makeAlerting(faults);
    this.#pipeline = new Pipeline({
      sources: [this.#reloads.watching(this.#source), this.#discovery, this.#sessionKeys, this.#issuer, this.#alerting.evaluator],
      compiler,
      batch: BATCH,
      sinks: { proxy: { essential: true, apply: (delta) => this.#push(delta) } },
      log,
      faults,
      compiled: (delta, ms) => {
        const { changed, removed } = delta;
        this.#metrics.compiled(delta, ms);
        if (changed.length + removed.length === 0) this.#reloads.unchanged();
        this.#lintTimer ??= setTimeout(() => void this.#lint(), LINT_DELAY).unref();
      },
    });
  }

  /** Resolves once everything in the folder is served. Rejects if the folder cannot be read. */
  async start(): Promise<void> {
    await this.#pipeline.start();
    this.#reloads.begin();
    await this.#registry.overrides.load((all) => this.#telemetry.learnAll(all));
    this.#telemetry.start();
    this.#troubles.start();
    await this.#lint();
  }

  /** The configured listeners and their bound ports (null: not bound). */
  listeners(): readonly { readonly listener: ir.Listener; readonly port: number | null }[] {
    const { supervisor } = this.#options.serving;
    const resources = supervisor.resources();
    const lacks = lackIn(new Map(resources.filter((resource) => resource.kind === 'Secret').map((secret) => [secret.key, secret])));
    const listeners = resources.filter((resource) => resource.kind === 'Listener').map((listener) => withPairs(listener, lacks));
    return listeners.map((listener) => ({ listener, port: supervisor.boundPort(listener.port) }));
  }

  /** The operations of the admin server and of the admin API. */
  operations(): readonly Operation[] {
    const { log } = this.#options;
    const endpoints = { registrations: this.#registry.registrations, rules: this.compilerOptions() };
    const { fleet, limits, window } = this.#telemetry;
    const { desk: alerts, prometheus } = this.#alerting;
    const reader = new LongRangeReader(window, prometheus);
    const dumps = {
      resources: () => this.#pipeline.resources(),
      // The proxy is in this process.
      sessions: () => [],
      statuses: () => [...this.#pipeline.statuses()].map(({ ref, uid: _uid, ...status }) => ({ object: objectId(ref), status })),
      lookups: () => this.#discovery.states(),
    };
    return operationsOf({ fleet, endpoints, limits, window: reader, alerts, dumps, log });
  }

  /** Stops the watch on the folder. The proxy continues with the last configuration. */
  async stop(): Promise<void> {
    if (this.#lintTimer !== null) clearTimeout(this.#lintTimer);
    await this.#troubles.stop();
    this.#telemetry.stop();
    await this.#pipeline.stop();
    await this.#alerting.stop();
    await this.#registry.stop();
  }

  #makeTroubles(guard: Faults): TroubleWatch {
    const { fleet } = this.#telemetry;
    const resources = () => this.#pipeline.resources();
    const tell = (news: TroubleNews) => logNews(this.#options.log, news);
    return new TroubleWatch({ fleet, resources, tell, leads: () => true, guard, intervalMs: REPORT_MS });
  }

  #makeAlerting(faults: Faults): Alerting {
    const { alerts: settings, log, serving } = this.#options;
    const alerting = new Alerting({
      settings,
      kept: this.#registry.alerts,
      reader: this.#telemetry.window,
      resources: () => this.#pipeline.resources(),
      operatorNamespace: null,
      leads: () => true,
      guard: serverGuard(this.compilerOptions()),
      faults,
      log,
    });
    serving.supervisor.expose(alerting.evaluator.families);
    return alerting;
  }

  #makeIssuer(faults: Faults): Issuer {
    const { folder, log, serving } = this.#options;
    const counts = new AcmeCounts();
    serving.supervisor.expose(acmeFamilies(counts, () => this.#issuer.progress()));
    return new Issuer({
      store: new FileStore(path.join(folder, CERTIFICATE_FOLDER)),
      leads: () => true,
      delivery: (_gateway, challenge) => ({ delivered: this.#challenges.has(challenge) ? 1 : 0, total: 1 }),
      guard: serverGuard(this.compilerOptions()),
      reported: (report) => counts.report(report),
      log,
      faults,
    });
  }

  /** The admin API tries changes with the options of the compiler in use. */
  compilerOptions(): CompilerOptions & AddressRules {
    const { allowedEndpoints, allowExternalNames, adminPort, probePort } = this.#options;
    const ports = new Set([adminPort, probePort].filter((port) => port !== null));
    const own = { addresses: ownAddresses(), ports };
    return { controllerName: CONTROLLER_NAME, allowLoopback: true, bindAddresses: true, allowedEndpoints, allowExternalNames, own };
  }

  /** Passes compiled resources to the supervisor. They need no check of the wire format, so this only parses the JSON. */
  async #push({ changed, removed }: Handover): Promise<void> {
    const resources = changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
    const noted = resources.length + removed.length === 0 ? new Map() : this.#reloads.take();
    const errors = await this.#options.serving.supervisor.apply(resources, removed);
    for (const { kind, key } of resources) if (kind === 'Challenge') this.#challenges.add(key);
    for (const { kind, key } of removed) if (kind === 'Challenge') this.#challenges.delete(key);
    this.#held.take(changed, removed, errors);
    this.#options.serving.supervisor.revised(this.#held.revision);
    for (const error of errors) this.#options.log.error(this.#placed(error), 'the proxy cannot serve a resource');
    this.#reloads.served(noted);
  }

  /** The object that a resource comes from, and its place in the folder. */
  #placed({ kind, key, field, reason }: ResourceError): Record<string, unknown> {
    const { ref, part } = ir.originOf(kind, key);
    const object = objectId(ref);
    const place = this.#source.content.places.get(object);
    const where = place === undefined ? {} : { file: place.file, line: place.lineOf(part) };
    return { ...where, object, part, kind, key, field, reason };
  }

  /** Never rejects: a bug in a check must not stop the proxy. */
  #lint(): Promise<void> {
    if (this.#lintTimer !== null) clearTimeout(this.#lintTimer);
    this.#lintTimer = null;
    const { log, serving } = this.#options;
    const { supervisor } = serving;
    this.#linting = this.#linting
      .then(async () => {
        // The pipeline logs faults itself.
        const compiled = { resources: supervisor.resources(), statuses: [...this.#pipeline.statuses()], faults: [] };
        const options = { controllerName: CONTROLLER_NAME, now: Date.now(), served: true };
        this.#findings.report(await lintInTurns(this.#source.content, compiled, options));
      })
      .catch((error: unknown) => log.error({ err: error }, 'a bug in Weir stopped the check of the folder'));
    return this.#linting;
  }
}
