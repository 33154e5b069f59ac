// Sets headers of answers that restrict what browsers do (`securityHeaders` of a SecurityPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { setHeader } from '../exchange/headers.ts';
import type { Filter, FilterKind } from './filter.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['securityHeaders']>;

const FRAME_OPTIONS = { Deny: 'DENY', SameOrigin: 'SAMEORIGIN', None: '' } as const;
/** A year, as lists of browsers require it. */
const DEFAULT_MAX_AGE_MS = 31_536_000_000;

class SecurityHeaders implements Filter {
  readonly name = 'securityHeaders';
  /** Names and values. */
  readonly #headers: readonly string[];
  /** The value for answers over HTTPS, or ''. */
  readonly #transport: string;

  constructor(settings: Settings) {
    this.#headers = headersOf(settings);
    this.#transport = transportSecurity(settings.strictTransportSecurity);
  }

  response(exchange: Exchange): void {
    const own = this.#headers;
    for (let i = 0; i < own.length; i += 2) setHeader(exchange.responseHeaders, own[i] as string, own[i + 1] as string);
    // Browsers ignore it without TLS, and proxies must not send it (RFC 6797 section 7.2).
    if (this.#transport !== '' && exchange.scheme === 'https')
      setHeader(exchange.responseHeaders, 'strict-transport-security', this.#transport);
  }
}

function headersOf(settings: Settings): readonly string[] {
  const { frameOptions = 'None', referrerPolicy = '', contentSecurityPolicy = '', contentTypeOptions = 'None' } = settings;
  const headers = [
    ['x-frame-options', FRAME_OPTIONS[frameOptions]],
    ['referrer-policy', referrerPolicy],
    ['content-security-policy', contentSecurityPolicy],
    ['x-content-type-options', contentTypeOptions === 'NoSniff' ? 'nosniff' : ''],
  ];
  return headers.filter(([, value]) => value !== '').flat();
}

function transportSecurity(settings: Settings['strictTransportSecurity']): string {
  if (settings === undefined) return '';
  const { maxAge = DEFAULT_MAX_AGE_MS, includeSubDomains = false, preload = false } = settings;
  return [
    `max-age=${Math.floor(maxAge / 1_000)}`,
    ...(includeSubDomains ? ['includeSubDomains'] : []),
    ...(preload ? ['preload'] : []),
  ].join('; ');
}

export const securityHeaders: FilterKind = {
  name: 'securityHeaders',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['securityHeaders'], (settings) => new SecurityHeaders(settings.securityHeaders ?? {})),
};
