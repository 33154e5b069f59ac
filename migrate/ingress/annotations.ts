// The annotations of ingress-nginx: which of them have no equivalent, which need none, and where the others go.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { Plan, Remark } from '../plan.ts';

const PREFIX = 'nginx.ingress.kubernetes.io/';

type Reason = Omit<Remark, 'field'>;

/** Without one of these a route is open to more clients than before. */
const PROTECTION: Readonly<Record<string, Reason>> = {
  'auth-url': { reason: 'Weir has no external authentication yet' },
  'auth-type': { reason: 'Weir has no basic authentication yet' },
  'auth-tls-secret': {
    reason: 'client certificates are a setting of a port of the Gateway, not of one host',
    advice: 'set spec.tls.frontend of the Gateway (docs/reference/listeners.md#client-certificates)',
  },
  'whitelist-source-range': { reason: 'Weir has no lists of client addresses yet' },
  'allowlist-source-range': { reason: 'Weir has no lists of client addresses yet' },
  'denylist-source-range': { reason: 'Weir has no lists of client addresses yet' },
  'enable-modsecurity': { reason: 'Weir has no web application firewall' },
  'enable-global-auth': { reason: 'Weir has no external authentication yet' },
  satisfy: { reason: 'Weir has no external authentication yet' },
};

/** Names that belong to one of those above. */
const PARTS_OF_PROTECTION = /^(auth-|modsecurity-|enable-owasp)/;

const SNIPPET: Reason = { reason: 'Weir takes no configuration of nginx', advice: 'use a filter of the HTTPRoute or a policy' };
const PROXY_LIMIT = (flag: string): Reason => ({
  reason: 'this is a limit of the whole proxy in Weir',
  advice: `set ${flag} in proxy.limits of the chart or limits of GatewayParameters`,
});
const RATE: Reason = { reason: 'Weir has no rate limits yet' };
const BALANCER: Reason = { reason: 'Weir takes endpoints in turn and has no other load balancing yet' };
const AFFINITY: Reason = { reason: 'Weir has no session affinity yet' };

/** What is left out, and why. */
const UNSUPPORTED: Readonly<Record<string, Reason>> = {
  'server-snippet': SNIPPET,
  'configuration-snippet': SNIPPET,
  'stream-snippet': SNIPPET,
  'auth-snippet': SNIPPET,
  'limit-rps': RATE,
  'limit-rpm': RATE,
  'limit-connections': RATE,
  'limit-rate': RATE,
  'limit-rate-after': RATE,
  'limit-burst-multiplier': RATE,
  'limit-whitelist': RATE,
  'load-balance': BALANCER,
  'upstream-hash-by': BALANCER,
  affinity: AFFINITY,
  'affinity-mode': AFFINITY,
  'proxy-connect-timeout': PROXY_LIMIT('connect-timeout'),
  'proxy-read-timeout': PROXY_LIMIT('upstream-idle-timeout'),
  'proxy-send-timeout': PROXY_LIMIT('upstream-idle-timeout'),
  'client-header-buffer-size': PROXY_LIMIT('max-head-bytes'),
  'enable-opentelemetry': { reason: 'Weir has no tracing yet' },
  'custom-http-errors': { reason: 'Weir has no error pages of your own yet' },
  'default-backend': { reason: 'Weir has no backend for answers of failed backends yet' },
  'mirror-target': { reason: 'the target is a URL, and Weir mirrors to Services', advice: 'add a RequestMirror filter to the HTTPRoute' },
  'custom-headers': { reason: 'the headers are in a ConfigMap', advice: 'add a ResponseHeaderModifier filter to the HTTPRoute' },
};

const STREAMS = 'Weir passes bodies on as they come';
/** What needs no setting in Weir. */
const NOT_NEEDED: Readonly<Record<string, string>> = {
  'proxy-buffering': STREAMS,
  'proxy-request-buffering': STREAMS,
  'proxy-buffer-size': STREAMS,
  'proxy-buffers-number': STREAMS,
  'proxy-busy-buffers-size': STREAMS,
  'proxy-max-temp-file-size': STREAMS,
  'client-body-buffer-size': STREAMS,
  'proxy-http-version': 'Weir speaks HTTP/1.1 to backends',
  'service-upstream': 'Weir sends requests to endpoints',
  'enable-access-log': 'the access log is a setting of the proxy',
  'enable-rewrite-log': 'there is no rewrite log',
  'websocket-services': 'WebSockets need no setting',
  'preserve-trailing-slash': 'Weir keeps slashes as they are',
};

/** Annotations of other controllers, which may protect the route. */
const CONTROLLERS_OWN = /(^|[.-])(traefik|haproxy|konghq|nginx|alb|appgw|contour|ambassador|ingress)\b[a-z.-]*\//;
/** Annotations of tools that apply manifests, and of the class: they belong on no new object. */
const OF_TOOLS = /^(kubectl\.kubernetes\.io|kubernetes\.io|meta\.helm\.sh)\//;
/** The issuer of certificates belongs on the Gateway. */
const CERT_MANAGER = 'cert-manager.io/';

/** The annotations of one Ingress by their short names. */
export class Annotations {
  /** Annotations that go onto the route. */
  readonly others: Readonly<Record<string, string>>;
  readonly #all: readonly (readonly [name: string, value: string])[];
  readonly #fields: Fields;

  constructor(object: InputObject) {
    const all = new Fields(object.value['metadata'], '').textMap('annotations');
    this.#all = Object.entries(all);
    const own = this.#all.filter(([name]) => name.startsWith(PREFIX));
    this.#fields = new Fields(Object.fromEntries(own.map(([name, value]) => [name.slice(PREFIX.length), value])), '');
    const prefixes = [PREFIX, CERT_MANAGER];
    const others = this.#all.filter(([name]) => !prefixes.some((prefix) => name.startsWith(prefix)) && !OF_TOOLS.test(name));
    this.others = Object.fromEntries(others.filter(([name]) => !CONTROLLERS_OWN.test(name)));
  }

  text(name: string): string | undefined {
    return this.#fields.text(name);
  }

  isTrue(name: string): boolean {
    return this.text(name) === 'true';
  }

  /** A list with commas. */
  list(name: string, otherwise = ''): string[] {
    return (this.text(name) ?? otherwise)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  /** Says what became of every annotation that nothing has read; answers with those that protect the route. */
  tellRest(object: InputObject, plan: Plan): string[] {
    const open = this.#tellOthers(object, plan);
    for (const name of this.#fields.unread()) {
      const field = annotationField(name);
      const needless = NOT_NEEDED[name];
      const protection = PROTECTION[name];
      if (needless !== undefined) plan.note('not needed', object, { field, reason: needless });
      else if (protection !== undefined) {
        open.push(name);
        plan.leftOut(object, { field, ...protection });
      } else if (PARTS_OF_PROTECTION.test(name))
        plan.leftOut(object, { field, reason: 'it belongs to a setting that Weir has no equivalent of yet' });
      else plan.leftOut(object, { field, ...(UNSUPPORTED[name] ?? restOf(name)) });
    }
    return open;
  }

  /** Issuers go to the Gateway; what another controller reads may protect the route. */
  #tellOthers(object: InputObject, plan: Plan): string[] {
    for (const [name, value] of this.#all) if (name.startsWith(CERT_MANAGER)) plan.edge.annotate(name, value);
    const foreign = this.#all.map(([name]) => name).filter((name) => !name.startsWith(PREFIX) && CONTROLLERS_OWN.test(name));
    for (const name of foreign) {
      const reason = 'another controller reads it, and it may protect the route';
      plan.leftOut(object, { field: `metadata.annotations[${name}]`, reason });
    }
    return foreign;
  }
}

function restOf(name: string): Reason {
  if (name.startsWith('session-cookie-') || name.startsWith('affinity-')) return AFFINITY;
  if (name.startsWith('upstream-hash-by')) return BALANCER;
  return { reason: 'Weir has no equivalent yet' };
}

/** `metadata.annotations[...]` of a short name. */
export function annotationField(name: string): string {
  return `metadata.annotations[${PREFIX}${name}]`;
}
