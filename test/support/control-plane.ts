// A controller beside a test cluster, without proxies, for tests of the API server and statuses.
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Child } from './child.ts';
import { documentedRights } from './rights.ts';

/** Conditions as in statuses. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

/** The status of a Gateway or a policy. */
export interface Status {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly conditions: readonly Condition[] }[];
  readonly ancestors?: readonly Ancestor[];
}

/** A status entry of a policy for a Gateway. */
export interface Ancestor {
  readonly ancestorRef: { readonly name: string };
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** Picks conditions of a status; undefined where there are none yet. */
export type ConditionsOf = (status: Status) => readonly Condition[] | undefined;

export class ControlPlane {
  readonly cluster: Cluster;
  readonly controller: Child;

  private constructor(cluster: Cluster, controller: Child) {
    this.cluster = cluster;
    this.controller = controller;
  }

  /** Starts both, the controller with the documented rights; `prepare` is done to the cluster before. */
  static async start(prepare: (cluster: Cluster) => Promise<unknown>): Promise<ControlPlane> {
    const cluster = await startCluster({ channel: 'standard' });
    try {
      const [{ kubeconfig }] = await Promise.all([cluster.account('weir', documentedRights()), prepare(cluster)]);
      const free = ['--push-address', '--metrics-address', '--admin-address'].flatMap((flag) => [flag, '127.0.0.1:0']);
      return new ControlPlane(
        cluster,
        new Child(['controller', '--store', 'off', '--kubeconfig', kubeconfig, '--namespace', 'default', ...free]),
      );
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The status of an object; empty if it has none. */
  async status<T = Status>(kind: string, name: string): Promise<Partial<T>> {
    const { status = {} } = (await this.cluster.object(kind, name)) as { status?: Partial<T> };
    return status;
  }

  /** Resolves once the conditions include (or, with reason '', lack) this type. */
  until(kind: string, name: string, pick: ConditionsOf, { type, status, reason }: Condition): Promise<void> {
    return this.cluster.until(`${name} ${type} ${reason}`, async () => {
      const conditions = pick(await this.status(kind, name));
      const found = conditions?.find((condition) => condition.type === type);
      if (reason === '') return conditions !== undefined && found === undefined;
      return found?.status === status && found.reason === reason;
    });
  }

  async stop(): Promise<void> {
    await this.controller.stop();
    await this.cluster.stop();
  }
}
