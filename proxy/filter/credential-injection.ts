// Credentials of the proxy for the backend (`credentialInjection` of a SecurityPolicy), from Secrets: they replace those of the client. A
// rotation of a Secret applies to the next request.
import type { PolicySettings } from '#api/policy/settings.ts';
import { unresolvedPolicy, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { setHeader } from '../exchange/headers.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { DataHandle, DataReference, ObjectData } from '../exchange/object-data.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import { removeQueryParameter } from './authentication/credential-source.ts';
import type { Filter, FilterKind } from './filter.ts';
import type { PolicyFilterContext } from './rule-policies.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['credentialInjection']>;
type Entry = Settings[number];

/** A credential, and where it goes. */
interface Credential {
  readonly handle: DataHandle;
  readonly write: (exchange: Exchange, value: string) => void;
}

class CredentialInjection implements Filter {
  readonly name = 'credentialInjection';
  readonly #credentials: readonly Credential[];
  readonly #absent: ExchangeError;

  constructor(settings: Settings, { data, origins }: PolicyFilterContext) {
    this.#absent = unresolvedPolicy(origins[0]?.policy ?? '', 'a credential is absent or not usable');
    this.#credentials = settings.map((entry) => credentialOf(entry, data));
  }

  request(exchange: Exchange): FilterVerdict {
    for (const { handle, write } of this.#credentials) {
      const value = handle.value === null ? null : credentialText(handle.value);
      // Without its credential the request would reach the backend with that of the client.
      if (value === null) return refuse(exchange, this.#absent);
      write(exchange, value);
    }
    return 'continue';
  }
}

function credentialOf({ bearer, basic, header, query }: Entry, data: ObjectData): Credential {
  if (bearer !== undefined)
    return { handle: data.handle(bearer), write: (exchange, value) => inject(exchange, 'authorization', `Bearer ${value}`) };
  if (basic !== undefined)
    return {
      handle: data.handle(basic),
      write: (exchange, value) => inject(exchange, 'authorization', `Basic ${Buffer.from(value, 'latin1').toString('base64')}`),
    };
  if (header !== undefined) {
    const { name = '', value } = header;
    return { handle: data.handle(value as DataReference), write: (exchange, text) => inject(exchange, name.toLowerCase(), text) };
  }
  const { name = '', value } = query ?? {};
  return { handle: data.handle(value as DataReference), write: (exchange, text) => setQuery(exchange, name, text) };
}

/** HTTP/2 keeps such a header out of its tables of compression (RFC 7541 section 7.1.3). */
function inject(exchange: Exchange, name: string, value: string): void {
  setHeader(exchange.requestHeaders, name, value);
  if (exchange.secrets?.includes(name) !== true) exchange.secrets = [...(exchange.secrets ?? []), name];
}

function setQuery(exchange: Exchange, name: string, value: string): void {
  removeQueryParameter(exchange, name);
  const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(Buffer.from(value, 'latin1').toString('utf8'))}`;
  exchange.query = exchange.query === '' ? parameter : `${exchange.query}&${parameter}`;
  exchange.hasQuery = true;
}

/** A field value (RFC 9110 section 5.5), one character for each byte; null: it is empty, or it has control characters. */
function credentialText(bytes: Buffer): string | null {
  const text = bytes.toString('latin1').trim();
  return text === '' || /[\u0000-\u001f\u007f]/.test(text) ? null : text;
}

export const credentialInjection: FilterKind = {
  name: 'credentialInjection',
  ofPolicies: (policies) =>
    policies.filterOf(
      'SecurityPolicy',
      ['credentialInjection'],
      ({ credentialInjection: settings = [] }, context) => new CredentialInjection(settings, context),
    ),
};
