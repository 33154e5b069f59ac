// `weir up` with a route that asks for a login at a provider, and a backend that tells what it gets.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import type { IssuedFiles } from '../support/certificates.ts';
import { secret } from '../support/folder-site.ts';
import { FolderWeir, type SeenRequest } from '../support/folder-weir.ts';
import { backendSite, backendWithRoute, gateway, gatewayClass, listOf } from '../support/objects.ts';
import { secretWith } from '../support/pairs.ts';

export const KEY = 'first-key-0123456789-0123456789-0123';

export class OidcWeir extends FolderWeir {
  readonly origin: string;
  readonly #port: number;
  readonly #backendPort: number;
  readonly #certificate: IssuedFiles | null;

  /** `certificate`: files of its certificate for localhost; without them it speaks HTTP. */
  constructor(port: number, backendPort: number, certificate: IssuedFiles | null = null) {
    super(({ url, headers }, response) => {
      if (url === '/events') response.setHeader('content-type', 'text/event-stream').write('data: 1\n\n');
      else response.setHeader('content-type', 'text/html').end(`<h1>hello ${String(headers['x-user'])}</h1>`);
    });
    new WebSocketServer({ server: this.backend });
    this.#certificate = certificate;
    this.#port = port;
    this.#backendPort = backendPort;
    this.origin = certificate === null ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  }

  /** The requests that the backend saw. */
  get seen(): SeenRequest[] {
    return this.requests;
  }

  /** Opens a WebSocket and a stream of events with these cookies. Resolves to functions that tell the close code, and whether the stream goes on. */
  async openAll(cookie: string): Promise<{ readonly code: () => number; readonly streams: () => boolean }> {
    const socket = new WebSocket(`ws${this.origin.slice('http'.length)}/chat`, { headers: { cookie } });
    let code = 0;
    socket.on('close', (closed) => (code = closed));
    await once(socket, 'open');
    socket.on('error', () => undefined);
    const request = http.get(`${this.origin}/events`, { headers: { cookie }, agent: false });
    const [events] = (await once(request, 'response')) as [http.IncomingMessage];
    request.on('error', () => undefined);
    events.on('error', () => undefined).resume();
    return { code: () => code, streams: () => events.statusCode === 200 && !events.destroyed };
  }

  /** `more`: further settings of the authenticator, in YAML. */
  async start(issuer: string, more = '', args: readonly string[] = []): Promise<void> {
    this.save('site.json', this.#site());
    this.save('client.json', listOf(secret('client', { secret: 'a secret: 100% of it' })));
    this.setKeys(KEY);
    this.setPolicy(issuer, more);
    await this.serve(this.#backendPort, ['--access-log', 'off', ...args]);
  }

  #site(): string {
    const [port, spec] = [this.#port, { endpoints: [{ ip: '127.0.0.1', port: this.#backendPort }] }];
    if (this.#certificate === null) return backendSite(port, 'app', spec);
    const listener = { name: 'https', port, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'cert' }] } };
    const objects = [gatewayClass(), gateway('gw', [listener]), secretWith('cert', this.#certificate), ...backendWithRoute('app', spec)];
    const authority = secret('authority', { 'ca.crt': readFileSync(this.#certificate.ca, 'utf8') });
    return listOf(...objects, authority);
  }

  setKeys(...keys: readonly string[]): void {
    const lines = keys.map((key) => `    ${key}`).join('\n');
    const text = `apiVersion: v1\nkind: Secret\nmetadata: { name: cookies, namespace: default }\nstringData:\n  keys: |\n${lines}\n`;
    this.save('keys.yaml', text);
  }

  setPolicy(issuer: string, more: string): void {
    this.save('policy.yaml', policy(issuer, more));
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
