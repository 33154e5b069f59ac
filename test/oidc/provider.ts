// A real OpenID Connect provider (the certified `oidc-provider`) for one test, with pages of its own for login and consent, and faults
// that a test turns on.
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IssuedFiles } from '../support/certificates.ts';
import { Provider, type Configuration, type JWK } from 'oidc-provider';

/** Seconds. */
export interface ProviderOptions {
  readonly accessTokenSeconds?: number;
  readonly port?: number;
  /** Files of its certificate for localhost; without them it speaks HTTP. */
  readonly certificate?: IssuedFiles;
  /** Where the client takes logout tokens. */
  readonly backChannelLogoutUri?: string;
  /** Claims of every user, to make sessions large. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** An answer in place of that of the provider. */
export interface ProviderFault {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const KEYS = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const KEY_ID = 'one';
/** Of the client `shop`. */
export const CLIENT_SECRET = 'a secret: 100% of it';

export class TestProvider {
  readonly issuer: string;
  readonly #server: http.Server;
  /** Requests by path. */
  readonly requests: string[] = [];
  /** Answers the token endpoint in place of the provider; null: the provider answers. */
  tokenFault: ProviderFault | null = null;
  /** The same for its metadata. */
  metadataFault: ProviderFault | null = null;

  private constructor(issuer: string, server: http.Server) {
    this.issuer = issuer;
    this.#server = server;
  }

  static async start(
    redirectUris: readonly string[],
    postLogoutUris: readonly string[],
    options: ProviderOptions = {},
  ): Promise<TestProvider> {
    const { certificate } = options;
    const pem = (file: string): Buffer => readFileSync(file);
    const server =
      certificate === undefined
        ? http.createServer()
        : https.createServer({ cert: pem(certificate.certificate), key: pem(certificate.privateKey) });
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    const origin = certificate === undefined ? 'http://127.0.0.1' : 'https://localhost';
    const issuer = `${origin}:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(issuer, configurationOf(redirectUris, postLogoutUris, options));
    const own = new TestProvider(issuer, server);
    const handle = provider.callback();
    server.on('request', (request, response) => {
      const { pathname } = new URL(request.url ?? '/', issuer);
      own.requests.push(pathname);
      const fault = { '/token': own.tokenFault, '/.well-known/openid-configuration': own.metadataFault }[pathname] ?? null;
      if (fault !== null)
        return void response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body);
      void handle(request, response);
    });
    return own;
  }

  /** Its metadata. */
  async metadata(): Promise<Readonly<Record<string, unknown>>> {
    return (await (await fetch(`${this.issuer}/.well-known/openid-configuration`)).json()) as Readonly<Record<string, unknown>>;
  }

  /** A token with the key of the provider. */
  sign(claims: object, header: object = {}): string {
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${encoded({ alg: 'RS256', kid: KEY_ID, ...header })}.${encoded(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), KEYS.privateKey).toString('base64url')}`;
  }

  count(path: string): number {
    return this.requests.filter((each) => each === path).length;
  }

  /** Ends all connections; the port is free afterwards. */
  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function configurationOf(
  redirectUris: readonly string[],
  postLogoutUris: readonly string[],
  { accessTokenSeconds = 3_600, more = {}, backChannelLogoutUri }: ProviderOptions,
): Configuration {
  return {
    clients: [
      {
        client_id: 'shop',
        client_secret: CLIENT_SECRET,
        redirect_uris: [...redirectUris],
        post_logout_redirect_uris: [...postLogoutUris],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        ...(backChannelLogoutUri === undefined
          ? {}
          : { backchannel_logout_uri: backChannelLogoutUri, backchannel_logout_session_required: true }),
      },
    ],
    cookies: { keys: ['a key of the test'] },
    claims: { openid: ['sub', 'groups', ...Object.keys(more)], email: ['email'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true } },
    jwks: { keys: [{ ...KEYS.privateKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' } as JWK] },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'email'],
    ttl: { AccessToken: accessTokenSeconds, IdToken: 3_600, RefreshToken: 86_400, Session: 86_400, Grant: 86_400, Interaction: 600 },
    rotateRefreshToken: true,
    issueRefreshToken: (_, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, groups: ['staff', 'ops'], email: `${id}@example.com`, ...more }),
    }),
  };
}
