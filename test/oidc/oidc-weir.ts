// `weir up` with a route that asks for a login at a provider, and a backend that tells what it gets.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Child } from '../support/child.ts';
import { secret } from '../support/folder-site.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { secretWith } from '../support/pairs.ts';
import { backendSite, backendWithRoute, gateway, gatewayClass, listOf } from '../support/objects.ts';

export const KEY = 'first-key-0123456789-0123456789-0123';

export class OidcWeir {
  readonly origin: string;
  /** The requests that the backend saw. */
  readonly seen: { readonly url: string; readonly headers: http.IncomingHttpHeaders }[] = [];
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'weir-oidc-'));
  readonly #backend: http.Server;
  readonly #port: number;
  readonly #certificate: IssuedFiles | null;
  readonly #backendPort: number;
  #weir: Child | null = null;

  /** `certificate`: files of its certificate for localhost; without them it speaks HTTP. */
  constructor(port: number, backendPort: number, certificate: IssuedFiles | null = null) {
    this.#certificate = certificate;
    this.#port = port;
    this.#backendPort = backendPort;
    this.origin = certificate === null ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
    this.#backend = http.createServer(({ url = '', headers }, response) => {
      this.seen.push({ url, headers });
      response.setHeader('content-type', 'text/html').end(`<h1>hello ${String(headers['x-user'])}</h1>`);
    });
  }

  /** `more`: further settings of the authenticator, in YAML. */
  async start(issuer: string, more = '', args: readonly string[] = []): Promise<void> {
    this.#backend.listen(this.#backendPort, '127.0.0.1');
    await once(this.#backend, 'listening');
    writeFileSync(path.join(this.#folder, 'site.json'), this.#site());
    writeFileSync(path.join(this.#folder, 'client.json'), listOf(secret('client', { secret: 'a secret: 100% of it' })));
    this.setKeys(KEY);
    this.setPolicy(issuer, more);
    this.#weir = new Child(['up', this.#folder, '--access-log', 'off', ...args]);
    await this.#weir.printed(/serving/);
  }

  #site(): string {
    const [port, spec] = [this.#port, { endpoints: [{ ip: '127.0.0.1', port: this.#backendPort }] }];
    if (this.#certificate === null) return backendSite(port, 'app', spec);
    const listener = { name: 'https', port, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } };
    const objects = [gatewayClass(), gateway('gw', [listener]), secretWith('cert', this.#certificate), ...backendWithRoute('app', spec)];
    const authority = secret('authority', { 'ca.crt': readFileSync(this.#certificate.ca, 'utf8') });
    return listOf(...objects, authority);
  }

  get output(): string {
    return this.#weir?.output ?? '';
  }

  setKeys(...keys: readonly string[]): void {
    const lines = keys.map((key) => `    ${key}`).join('\n');
    const text = `apiVersion: v1\nkind: Secret\nmetadata: { name: cookies, namespace: default }\nstringData:\n  keys: |\n${lines}\n`;
    writeFileSync(path.join(this.#folder, 'keys.yaml'), text);
  }

  setPolicy(issuer: string, more: string): void {
    writeFileSync(path.join(this.#folder, 'policy.yaml'), policy(issuer, more));
  }

  async stop(): Promise<void> {
    await this.#weir?.stop();
    this.#backend.close();
    this.#backend.closeAllConnections();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function policy(issuer: string, more: string): string {
  return `
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  authentication:
    oidc:
      issuer: ${issuer}
      clientID: shop
      clientSecret: { secretRef: { name: client }, key: secret }
      cookieKeys: { secretRef: { name: cookies }, key: keys }
      scopes: [offline_access, email]
      ${more}
  headersToBackend:
    - { name: x-user, value: principal.id }
    - { name: x-groups, value: 'principal.groups.join(",")' }
`;
}
