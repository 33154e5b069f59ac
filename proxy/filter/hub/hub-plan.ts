// The settings of a hub with their defaults.
import { compileExpression, type Expression } from '#api/expression/expression.ts';
import { HUB_DEFAULTS } from '#api/policy/hubs.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { HubTerms } from '../../exchange/topics.ts';
import { Origins } from '../origins.ts';

export type HubSettings = NonNullable<PolicySettings<'HTTPPolicy'>['hub']>;

/** Whether a caller may use a topic: always, never, or by an expression. */
export type TopicRule = Expression | boolean;

export interface HubPlan {
  readonly terms: HubTerms;
  readonly subscribe: TopicRule;
  readonly publish: TopicRule;
  readonly presence: boolean;
  readonly origins: Origins;
  /** Bytes. */
  readonly maxMessageSize: number;
  readonly maxQueueSize: number;
  readonly maxSubscriptions: number;
  readonly maxConnections: number;
  /** Milliseconds; 0 is unlimited. */
  readonly heartbeat: number;
  readonly lifetime: number;
}

const DEFAULTS = Object.freeze({
  ...HUB_DEFAULTS,
  maxQueueSize: 1_048_576,
  maxSubscriptions: 100,
  maxConnections: 10_000,
  heartbeat: 30_000,
});

/** `policy`: `<Kind>/<namespace>/<name>`. */
export function hubPlan(settings: HubSettings, policy: string): HubPlan {
  const [, namespace = '', own = ''] = policy.split('/');
  const { name = own, store = 'Memory', history = {}, allowedOrigins = [] } = settings;
  const { messages, age, ...limits } = { ...DEFAULTS, ...history, ...limitsOf(settings) };
  return {
    terms: { name: `${namespace}/${name}`, place: store, history: { messages, age } },
    subscribe: ruleOf(settings.subscribe, true),
    publish: ruleOf(settings.publish, false),
    presence: settings.presence === true,
    origins: new Origins(allowedOrigins),
    lifetime: settings.lifetime ?? 0,
    ...limits,
  };
}

/** The limits that are set. */
function limitsOf(settings: HubSettings): Partial<Omit<typeof DEFAULTS, 'messages' | 'age'>> {
  const { maxMessageSize, maxQueueSize, maxSubscriptions, maxConnections, heartbeat } = settings;
  const all = { maxMessageSize, maxQueueSize, maxSubscriptions, maxConnections, heartbeat };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** An expression that does not compile allows nothing. */
function ruleOf(source: string | undefined, without: boolean): TopicRule {
  if (source === undefined) return without;
  const expression = compileExpression(source, { result: 'bool', moment: 'topic' });
  return expression.ok && expression.value;
}
