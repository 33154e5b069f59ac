// Signatures of requests to backends (`requestSigning` of a SecurityPolicy, RFC 9421). The last filter: after the filters of the chosen
// backend, so that the backend gets what is signed.
import { randomBytes } from 'node:crypto';
import type { PolicySettings } from '#api/policy/settings.ts';
import { innerListText, type BareItem, type InnerList, type Item } from '#lib/structured-fields.ts';
import { ERRORS, unresolvedPolicy } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { removeHeader, setHeader } from '../exchange/headers.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { DataReference } from '../exchange/object-data.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import type { Filter, FilterKind } from './filter.ts';
import type { PolicyFilterContext } from './rule-policies.ts';
import { signatureOf } from './signature/algorithms.ts';
import { fieldValue, signatureBase } from './signature/components.ts';
import { contentDigest } from './signature/content-digest.ts';
import { mayHaveBody, type WholeBody } from './signature/signed-body.ts';
import { SigningKey, type UsableKey } from './signature/signing-key.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['requestSigning']>;

/** `@query` also without a query: nothing can add one. */
const COMPONENTS: readonly string[] = ['@method', '@authority', '@path', '@query'];
const FIELDS = ['signature-input', 'signature'];
const DIGEST = 'content-digest';
const MAX_BODY = 1_048_576;
const NONCE_BYTES = 16;

class RequestSigning implements Filter {
  readonly name = 'requestSigning';
  readonly isLast = true;
  readonly #key: SigningKey;
  readonly #keyId: string;
  readonly #components: readonly string[];
  readonly #label: string;
  /** Seconds; 0: the signature names no end. */
  readonly #lifetime: number;
  /** -1: the body is not signed. */
  readonly #maxBodyBytes: number;
  readonly #wholeBody: WholeBody;
  readonly #security: SecurityEvents;
  readonly #policy: string;

  constructor(settings: Settings, { data, wholeBody, security, origins }: PolicyFilterContext) {
    const { key, keyId = '', algorithm = null, components = COMPONENTS, label = 'weir', expiresAfter = 0 } = settings;
    this.#key = new SigningKey(data.handle(key as DataReference), algorithm);
    this.#keyId = keyId;
    this.#components = [...new Set(components)];
    this.#label = label;
    this.#lifetime = Math.ceil(expiresAfter / 1_000);
    this.#maxBodyBytes = settings.omitBody === true ? -1 : (settings.maxBodyBytes ?? MAX_BODY);
    this.#wholeBody = wholeBody;
    this.#security = security;
    this.#policy = origins[0]?.policy ?? '';
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const key = this.#key.usable;
    if (key === null) return this.#refuse(exchange);
    if (this.#maxBodyBytes < 0 || !mayHaveBody(exchange)) return this.#sign(exchange, key, this.#components);
    return this.#wholeBody(exchange, this.#maxBodyBytes).then((body) => {
      // Nothing of an exchange that is over may change.
      if (exchange.phase === 'done') return 'answered';
      if (body === null) return this.#refuseBody(exchange);
      setHeader(exchange.requestHeaders, DIGEST, contentDigest(body));
      return this.#sign(exchange, key, [...this.#components.filter((name) => name !== DIGEST), DIGEST]);
    });
  }

  /** A backend that does not check signatures must not get a request without one. */
  #refuse(exchange: Exchange): FilterVerdict {
    return refuse(exchange, unresolvedPolicy(this.#policy, 'there is no key that can sign requests'));
  }

  #refuseBody(exchange: Exchange): FilterVerdict {
    this.#security.emit('body_refused', exchange, { reason: 'the body is too large to sign', policy: this.#policy });
    return refuse(exchange, ERRORS.requestBodyTooLarge);
  }

  #sign(exchange: Exchange, { key, algorithm }: UsableKey, components: readonly string[]): FilterVerdict {
    // Those of the client.
    for (const name of FIELDS) removeHeader(exchange.requestHeaders, name);
    const names = components.filter((name) => name.startsWith('@') || fieldValue(name, exchange) !== null);
    const covered: InnerList = { items: names.map(itemOf), parameters: this.#parameters(algorithm) };
    const base = signatureBase(covered, exchange);
    if (base === null) return this.#refuse(exchange);
    const signature = signatureOf(algorithm, key, base).toString('base64');
    setHeader(exchange.requestHeaders, 'signature-input', `${this.#label}=${innerListText(covered)}`);
    setHeader(exchange.requestHeaders, 'signature', `${this.#label}=:${signature}:`);
    return 'continue';
  }

  /** With a nonce, so that equal requests within a second are different for a backend that accepts a signature once. */
  #parameters(algorithm: string): ReadonlyMap<string, BareItem> {
    const created = Math.floor(Date.now() / 1_000);
    const parameters = new Map<string, BareItem>([['created', { type: 'integer', value: created }]]);
    if (this.#lifetime > 0) parameters.set('expires', { type: 'integer', value: created + this.#lifetime });
    parameters.set('nonce', { type: 'string', value: randomBytes(NONCE_BYTES).toString('base64url') });
    parameters.set('alg', { type: 'string', value: algorithm });
    return parameters.set('keyid', { type: 'string', value: this.#keyId });
  }
}

function itemOf(name: string): Item {
  return { bare: { type: 'string', value: name }, parameters: NO_PARAMETERS };
}

const NO_PARAMETERS: Item['parameters'] = new Map();

export const requestSigning: FilterKind = {
  name: 'requestSigning',
  isLast: true,
  ofPolicies: (policies) => {
    if (policies.settings('SecurityPolicy').settings.requestSigning === undefined) return null;
    return policies.filterOf('SecurityPolicy', ['requestSigning'], ({ requestSigning: settings = {} as Settings }, context) => {
      return new RequestSigning(settings, context);
    });
  },
};
