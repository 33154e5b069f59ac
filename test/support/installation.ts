// Weir beside a test cluster: a controller and proxies as separate processes, over mTLS, with the documented rights.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import type { Account, Cluster } from '../cluster/cluster.ts';
import { TestCa } from './certificates.ts';
import type { IssuedFiles } from './certificates.ts';
import { Child } from './child.ts';
import { freePorts } from './free-port.ts';
import { documentedRights } from './rights.ts';

interface Parts {
  readonly hosts: readonly string[];
  readonly account: Account;
  readonly ca: TestCa;
  readonly certificate: IssuedFiles;
  readonly pushPorts: readonly number[];
  readonly env: NodeJS.ProcessEnv;
}

export class Installation {
  /** The addresses that proxies bind and Gateways report. */
  readonly hosts: readonly string[];
  readonly account: Account;
  controller: Child;
  readonly proxies: Child[];
  /** Further replicas of the controller. */
  readonly replicas: Child[] = [];
  readonly #ca: TestCa;
  readonly #certificate: IssuedFiles;
  /** One for each replica of the controller. */
  readonly #pushPorts: readonly number[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'weir-installation-'));

  private constructor({ hosts, account, ca, certificate, pushPorts, env }: Parts) {
    this.hosts = hosts;
    this.account = account;
    this.#ca = ca;
    this.#certificate = certificate;
    this.#pushPorts = pushPorts;
    this.#env = env;
    this.controller = this.startController();
    this.proxies = [];
  }

  /** Without an account, a new one with the documented rights is created. */
  static async start(cluster: Cluster, hosts: readonly string[], account?: Account, env: NodeJS.ProcessEnv = {}): Promise<Installation> {
    const ca = await TestCa.create();
    const [certificate, pushPorts, own] = await Promise.all([
      ca.issue('controller', 'DNS:controller.test'),
      freePorts(2),
      account ?? cluster.account('controller', documentedRights()),
    ]);
    const installation = new Installation({ hosts, account: own, ca, certificate, pushPorts, env });
    installation.proxies.push(...(await Promise.all(hosts.map((host) => installation.startProxy(host)))));
    return installation;
  }

  /** A new process instead of one that ended, or another replica (0 or 1); the caller registers it. */
  startController(replica = 0): Child {
    const { certificate, privateKey, ca } = this.#certificate;
    const tls = ['--push-tls-cert', certificate, '--push-tls-key', privateKey, '--push-tls-ca', ca];
    const where = ['--push-address', this.#pushAddress(replica), '--metrics-address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0'];
    const names = ['--namespace', 'default', '--addresses', this.hosts.join(',')];
    // By default all controllers of the machine have the same store, so a test would find the alerts of another.
    const store = ['--store', path.join(this.#folder, `store-${replica}.sqlite`)];
    return new Child(['controller', '--kubeconfig', this.account.kubeconfig, ...names, ...where, ...tls, ...store], this.#env);
  }

  /** The same for the proxy of a host, which reads the last good configuration of its predecessor. */
  async startProxy(host: string, replica = 0): Promise<Child> {
    const { certificate, privateKey, ca } = await this.#ca.issue(`proxy-${host}`, `URI:spiffe://weir.test/${host}`);
    const tls = ['--controller-tls-ca', ca, '--controller-tls-cert', certificate, '--controller-tls-key', privateKey];
    const where = ['--controller', this.#pushAddress(replica), '--controller-tls-name', 'controller.test', '--node-id', host];
    const serving = ['--bind-address', host, '--workers', '1', '--access-log', 'off', '--admin-port', 'off', '--probe-port', '0'];
    const state = ['--drain-delay', '0', '--last-good', path.join(this.#folder, `${host}.json`)];
    return new Child(['proxy', ...where, ...tls, ...serving, ...state], this.#env);
  }

  #pushAddress(replica: number): string {
    return `127.0.0.1:${this.#pushPorts[replica]}`;
  }

  /** A path of the controller's probe port: `/metrics`, `/readyz`. */
  async probe(target: string): Promise<{ readonly status: number; readonly body: string }> {
    const [, port] = await this.controller.printed(/"probes":(\d+)/);
    const { statusCode, body } = await request(`http://127.0.0.1:${port}${target}`);
    return { status: statusCode, body: await body.text() };
  }

  /** The `host:port` of the metrics of the controller and of each proxy. */
  async metricAddresses(): Promise<{ readonly controller: string; readonly proxies: readonly string[] }> {
    const [, controller] = await this.controller.printed(/"probes":(\d+)/);
    const ports = await Promise.all(this.proxies.map(async (proxy) => (await proxy.printed(/"probe":(\d+)/))[1]));
    return { controller: `127.0.0.1:${controller}`, proxies: ports.map((port) => `127.0.0.1:${port}`) };
  }

  /** The value of a metric of the controller, with its labels as printed; 0 if it is absent. */
  async metric(name: string): Promise<number> {
    const line = (await this.probe('/metrics')).body.split('\n').find((text) => text.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length));
  }

  /** The last output of every process, for the message of a failed test. */
  tails(): string {
    return [this.controller, ...this.replicas, ...this.proxies].map(({ output }) => output.slice(-3_000)).join('\n---\n');
  }

  async stop(): Promise<void> {
    await Promise.all([this.controller, ...this.replicas, ...this.proxies].map((child) => child.stop('SIGKILL')));
    await this.#ca.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
