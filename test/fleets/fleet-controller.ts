// A controller that creates fleets, beside a test cluster in which Pods stay pending: there are no nodes.
import path from 'node:path';
import type { Account, Cluster } from '../cluster/cluster.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { documentedRights } from '../support/rights.ts';

/** The identity of the controller; `start` may run several processes in turn. */
export class FleetController {
  readonly account: Account;
  readonly #ca: TestCa;
  readonly #certificate: IssuedFiles;
  readonly #flags: readonly string[];

  private constructor(account: Account, ca: TestCa, certificate: IssuedFiles, flags: readonly string[]) {
    this.account = account;
    this.#ca = ca;
    this.#certificate = certificate;
    this.#flags = flags;
  }

  /** With the documented rights and own certificates; no process is started yet. */
  static async create(cluster: Cluster, flags: readonly string[] = []): Promise<FleetController> {
    const ca = await TestCa.create();
    const [account, certificate] = await Promise.all([
      cluster.account('controller', documentedRights()),
      ca.issue('controller', 'IP:127.0.0.1'),
    ]);
    return new FleetController(account, ca, certificate, flags);
  }

  start(): Child {
    const { certificate, privateKey, ca } = this.#certificate;
    const tls = ['--push-tls-cert', certificate, '--push-tls-key', privateKey, '--push-tls-ca', ca];
    const free = ['--push-address', '--metrics-address', '--admin-address'].flatMap((flag) => [flag, '127.0.0.1:0']);
    const key = ['--push-tls-ca-key', path.join(this.#ca.folder, 'ca.key')];
    const fleets = ['--proxy-image', 'proxy:1', '--proxy-controller', 'weir:9443', ...key];
    const cluster = ['--kubeconfig', this.account.kubeconfig, '--namespace', 'default'];
    return new Child(['controller', '--store', 'off', ...cluster, ...fleets, ...this.#flags, ...free, ...tls]);
  }

  /** Removes the certificates. */
  remove(): Promise<void> {
    return this.#ca.remove();
  }
}
