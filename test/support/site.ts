// The usual setup with a cluster: a test cluster, backends at an address for EndpointSlices, a controller and proxies.
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { addAddress, removeAddress } from './address.ts';
import { Backend } from './backend.ts';
import { freePorts } from './free-port.ts';
import { Installation } from './installation.ts';
import { listOf, serviceOf } from './objects.ts';
import type { Manifest } from './objects.ts';

export interface SiteOptions {
  /** The address that each proxy binds. */
  readonly hosts: readonly string[];
  /** Names of backends. */
  readonly backends: readonly string[];
  readonly audit?: boolean;
  /** Prepares the cluster before Weir starts. */
  readonly prepare?: (cluster: Cluster) => Promise<void>;
  /** Of Weir, besides that of the tests. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Needs root and `ip`, for the address. */
export class Site {
  readonly address = addAddress();
  readonly backends: readonly Backend[];
  /** For a listener. */
  port = 0;
  #cluster: Cluster | null = null;
  #weir: Installation | null = null;

  private constructor(backends: readonly string[]) {
    this.backends = backends.map((name) => new Backend(name));
  }

  static async start(options: SiteOptions): Promise<Site> {
    const site = new Site(options.backends);
    try {
      await site.#start(options);
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  async #start({ hosts, audit = false, prepare, env }: SiteOptions): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.start(0, this.address)));
    [this.port = 0] = await freePorts(1);
    this.#cluster = await startCluster({ channel: 'standard', audit });
    await prepare?.(this.#cluster);
    this.#weir = await Installation.start(this.#cluster, hosts, undefined, env);
  }

  get cluster(): Cluster {
    if (this.#cluster === null) throw new Error('the site has not started');
    return this.#cluster;
  }

  get weir(): Installation {
    if (this.#weir === null) throw new Error('the site has not started');
    return this.#weir;
  }

  /** Applies all of these objects. */
  apply(...objects: readonly object[]): Promise<void> {
    return this.cluster.apply(listOf(...objects));
  }

  /** A Service with EndpointSlice for the backend of a name. */
  service(name: string, backend: string): readonly Manifest[] {
    return serviceOf(name, { address: this.address, port: this.backend(backend).port });
  }

  /** One Service for each backend, with its name. */
  services(): readonly Manifest[] {
    return this.backends.flatMap(({ name }) => this.service(name, name));
  }

  /** Throws if there is none of this name. */
  backend(name: string): Backend {
    const backend = this.backends.find((each) => each.name === name);
    if (backend === undefined) throw new Error(`there is no backend ${name}`);
    return backend;
  }

  async stop(): Promise<void> {
    await this.#weir?.stop();
    await this.#cluster?.stop();
    await Promise.all(this.backends.map((backend) => backend.stop()));
    removeAddress(this.address);
  }
}
