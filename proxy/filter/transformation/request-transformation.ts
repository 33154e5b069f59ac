// Changes requests before they go to the backend (`request` of an HTTPPolicy).
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { SecurityEvents } from '../../exchange/security-events.ts';
import type { Filter, FilterDependencies, FilterKind } from '../filter.ts';
import type { BodyForm } from './body-form.ts';
import { CookieChanges } from './cookie-changes.ts';
import { HeaderChanges } from './header-changes.ts';
import { PathRewrite, type PathChange } from './path-rewrite.ts';
import { QueryChanges } from './query-changes.ts';
import { RequestBody } from './request-body.ts';
import { changeFacts, condition, pathFacts, type Condition } from './template.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['request']>;

/** Where the settings come from, and the path expressions of their rule. */
interface Source {
  readonly policy: string;
  readonly expressions: readonly string[];
}

class RequestTransformation implements Filter {
  readonly name = 'requestTransformation';
  readonly #when: Condition;
  readonly #path: PathRewrite | null;
  readonly #ofRule: readonly PathRewrite[];
  readonly #query: QueryChanges | null;
  readonly #headers: HeaderChanges | null;
  readonly #cookies: CookieChanges | null;
  readonly #body: RequestBody | null;
  readonly #policy: string;
  readonly #security: SecurityEvents;

  constructor(
    settings: Settings,
    { policy, expressions }: Source,
    { security, wholeBody }: Pick<FilterDependencies, 'security' | 'wholeBody'>,
  ) {
    const { when, path, query, headers, cookies, body } = settings;
    this.#when = condition(when, 'request');
    this.#path = PathRewrite.of(path);
    this.#ofRule = this.#path === null ? PathRewrite.ofRule(expressions) : [];
    this.#query = query === undefined ? null : new QueryChanges(query);
    this.#headers = headers === undefined ? null : new HeaderChanges(headers, 'request');
    this.#cookies = cookies === undefined ? null : new CookieChanges(cookies);
    this.#body = body === undefined ? null : new RequestBody(body, wholeBody);
    this.#policy = policy;
    this.#security = security;
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const change = this.#partsOf(exchange.path);
    if (change !== null) pathFacts.set(exchange, change.facts);
    const facts = changeFacts(exchange);
    if (!this.#when(facts)) return 'continue';
    if (change?.path === null) return this.#refuse(exchange);
    const changeHead = this.#headChange(exchange, change, facts);
    const form = this.#body?.formOf(exchange) ?? null;
    if (form !== null) return this.#withBody(exchange, form, facts, changeHead);
    changeHead();
    return 'continue';
  }

  /** All values are made before the first change. */
  #headChange(exchange: Exchange, change: PathChange | null, facts: Facts): () => void {
    const query = this.#query?.of(facts);
    const headers = this.#headers?.of(facts);
    const cookies = this.#cookies?.of(facts);
    return () => {
      if (change !== null) replacePath(exchange, change);
      if (query !== undefined) replaceQuery(exchange, query(exchange.query));
      headers?.({ headers: exchange.requestHeaders, setHost: (host) => (exchange.authority = host) });
      cookies?.(exchange.requestHeaders);
    };
  }

  /** By the expression of the policy, or else by those of the rule. */
  #partsOf(path: string): PathChange | null {
    if (this.#path !== null) return this.#path.change(path);
    for (const each of this.#ofRule) {
      const change = each.change(path);
      if (change !== null) return change;
    }
    return null;
  }

  async #withBody(exchange: Exchange, form: BodyForm, facts: Facts, changeHead: () => void): Promise<FilterVerdict> {
    const changed = await (this.#body as RequestBody).change(exchange, form, facts);
    if (changed === null) return 'continue';
    if ('code' in changed) {
      this.#security.emit('body_refused', exchange, { reason: 'a policy changes the body, and cannot read it', policy: this.#policy });
      return refuse(exchange, changed);
    }
    changeHead();
    return changed;
  }

  #refuse(exchange: Exchange): FilterVerdict {
    this.#security.emit('path_refused', exchange, { reason: 'the new path has dot segments or is too long', policy: this.#policy });
    return refuse(exchange, ERRORS.pathRefused);
  }
}

/** OPTIONS for `*` has no path. The prefix of the match is not in the new path: no later filter may cut it off. */
function replacePath(exchange: Exchange, { path }: PathChange): void {
  if (path === null || path === exchange.path || exchange.path === '*') return;
  exchange.path = path;
  exchange.prefixLength = 0;
}

function replaceQuery(exchange: Exchange, query: string): void {
  if (query === exchange.query) return;
  exchange.query = query;
  exchange.hasQuery = query !== '';
}

export const requestTransformation: FilterKind = {
  name: 'requestTransformation',
  ofPolicies: (policies) => {
    const expressions = policies.pathExpressions();
    const draft = policies.filterOf('HTTPPolicy', ['request'], ({ request = {} }, context) => {
      return new RequestTransformation(request, { policy: context.origins[0]?.policy ?? '', expressions }, context);
    });
    // Rules with other expressions have another filter.
    return draft === null || expressions.length === 0 ? draft : { ...draft, identity: [draft.identity, expressions] };
  },
};
