// Headers that tell the backend about the caller (`headersToBackend` and `claimsToHeaders` of a SecurityPolicy), in two filters: the first removes what clients
// send under these names, before anything reads it; the last writes the values.
import { compileExpression, type Expression } from '#api/expression/expression.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { setHeader, type Headers } from '../exchange/headers.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import { claimText } from '../exchange/principal.ts';
import { requestFacts } from './facts.ts';
import type { Filter, FilterDraft, FilterKind } from './filter.ts';
import type { RulePolicies } from './rule-policies.ts';
import { fieldBytes } from './text.ts';

type Settings = Pick<PolicySettings<'SecurityPolicy'>, 'headersToBackend' | 'authentication'>;
type Authentication = NonNullable<Settings['authentication']>;

/** Removes headers, and those that a backend may take for them: many frameworks read `x_user` as `x-user`. */
class IdentityHeaders implements Filter {
  readonly name = 'identityHeaders';
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names.map((name) => name.replaceAll('_', '-')));
  }

  request({ requestHeaders }: Pick<Exchange, 'requestHeaders'>): FilterVerdict {
    for (let i = 0; i < requestHeaders.length; i += 2) {
      if (this.#has(requestHeaders[i] as string)) return this.#remove(requestHeaders);
    }
    return 'continue';
  }

  #has(name: string): boolean {
    return this.#names.has(name.includes('_') ? name.replaceAll('_', '-') : name);
  }

  #remove(headers: Headers): FilterVerdict {
    const kept: Headers = [];
    for (let i = 0; i < headers.length; i += 2) {
      if (!this.#has(headers[i] as string)) kept.push(headers[i] as string, headers[i + 1] as string);
    }
    headers.splice(0, headers.length, ...kept);
    return 'continue';
  }
}

/** Removes from a request what the first filter removes. */
export function removeIdentities(settings: Settings, requestHeaders: Headers): void {
  new IdentityHeaders(identityNames(settings)).request({ requestHeaders });
}

interface HeaderToBackend {
  readonly name: string;
  readonly value: Expression;
}

interface ClaimToBackend {
  readonly name: string;
  readonly claim: string;
}

/** Writes headers; one whose expression has no value, or no value that a header can have, is left out. */
class HeadersToBackend implements Filter {
  readonly name = 'headersToBackend';
  readonly #headers: readonly HeaderToBackend[];
  readonly #claims: readonly ClaimToBackend[];

  constructor({ headersToBackend = [], authentication }: Settings) {
    this.#headers = headersToBackend.map(({ name = '', value = '' }) => ({ name: name.toLowerCase(), value: compiled(value) }));
    this.#claims = claimsOf(authentication);
  }

  request(exchange: Exchange): FilterVerdict {
    this.#writeClaims(exchange);
    if (this.#headers.length === 0) return 'continue';
    const facts = requestFacts(exchange);
    for (const { name, value } of this.#headers) {
      const result = value.evaluate(facts);
      write(exchange, name, result.ok && typeof result.value === 'string' ? result.value : '');
    }
    return 'continue';
  }

  #writeClaims(exchange: Exchange): void {
    if (exchange.principal === null) return;
    for (const { name, claim } of this.#claims) write(exchange, name, claimText(exchange.principal, claim) ?? '');
  }
}

function write({ requestHeaders }: Exchange, name: string, text: string): void {
  const value = fieldBytes(text);
  if (value !== null) setHeader(requestHeaders, name, value);
}

/** The claims of all authenticators of a tree that have headers. */
function claimsOf(member: Authentication = {}): readonly ClaimToBackend[] {
  const { jwt, anyOf = [], allOf = [] } = member;
  const own = (jwt?.claimsToHeaders ?? []).map(({ claim = '', header = '' }) => ({ name: header.toLowerCase(), claim }));
  return [...own, ...[...anyOf, ...allOf].flatMap(claimsOf)];
}

/** The names of all headers about the caller. */
export function identityNames({ headersToBackend = [], authentication }: Settings): readonly string[] {
  return [...headersToBackend.map(({ name = '' }) => name.toLowerCase()), ...claimsOf(authentication).map(({ name }) => name)];
}

/** The rules of the policy have been checked: it compiles. */
function compiled(source: string): Expression {
  const expression = compileExpression(source, { result: 'string' });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}

const FIELDS = ['headersToBackend', 'authentication'] as const;

/** Null if no header tells about the caller. */
function draftOf(policies: RulePolicies, make: (settings: Settings) => Filter): FilterDraft | null {
  const { settings } = policies.settings('SecurityPolicy');
  return identityNames(settings).length === 0 ? null : policies.filterOf('SecurityPolicy', FIELDS, make);
}

export const identityHeaders: FilterKind = {
  name: 'identityHeaders',
  ofPolicies: (policies) => draftOf(policies, (settings) => new IdentityHeaders(identityNames(settings))),
};

export const headersToBackend: FilterKind = {
  name: 'headersToBackend',
  ofPolicies: (policies) => draftOf(policies, (settings) => new HeadersToBackend(settings)),
};
