// The hosts of an Ingress: on which listeners they are served, and by which certificate.
import type { SecretName } from '../edge.ts';
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { ParentRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';

/** Certificates by host, as spec.tls has them. */
export function certificatesOf(object: InputObject, plan: Plan): ReadonlyMap<string, SecretName> {
  const certificates = new Map<string, SecretName>();
  for (const tls of new Fields(object.value['spec'], 'spec').groups('tls')) {
    const name = tls.text('secretName');
    const hosts = tls.texts('hosts');
    if (name === undefined) {
      const reason = `no Secret is named for ${hosts.join(', ')}, and a Gateway has no default certificate`;
      plan.leftOut(object, { field: tls.path, reason, advice: 'name the Secret with the certificate' });
    } else for (const host of hosts.length > 0 ? hosts : ['']) certificates.set(host.toLowerCase(), { namespace: object.namespace, name });
  }
  return certificates;
}

/** The listeners of an Ingress. */
export class IngressHosts {
  readonly #certificates: ReadonlyMap<string, SecretName>;
  readonly #object: InputObject;
  readonly #plan: Plan;

  constructor(certificates: ReadonlyMap<string, SecretName>, object: InputObject, plan: Plan) {
    this.#certificates = certificates;
    this.#object = object;
    this.#plan = plan;
  }

  /** The listeners of a host. With `redirected` a host that has a certificate is not served in the clear. */
  parentsOf(host: string, redirected: boolean): { readonly plain: readonly ParentRef[]; readonly secured: readonly ParentRef[] } {
    const covering = this.#covering(host);
    const secret = covering === undefined ? undefined : this.#certificates.get(covering);
    if (covering === undefined || secret === undefined) return { plain: [plainListener(this.#plan)], secured: [] };
    const port = this.#plan.options.entryPoints.get('websecure') ?? 443;
    const { parent, clash } = this.#plan.edge.listener({ protocol: 'HTTPS', port, hostname: covering, secret });
    if (clash !== null) {
      const reason = `another Ingress serves ${covering} with Secret/${clash.namespace}/${clash.name}, which is used`;
      this.#plan.leftOut(this.#object, { field: 'spec.tls', reason, advice: 'keep one certificate for the host' });
    }
    return redirected ? { plain: [], secured: [parent] } : { plain: [], secured: [plainListener(this.#plan), parent] };
  }

  /** The host of spec.tls whose certificate is for this one. */
  #covering(host: string): string | undefined {
    const wildcard = host.replace(/^[^.]+/, '*');
    return [host, wildcard].find((each) => this.#certificates.has(each));
  }
}

function plainListener(plan: Plan): ParentRef {
  return plan.edge.listener({ protocol: 'HTTP', port: plan.options.entryPoints.get('web') ?? 80, hostname: '' }).parent;
}

/** A request in the clear for a host with a certificate is sent to HTTPS, as ingress-nginx does it. */
export function toHttps(object: InputObject, route: { readonly name: string; readonly hostnames: readonly string[] }, plan: Plan): void {
  const hostnames = route.hostnames.filter((hostname) => plan.isFirst(`to-https/${hostname}`));
  if (hostnames.length === 0 && route.hostnames.length > 0) return;
  const port = plan.options.entryPoints.get('websecure') ?? 443;
  const requestRedirect = { scheme: 'https', ...(port === 443 ? {} : { port }), statusCode: 308 };
  const rules = [{ filters: [{ type: 'RequestRedirect', requestRedirect }] }];
  plan.writeRoute(object, { name: `${route.name}-to-https`, hostnames, parents: [plainListener(plan)], rules });
}
