// What TelemetryPolicies say about the requests of each rule and listener, merged once per change. Equal settings are one object, as long as a
// plan has it.
import type * as ir from '#api/ir/ir.ts';
import { listenerTargets, requestTargets, type PolicyIndex } from '#api/policy/layers.ts';
import { mergePolicies } from '#api/policy/merge.ts';
import type { RouteTelemetry } from '../../exchange/route-telemetry.ts';
import { accessLogPlan } from './access-log.ts';
import { metricsPlan } from './metrics.ts';
import { redactorOf } from './redaction.ts';
import { requestIdPlan } from './request-id.ts';
import { tracingPlan } from './tracing.ts';

export class RouteTelemetries {
  readonly #follow: (made: RouteTelemetry) => void;
  readonly #bySettings = new Map<string, WeakRef<RouteTelemetry>>();
  readonly #gone = new FinalizationRegistry<string>((settings) => {
    if (this.#bySettings.get(settings)?.deref() === undefined) this.#bySettings.delete(settings);
  });

  /** `follow`: called with each new object, before a plan has it. */
  constructor(follow: (made: RouteTelemetry) => void = () => undefined) {
    this.#follow = follow;
  }

  /** Null: no policy sets anything for this rule at this listener (key). Without a rule: for requests that no rule gets. */
  of(policies: PolicyIndex, route: ir.Route | null, listener: string): RouteTelemetry | null {
    if (policies.isEmpty) return null;
    const targets = route === null ? listenerTargets(listener) : requestTargets(route, listener, null);
    const { settings, origins } = mergePolicies('TelemetryPolicy', policies.layers('TelemetryPolicy', targets));
    if (origins.length === 0) return null;
    const id = JSON.stringify(settings);
    const known = this.#bySettings.get(id)?.deref();
    if (known !== undefined) return known;
    const redactor = redactorOf(settings.redaction);
    const made = Object.freeze({
      id,
      redactor,
      accessLog: accessLogPlan(settings.accessLog),
      requestId: requestIdPlan(settings.requestId),
      tracing: tracingPlan(settings.tracing),
      metrics: metricsPlan(settings.metrics, redactor),
    });
    this.#bySettings.set(id, new WeakRef(made));
    this.#gone.register(made, id);
    this.#follow(made);
    return made;
  }
}
