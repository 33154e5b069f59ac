// `weir admin`: the admin API with probes and metrics.
import { Registry } from 'prom-client';
import { AdminServer, metricsAnswerer, text } from '#lib/admin-server.ts';
import { spell } from '#lib/exposition.ts';
import type { Log } from '#lib/log.ts';
import { readFamilies, registerFamilies, registerProcess } from '#lib/metric.ts';
import type { RecentLog } from '#lib/recent-log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { BUILD_INFO } from '#lib/version.ts';
import { ApiClient, loadKubeConfig, namespaceOf } from '../controller/watch/api-client.ts';
import type { AdminConfig } from './config.ts';
import { ClusterStore } from './configuration/cluster/cluster-store.ts';
import { TokenReviewer } from './identity/token-reviewer.ts';
import { Controllers } from './live/controllers.ts';
import { AdminPart, type AdminPartOptions } from './part.ts';

export class AdminProgram {
  readonly #part: AdminPart;
  readonly #probes: AdminServer;
  /** The API server of the cluster; null without a cluster. */
  readonly #cluster: ApiClient | null;
  readonly #log: Log;
  #isServing = false;

  /** Throws a Mistake if the kubeconfig cannot be used. */
  constructor(config: AdminConfig, log: Log, showPassword: AdminPartOptions['showPassword'], recentLog?: RecentLog) {
    this.#log = log;
    const kubeConfig = config.kubeconfig === '' ? null : loadKubeConfig(config.kubeconfig === 'default' ? '' : config.kubeconfig);
    this.#cluster = kubeConfig === null ? null : new ApiClient(kubeConfig);
    const namespace = kubeConfig === null ? '' : namespaceOf(kubeConfig);
    this.#part = new AdminPart({
      settings: config,
      configuration: this.#cluster === null ? null : configurationOf(this.#cluster, config, namespace),
      git: config.git,
      cluster: this.#cluster,
      reviewer: this.#cluster === null ? null : new TokenReviewer({ client: this.#cluster, audience: config.serviceAccountAudience, log }),
      live: new Controllers({ ...config.controllers, log }),
      log,
      showPassword,
      ...(recentLog === undefined ? {} : { recentLog }),
    });
    const registry = new Registry();
    registerProcess(registry);
    registerFamilies(registry, [BUILD_INFO, ...this.#part.families]);
    this.#probes = new AdminServer({
      ...config.metricsAddress,
      paths: {
        'GET /livez': () => text(200, 'alive'),
        'GET /readyz': () => (this.#isServing ? text(200, ['ready', ...this.#troubles()].join('\n')) : text(503, 'starting or stopping')),
        'GET /metrics': metricsAnswerer(async (format) => spell(await readFamilies(registry), format)),
      },
    });
  }

  /** Resolves to the URL of the API, or to the reason why it is not served. */
  async start(): Promise<Result<string>> {
    try {
      await this.#probes.start();
    } catch (error) {
      return err(`--metrics-address: ${isSystemError(error) ? describeSystemError(error) : (error as Error).message}`);
    }
    const started = await this.#part.start();
    if (!started.ok) {
      await this.#probes.stop();
      return started;
    }
    this.#isServing = true;
    this.#log.info({ url: started.value }, 'the admin API is served');
    for (const trouble of this.#troubles()) this.#log.warn({ trouble }, 'a part of the admin API is away');
    return ok(started.value);
  }

  /** Reads the files of the certificate now. */
  refreshCertificate(): Promise<void> {
    return this.#part.refreshCertificate();
  }

  async stop(): Promise<void> {
    this.#isServing = false;
    await this.#part.stop();
    await this.#cluster?.close();
    await this.#probes.stop();
  }

  /** These do not make the program unready: callers get the reason, and other replicas have the same store. */
  #troubles(): readonly string[] {
    return Object.entries(this.#part.troubles).map(([name, reason]) => `${name}: ${reason}`);
  }
}

/** `namespace`: that of the program, where the controllers are too. */
function configurationOf(client: ApiClient, { controllerName, watchNamespaces }: AdminConfig, namespace: string): ClusterStore {
  const compiler = { controllerName, fleets: { byDefault: 'Shared', lacks: '' }, operatorNamespace: namespace } as const;
  const namespaces = watchNamespaces.length === 0 ? [] : [...new Set([namespace, ...watchNamespaces])];
  return new ClusterStore(client, { namespaces, compiler });
}
