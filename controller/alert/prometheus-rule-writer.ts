// Keeps one PrometheusRule for each AlertRule. The leader writes it by server-side apply, only if it differs, and tells compile the result.
//
//     AlertRules that compile has found valid ──┐
//                                               ├──> objects that lack or differ ──> apply, or delete ──> condition Exported
//     watch of PrometheusRules ─────────────────┘
import { groupOf } from '#api/k8s/kinds.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { holds, project } from '../fleet/drift.ts';
import { WorkQueue, type WorkOutcome } from '../status/work-queue.ts';
import { alertStateRef, exportOwner, type WantedAlerts } from '../watch/alerts.ts';
import { ApiError, messageOf, type ApiClient, type ApiReply } from '../watch/api-client.ts';
import type { Source, SourceListener, Wanted } from '../watch/event.ts';
import type { InformerProblem, RawChange } from '../watch/informer.ts';
import { Informers } from '../watch/informers.ts';
import { metadataOf, type RawObject } from '../watch/kinds.ts';
import { OwnWrites } from '../watch/own-writes.ts';
import { describeProblem } from '../watch/trouble.ts';
import { prometheusRule } from './prometheus-rule.ts';
import {
  liveRule,
  MANAGED_SELECTOR,
  manifestOf,
  objectNameOf,
  PROMETHEUS_RULE,
  ruleNameOf,
  rulePath,
  type LiveRule,
  type RuleManifest,
} from './prometheus-rule-object.ts';
import { ruleOf, type Rule } from './rule.ts';

/** The field manager of the objects. */
const FIELD_MANAGER = 'weir-alerts';
const CONCURRENCY = 2;
/** Delay before an object that another client changed is compared, milliseconds. */
const REASSERT_MS = 200;
/** Pauses between attempts, milliseconds. */
const RETRY = { minimum: 500, maximum: 60_000 };

export interface PrometheusRuleWriterOptions {
  readonly client: ApiClient;
  /** The namespaces to watch; empty means all. */
  readonly namespaces: readonly string[];
  /** Labels of every object. */
  readonly labels: Readonly<Record<string, string>>;
  /** Rules of other namespaces are about their own namespace only. */
  readonly operatorNamespace: string;
  /** The uid of an AlertRule; '' if it does not exist. */
  readonly uidOf: (ref: ObjectRef) => string;
  /** Whether this controller leads; called before every write. */
  readonly leads: () => boolean;
  readonly faults: Faults;
  readonly log: Log;
}

export class PrometheusRuleWriter implements Source {
  readonly #options: PrometheusRuleWriterOptions;
  readonly #informers: Informers;
  readonly #queue: WorkQueue;
  readonly #writes = new OwnWrites<LiveRule>();
  /** Rules and objects have the key `<namespace>/<name of the AlertRule>`. */
  readonly #rules = new Map<string, Rule>();
  readonly #live = new Map<string, LiveRule>();
  /** The state right after an apply that differs from the applied object, because another client owns a field. */
  readonly #settled = new Map<string, string>();
  readonly #failures = new Map<string, number>();
  readonly #told = new Map<string, string>();
  #wanted: ReadonlyMap<string, WantedAlerts> = new Map();
  #listener: SourceListener | null = null;
  #synced = false;
  /** Why the objects cannot be watched; '' if they can. */
  #trouble = '';

  constructor(options: PrometheusRuleWriterOptions) {
    this.#options = options;
    const { client, namespaces, leads, faults } = options;
    const fingerprint = (object: RawObject) => String(metadataOf(object)['resourceVersion']);
    const kind = { api: PROMETHEUS_RULE, fieldSelector: '', labelSelector: MANAGED_SELECTOR, fingerprint };
    this.#informers = new Informers(kind, namespaces, client, {
      changed: (changes) => void faults.guard('alerts', () => this.#changed(changes)),
      synced: () => {
        this.#synced = true;
        this.resume();
      },
      problem: (problem) => this.#problem(problem),
      began: () => undefined,
    });
    // Without a watch there is nothing to compare, only the reason to tell.
    const open = () => leads() && (this.#synced || this.#trouble !== '');
    this.#queue = new WorkQueue({ concurrency: CONCURRENCY, open, work: (id) => this.#work(id), faults });
  }

  start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    listener.synced();
    this.#informers.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#informers.stop(), this.#queue.stop()]);
  }

  /** This controller leads now, or knows all objects. */
  resume(): void {
    for (const id of new Set([...this.#rules.keys(), ...this.#live.keys()])) this.#queue.request(id);
  }

  want({ Alerts }: Pick<Wanted, 'Alerts'>): null {
    const before = this.#wanted;
    this.#wanted = new Map(Alerts);
    for (const [unit, wanted] of before) if (!Alerts.has(unit)) this.#take(wanted, false);
    for (const [unit, wanted] of Alerts) if (before.get(unit)?.spec !== wanted.spec) this.#take(wanted, true);
    return null;
  }

  #take(wanted: WantedAlerts, isWanted: boolean): void {
    if (wanted.kind !== 'AlertRule') return;
    const id = `${wanted.namespace}/${wanted.name}`;
    if (isWanted) void this.#options.faults.guard('alerts', () => this.#rules.set(id, ruleOf(wanted)), { rule: id });
    else this.#rules.delete(id);
    this.#failures.delete(id);
    this.#queue.request(id);
  }

  #changed(changes: readonly RawChange[]): void {
    for (const { type, namespace, name, object } of changes) {
      const rule = ruleNameOf(name);
      if (rule === null) continue;
      const id = `${namespace}/${rule}`;
      if (type === 'delete' || object === null) this.#live.delete(id);
      else this.#live.set(id, liveRule(object));
      if (this.#options.leads()) this.#queue.requestLater(id, REASSERT_MS);
    }
  }

  #problem(problem: InformerProblem | null): void {
    const install = 'install the CRDs of the Prometheus operator, or do not set --prometheus-rules';
    this.#trouble = problem === null ? '' : describeProblem(PROMETHEUS_RULE, install, problem);
    if (problem === null) this.#options.log.info({}, 'PrometheusRules are watched again');
    else this.#options.log.warn({ reason: this.#trouble }, 'cannot watch PrometheusRules: those of alert rules stay as they are');
    this.resume();
  }

  async #work(id: string): Promise<WorkOutcome> {
    try {
      this.#tell(id, await this.#bring(id));
      this.#failures.delete(id);
      return { restMs: 0, again: false };
    } catch (error) {
      const failures = (this.#failures.get(id) ?? 0) + 1;
      this.#failures.set(id, failures);
      this.#tell(id, (error as Error).message);
      return { restMs: Math.min(RETRY.maximum, RETRY.minimum * 2 ** Math.min(failures - 1, 20)), again: true };
    }
  }

  /** Makes the object as the rule wants it. Resolves to why there is none; '' if there is one, null if the rule wants none. */
  async #bring(id: string): Promise<string | null> {
    const rule = this.#rules.get(id);
    if (rule === undefined || rule.spec.disabled) {
      await this.#remove(id);
      return null;
    }
    if (this.#trouble !== '') return this.#trouble;
    const { namespace, name } = rule;
    const exported = prometheusRule([rule], { namespace, name: objectNameOf(name) }, this.#options.operatorNamespace);
    const [left] = exported.left;
    if (left !== undefined) {
      await this.#remove(id);
      return `the rule ${left.reason}`;
    }
    const uid = this.#options.uidOf({ kind: 'AlertRule', namespace, name });
    // The deletion of the AlertRule follows; an object without an owner would stay.
    if (uid === '') return null;
    await this.#apply(id, uid, manifestOf(exported, { namespace, name, uid }, this.#options.labels));
    return '';
  }

  async #apply(id: string, uid: string, manifest: RuleManifest): Promise<void> {
    const live = this.#latest(id);
    if (live?.ownerUid === uid && (holds(live.object, manifest) || this.#settled.get(id) === imageOf(live, manifest))) return;
    const path = rulePath(manifest.metadata);
    const found = live ?? (await this.#read(path));
    // Weir takes over no objects of others.
    if (found !== null && found.ownerUid !== uid) throw new Error(`${describe(manifest)} exists, but does not belong to the AlertRule`);
    this.#mustLead();
    const call = { method: 'PATCH', path: `${path}?fieldManager=${FIELD_MANAGER}&force=true`, body: manifest } as const;
    const reply = await this.#options.client.call({ ...call, contentType: 'application/apply-patch+yaml' });
    this.#expect(reply, 'patch', describe(manifest));
    const after = liveRule(reply.body as RawObject);
    this.#writes.wrote(id, after, this.#live.get(id));
    if (holds(after.object, manifest)) this.#settled.delete(id);
    else this.#settled.set(id, imageOf(after, manifest));
    this.#options.log.info({ object: describe(manifest) }, 'applied the PrometheusRule of an alert rule');
  }

  /** Deletes the object of an AlertRule. Objects of others have no owner of this kind, and stay. */
  async #remove(id: string): Promise<void> {
    const live = this.#latest(id);
    if (live === undefined || live.ownerUid === '') return;
    this.#mustLead();
    const [namespace = '', rule = ''] = id.split('/');
    const object = { namespace, name: objectNameOf(rule) };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: live.uid } };
    const reply = await this.#options.client.call({ method: 'DELETE', path: rulePath(object), body });
    // 409: another object of the name exists; the watch reports it.
    if (reply.status !== 404 && reply.status !== 409) this.#expect(reply, 'delete', describe({ metadata: object }));
    this.#options.log.info({ object: describe({ metadata: object }) }, 'removed the PrometheusRule of an alert rule');
  }

  async #read(path: string): Promise<LiveRule | null> {
    const reply = await this.#options.client.call({ method: 'GET', path });
    if (reply.status === 404) return null;
    this.#expect(reply, 'get', path);
    return liveRule(reply.body as RawObject);
  }

  #expect({ status, body }: ApiReply, verb: string, what: string): void {
    if (status >= 200 && status <= 299) return;
    const rule = JSON.stringify({ apiGroups: [groupOf(PROMETHEUS_RULE.apiVersion)], resources: [PROMETHEUS_RULE.plural], verbs: [verb] });
    const lacks = status === 403 ? `; the controller lacks the rule ${rule}` : '';
    throw new ApiError(status, { message: `${what}: ${messageOf(body) ?? `the API server answered ${status}`}${lacks}` });
  }

  /** Checked before every write, since the process may have been suspended. */
  #mustLead(): void {
    if (!this.#options.leads()) throw new Error('another controller leads now');
  }

  #latest(id: string): LiveRule | undefined {
    return this.#writes.latest(id, this.#live.get(id));
  }

  /** Tells compile what became of a rule, and the log the reason of a failure once. */
  #tell(id: string, trouble: string | null): void {
    if ((this.#told.get(id) ?? null) === trouble) return;
    if (trouble === null) this.#told.delete(id);
    else this.#told.set(id, trouble);
    if (trouble !== null && trouble !== '') this.#options.log.warn({ rule: id, reason: trouble }, 'an alert rule has no PrometheusRule');
    const state = trouble === null ? null : { trouble, firing: 0 };
    this.#listener?.changed([{ type: 'alert state', ref: alertStateRef(exportOwner(id)), state }]);
  }
}

function describe({ metadata: { namespace, name } }: { readonly metadata: { readonly namespace: string; readonly name: string } }): string {
  return `PrometheusRule/${namespace}/${name}`;
}

function imageOf(live: LiveRule, manifest: RuleManifest): string {
  return JSON.stringify([manifest, project(live.object, manifest)]);
}
