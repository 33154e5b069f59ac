// The endpoint that explains tokens (RFC 7662), at a URL or at a backend.
import { strictObject } from '#lib/jose/strict-json.ts';
import { basicOf } from '#lib/openid/client.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { DataHandle, DataReference } from '../../../exchange/object-data.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';
import type { FilterDependencies } from '../../filter.ts';

export interface EndpointSettings {
  readonly uri?: string;
  readonly ca?: DataReference;
  readonly backendRef?: { readonly cluster: string };
  readonly path?: string;
  readonly clientID?: string;
  readonly clientSecret?: DataReference;
}

/** What the endpoint says about a token. */
export type Introspected =
  | { readonly type: 'active'; readonly claims: Readonly<Record<string, unknown>>; readonly bytes: number }
  | { readonly type: 'inactive' }
  | { readonly type: 'unavailable'; readonly reason: string };

type Dependencies = Pick<FilterDependencies, 'data' | 'ask' | 'outside'>;

interface Question {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeout: number;
  readonly trace: ExchangeTrace | null;
}

type Send = (question: Question) => Promise<Result<{ readonly status: number; readonly body: Buffer }>>;

/** Memory has many answers. */
const MAX_BYTES = 65_536;

export class Endpoint {
  readonly #send: Send | null;
  readonly #id: string;
  readonly #secret: DataHandle | null;
  readonly #timeout: number;

  constructor(settings: EndpointSettings, timeout: number, dependencies: Dependencies) {
    const { uri, backendRef, clientID = '', clientSecret } = settings;
    this.#timeout = timeout;
    this.#id = clientID;
    this.#secret = clientSecret === undefined ? null : dependencies.data.handle(clientSecret);
    if (uri !== undefined) this.#send = atUrl(uri, settings.ca, dependencies);
    else this.#send = backendRef === undefined ? null : atBackend(backendRef.cluster, settings.path, dependencies);
  }

  /** Asks about a token, for the exchange with the trace; never rejects. */
  async ask(token: string, trace: ExchangeTrace | null): Promise<Introspected> {
    const secret = this.#secret?.value?.toString('utf8').trim() ?? '';
    if (this.#send === null || secret === '') return unavailable('the credentials of the proxy at the endpoint are not there');
    const headers = {
      authorization: basicOf({ id: this.#id, secret }),
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString();
    const answer = await this.#send({ headers, body, timeout: this.#timeout, trace });
    return answer.ok ? introspectedOf(answer.value) : unavailable(`the endpoint ${answer.error}`);
  }
}

function unavailable(reason: string): Introspected {
  return { type: 'unavailable', reason };
}

/** Nothing but a clear answer counts. */
function introspectedOf({ status, body }: { readonly status: number; readonly body: Buffer }): Introspected {
  if (status === 401 || status === 403) return unavailable('the endpoint refuses the credentials of the proxy');
  if (status !== 200) return unavailable(`the endpoint answers with status ${status}`);
  const claims = strictObject(body);
  if (claims === null) return unavailable('the endpoint answers with invalid JSON');
  if (claims['active'] === true) return { type: 'active', claims, bytes: body.length };
  return claims['active'] === false ? { type: 'inactive' } : unavailable('the endpoint does not say whether the token is active');
}

function atUrl(url: string, ca: DataReference | undefined, { data, outside }: Dependencies): Send {
  const authorities = ca === undefined ? null : data.handle(ca);
  return async (question) => {
    const pem = authorities === null ? '' : authorities.value?.toString('utf8');
    if (pem === undefined) return err('cannot be asked without its CA');
    return outside.ask({ url, method: 'POST', ca: pem, maxBytes: MAX_BYTES, ...question });
  };
}

function atBackend(cluster: string, path = '/introspect', { ask }: Dependencies): Send {
  const [, namespace = '', name = ''] = cluster.split('/');
  return async ({ headers, body, timeout, trace }) => {
    const answer = await ask(cluster, {
      ...{ method: 'POST', path, authority: `${name}.${namespace}`, headers: Object.entries(headers).flat() },
      ...{ body: Buffer.from(body), timeout, maxAnswerBytes: MAX_BYTES, trace },
    });
    return 'body' in answer ? ok(answer) : err(`does not answer: ${answer.code}`);
  };
}
