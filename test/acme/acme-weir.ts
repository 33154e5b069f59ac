// `weir up` with a Gateway whose certificates come from Pebble: a redirect on its HTTP listener, a backend behind its HTTPS listener.
import type { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { gatewayClass } from '../support/objects.ts';
import type { Pebble } from './pebble.ts';
import { servedCertificate } from './served-certificate.ts';

const GATEWAY = 'gateway.networking.k8s.io/v1';

/** A listener for HTTPS with a Secret that Weir creates. */
export interface Site {
  readonly host: string;
  readonly secret: string;
}

export const SHOP: Site = { host: 'shop.example.com', secret: 'shop-cert' };

export class AcmeWeir {
  readonly folder: string;
  readonly #pebble: Pebble;
  readonly #ports: readonly number[];
  #child: Child | null = null;

  private constructor(folder: string, pebble: Pebble, ports: readonly number[]) {
    this.folder = folder;
    this.#pebble = pebble;
    this.#ports = ports;
  }

  /** `acme`: more fields of spec.acme. `others`: more objects. Resolves once it serves. */
  static async start(
    pebble: Pebble,
    acme: object = {},
    others: readonly object[] = [],
    sites: readonly Site[] = [SHOP],
  ): Promise<AcmeWeir> {
    const weir = new AcmeWeir(mkdtempSync(path.join(os.tmpdir(), 'weir-acme-')), pebble, await freePorts(1));
    weir.save(acme, others, sites);
    await weir.resume();
    return weir;
  }

  /** Writes the folder. */
  save(acme: object = {}, others: readonly object[] = [], sites: readonly Site[] = [SHOP]): void {
    const spec = {
      server: this.#pebble.directory,
      caBundle: readFileSync(this.#pebble.authority, 'utf8'),
      email: 'ops@example.com',
      ...acme,
    };
    const items = [gatewayClass(), this.#gateway(sites), parameters(spec), REDIRECT, ...others];
    writeFileSync(path.join(this.folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  /** The log of the last process. */
  get log(): string {
    return this.#child?.output ?? '';
  }

  /** Starts the program, again after `kill`. */
  async resume(): Promise<void> {
    const [admin = 0] = this.#ports;
    const flags = ['--access-log', 'off', '--store', 'off', '--admin-port', String(admin), '--probe-port', '0'];
    this.#child = new Child(['up', this.folder, ...flags], { WEIR_ALLOW_ENDPOINTS: '127.0.0.0/8' });
    await this.#child.printed(/serving; stop with/);
  }

  printed(pattern: RegExp): Promise<unknown> {
    if (this.#child === null) throw new Error('weir does not run');
    return this.#child.printed(pattern);
  }

  async kill(): Promise<void> {
    await this.#child?.stop('SIGKILL');
    this.#child = null;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The certificate that the proxy serves for a host, once it serves one that `wanted` accepts. */
  async certificateFor(host: string, wanted: (certificate: X509Certificate) => boolean = () => true): Promise<X509Certificate> {
    for (;;) {
      const found = await servedCertificate('127.0.0.1', this.#pebble.tlsPort, host);
      if (found !== null && wanted(found)) return found;
      await delay(50);
    }
  }

  /** The state that is kept of a certificate. */
  stateOf(secret: string): { readonly order: { readonly url: string } | null; readonly failures: number; readonly problem: string } {
    return JSON.parse(this.kept(secret)['acme.json'] ?? '{}') as ReturnType<AcmeWeir['stateOf']>;
  }

  /** The entries of a kept Secret. */
  kept(secret: string): Readonly<Record<string, string>> {
    const file = path.join(this.folder, '.weir', 'acme', 'default', `${secret}.json`);
    return (JSON.parse(readFileSync(file, 'utf8')) as { entries: Record<string, string> }).entries;
  }

  #gateway(sites: readonly Site[]): object {
    const { httpPort, tlsPort } = this.#pebble;
    const secure = sites.map(({ host, secret }, index) => ({
      name: `https-${index}`,
      port: tlsPort,
      protocol: 'HTTPS',
      hostname: host,
      tls: { certificateRefs: [{ name: secret }] },
    }));
    return {
      apiVersion: GATEWAY,
      kind: 'Gateway',
      metadata: { name: 'web' },
      spec: {
        gatewayClassName: 'weir',
        infrastructure: { parametersRef: { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'web' } },
        listeners: [{ name: 'http', port: httpPort, protocol: 'HTTP' }, ...secure],
      },
    };
  }
}

function parameters(acme: object): object {
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'GatewayParameters', metadata: { name: 'web' }, spec: { acme } };
}

const REDIRECT = {
  apiVersion: GATEWAY,
  kind: 'HTTPRoute',
  metadata: { name: 'to-https' },
  spec: {
    parentRefs: [{ name: 'web', sectionName: 'http' }],
    rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] }],
  },
};
