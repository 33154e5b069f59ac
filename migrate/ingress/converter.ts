// One Ingress > its routes: an HTTPRoute for each host, redirects beside it, and the default backend.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { slug } from '../manifest.ts';
import type { BackendRef, Filter, ParentRef, Rule } from '../manifest.ts';
import type { Plan, WantedRoute } from '../plan.ts';
import { annotationField } from './annotations.ts';
import type { Annotations } from './annotations.ts';
import { writeBackendTls } from './backend-tls.ts';
import type { BodyLimits } from './body-limits.ts';
import { withCanaries } from './canary.ts';
import type { Canary } from './canary.ts';
import { joinRewrites } from './filters.ts';
import { certificatesOf, IngressHosts, toHttps } from './hosts.ts';
import { writePassthrough } from './passthrough.ts';
import { convertPath } from './path.ts';
import { defaultBackendOf, pathsOf } from './paths.ts';
import type { HostPath } from './paths.ts';
import { settingsOf } from './settings.ts';
import type { IngressSettings } from './settings.ts';

/** Turns one Ingress into routes. */
export class IngressConverter {
  readonly #object: InputObject;
  readonly #annotations: Annotations;
  readonly #plan: Plan;
  readonly #limits: BodyLimits;
  readonly #hosts: IngressHosts;

  constructor(object: InputObject, annotations: Annotations, plan: Plan, limits: BodyLimits) {
    this.#object = object;
    this.#annotations = annotations;
    this.#plan = plan;
    this.#limits = limits;
    this.#hosts = new IngressHosts(certificatesOf(object, plan), object, plan);
  }

  convert(canaries: readonly Canary[]): void {
    const object = this.#object;
    const plan = this.#plan;
    const paths = pathsOf(object, plan);
    const byHost = Map.groupBy(paths, ({ host }) => host);
    if (this.#annotations.isTrue('ssl-passthrough')) {
      const hosts = [...byHost].map(([host, [path]]) => ({ host, backend: path?.backend ?? null }));
      writePassthrough(object, hosts, plan);
      this.#annotations.tellRest(object, plan);
      return;
    }
    const settings = settingsOf(this.#annotations, object, plan);
    const fallback = defaultBackendOf(object, plan);
    const backends = [...paths.map(({ backend }) => backend), fallback].filter((backend) => backend !== null);
    writeBackendTls(object, this.#annotations, backends, plan);
    const open = this.#annotations.tellRest(object, plan);
    const route = { labels: this.#labels(), annotations: this.#annotations.others, policy: settings.policy, open };
    for (const [host, ofHost] of byHost) {
      const rules = this.#rulesOf(ofHost, settings, canaries, fallback);
      const name = byHost.size === 1 ? object.name : `${object.name}-${host === '' ? 'any' : slug(host)}`;
      this.#writeHost(host, settings, { ...route, name, rules });
    }
    const { plain } = fallback === null ? { plain: [] } : this.#hosts.parentsOf('', false);
    const rules = fallback === null ? [] : [{ backendRefs: [fallback] }];
    if (fallback !== null) plan.writeRoute(object, { ...route, name: `${object.name}-default`, hostnames: [], parents: plain, rules });
  }

  /** The route of one host, with the redirects that belong to it. */
  #writeHost(host: string, settings: IngressSettings, route: Omit<WantedRoute, 'hostnames' | 'parents'>): void {
    const { plain, secured } = this.#hosts.parentsOf(host, settings.toHttps);
    const hostnames = [host, ...settings.aliases].filter((each) => each !== '');
    if (route.rules.length > 0) this.#plan.writeRoute(this.#object, { ...route, hostnames, parents: [...plain, ...secured] });
    if (plain.length === 0) toHttps(this.#object, { name: route.name, hostnames }, this.#plan);
    if (settings.www && host !== '') this.#redirectWww(host, route.name, [...plain, ...secured]);
    this.#limits.add(settings.bodySize, secured, this.#object);
  }

  #rulesOf(paths: readonly HostPath[], settings: IngressSettings, canaries: readonly Canary[], fallback: BackendRef | null): Rule[] {
    const rules = paths.flatMap((each) => this.#rules(each, settings, canaries));
    const first = settings.appRoot === undefined ? [] : [appRootRule(settings.appRoot)];
    const last = fallback !== null && !paths.some(({ path }) => path === '/') ? [{ backendRefs: [fallback] }] : [];
    return [...first, ...rules, ...last];
  }

  #rules({ host, path, pathType, backend, field }: HostPath, settings: IngressSettings, canaries: readonly Canary[]): Rule[] {
    const { filters: shared, redirect, useRegex, target } = settings;
    if (backend === null && redirect === null) return [];
    const { match, filters, doubt, lost } = convertPath({ path, pathType, useRegex, target });
    if (doubt !== undefined) this.#plan.note('differs', this.#object, { field: `${field}.path`, reason: doubt });
    if (lost !== undefined) {
      const reason = `${JSON.stringify(path)} with ${JSON.stringify(target)}: ${lost}`;
      const advice = 'write the rewrite as a URLRewrite filter';
      this.#plan.leftOut(this.#object, { field: annotationField('rewrite-target'), reason, advice });
    }
    if (redirect !== null) return [{ matches: [{ path: match }], filters: [redirect] }];
    const all = joinRewrites([...filters, ...shared]);
    const backendRefs = backend === null ? [] : [backend];
    const rule: Rule = { matches: [{ path: match }], ...(all.length > 0 ? { filters: all } : {}), backendRefs };
    return withCanaries(rule, `${this.#object.namespace}/${host}${path}`, canaries);
  }

  #redirectWww(host: string, name: string, parents: readonly ParentRef[]): void {
    const other = host.startsWith('www.') ? host.slice('www.'.length) : `www.${host}`;
    const filter: Filter = { type: 'RequestRedirect', requestRedirect: { hostname: host, statusCode: 308 } };
    const { plain, secured } = this.#hosts.parentsOf(other, false);
    const reached = [...plain, ...secured];
    const route = { name: `${name}-www`, hostnames: [other], parents: reached.length > 0 ? reached : parents };
    this.#plan.writeRoute(this.#object, { ...route, rules: [{ filters: [filter] }] });
  }

  #labels(): Readonly<Record<string, string>> {
    return new Fields(this.#object.value['metadata'], 'metadata').textMap('labels');
  }
}

function appRootRule(appRoot: string): Rule {
  const path = { type: 'ReplaceFullPath', replaceFullPath: appRoot };
  const filter: Filter = { type: 'RequestRedirect', requestRedirect: { path, statusCode: 302 } };
  return { matches: [{ path: { type: 'Exact', value: '/' } }], filters: [filter] };
}
