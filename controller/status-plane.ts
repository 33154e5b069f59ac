// The status plane of `weir controller`: statuses flow from compile to the cluster, and each step corrects them: acks of proxies >
// refused references > unreadable kinds > writer. The steps also write Events.
import type { EncodedResource } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { Faults } from '#lib/faults.ts';
import type { Component } from '#lib/lifecycle.ts';
import type { Log } from '#lib/log.ts';
import type { DesiredStatus, Handover, UnitFault } from './compile/result.ts';
import type { ControllerConfig } from './config.ts';
import type { Leftover } from './outlet.ts';
import { referencesOf } from './push/references.ts';
import { EventWriter } from './status/event-writer.ts';
import type { EventReport } from './status/event-writer.ts';
import { faultEvents } from './status/fault-event.ts';
import { ProxyReports } from './status/proxy-reports.ts';
import { refusalEvent } from './status/nack-event.ts';
import { PairEvents } from './status/pair-events.ts';
import { Programmed } from './status/programmed.ts';
import { Readability } from './status/readability.ts';
import { RefusedReferences } from './status/refused-references.ts';
import { backendEvents } from './status/backend-event.ts';
import { sourceEvent } from './status/source-event.ts';
import { StatusWriter } from './status/writer.ts';
import type { WriteResult } from './status/writer.ts';
import type { ApiClient } from './watch/api-client.ts';
import type { SourceTrouble } from './watch/found.ts';
import type { KubernetesSource } from './watch/kubernetes.ts';

export interface StatusPlaneOptions {
  readonly config: Pick<ControllerConfig, 'controllerName' | 'identity'>;
  readonly client: ApiClient;
  readonly source: Pick<KubernetesSource, 'live' | 'isConnected'>;
  /** All current resources, and the units that failed to compile because of a bug. */
  readonly compiled: {
    readonly resources: () => Iterable<EncodedResource>;
    readonly statuses: () => Iterable<DesiredStatus>;
    readonly faulty: () => Iterable<UnitFault>;
    /** '' for an object that is not known. */
    readonly uidOf: (ref: ObjectRef) => string;
  };
  /** The troubles of sources of endpoints, by owner. */
  readonly sourceTroubles: () => ReadonlyMap<string, SourceTrouble>;
  /** Whether this controller leads; called before every write. */
  readonly leads: () => boolean;
  /** Called after every write, for metrics. */
  readonly wrote: (kind: string, result: WriteResult) => void;
  readonly faults: Faults;
  readonly log: Log;
}

export class StatusPlane {
  /** The versions that proxies serve and refuse. */
  readonly reports = new ProxyReports();
  readonly programmed: Programmed;
  readonly references: RefusedReferences;
  readonly readability: Readability;
  readonly writer: StatusWriter;
  readonly events: EventWriter;
  /** Writes the Events that are due when this controller becomes the leader. */
  readonly missedEvents: Component = { resume: () => this.#tellAgain() };
  readonly #faults: Faults;
  readonly #compiled: StatusPlaneOptions['compiled'];
  readonly #pairs: PairEvents;
  readonly #sourceTroubles: StatusPlaneOptions['sourceTroubles'];

  constructor({ config, client, source, compiled, sourceTroubles, leads, wrote, faults, log }: StatusPlaneOptions) {
    const { controllerName, identity: instance } = config;
    const { live } = source;
    const { resources } = compiled;
    this.#faults = faults;
    this.#compiled = compiled;
    this.#sourceTroubles = sourceTroubles;
    const uidOf = (ref: ObjectRef) => live.get(ref)?.uid ?? compiled.uidOf(ref);
    this.events = new EventWriter({ client, uidOf, controllerName, instance, leads, log });
    this.writer = new StatusWriter({ client, live, controllerName, leads, log, wrote, faults });
    this.readability = new Readability({
      target: this.writer,
      report: (event) => this.events.report(event),
      isConnected: () => source.isConnected(),
      guard: faults,
    });
    const needsOf = (resource: EncodedResource) => referencesOf(resource).needs;
    this.references = new RefusedReferences({ target: this.readability, resources, needsOf });
    this.#pairs = new PairEvents({ resources, needsOf });
    this.programmed = new Programmed(this.reports, this.references, { guard: faults });
    this.#listen(log);
  }

  /**
   * Takes the delta of a batch. Must run before the resources are pushed, since proxies may ack at once. Returns the statuses that failed
   * because of a bug.
   */
  apply(delta: Handover): Leftover {
    this.reports.apply(delta);
    this.references.changed(delta);
    this.#faults.guard('events', () => this.#report([...this.#pairs.changed(delta), ...backendEvents(delta.statuses)]));
    const { statuses, forgotten } = delta;
    if (this.#faults.guard('statuses', () => this.programmed.write(statuses, forgotten))) return {};
    return {
      statuses: this.#faults.each('statuses', statuses, (status) => this.programmed.write([status], []), objectOf),
      forgotten: this.#faults.each(
        'statuses',
        forgotten,
        (ref) => this.programmed.write([], [ref]),
        (ref) => ({ object: objectId(ref) }),
      ),
    };
  }

  /** Takes the units that failed to compile because of a bug. */
  faulted(faults: readonly UnitFault[]): void {
    for (const fault of faults) this.#report(faultEvents(fault));
  }

  /** Takes the trouble of a source of endpoints; null at its end. A Backend has it in its conditions too. */
  sourceTroubled(owner: string, trouble: SourceTrouble | null): void {
    if (trouble !== null) this.events.report(sourceEvent(owner, trouble));
  }

  #report(events: readonly EventReport[]): void {
    for (const event of events) this.events.report(event);
  }

  #tellAgain(): void {
    for (const refusal of this.reports.refusals()) this.events.report(refusalEvent(refusal));
    this.faulted([...this.#compiled.faulty()]);
    this.#report(this.#pairs.all());
    this.#report(backendEvents(this.#compiled.statuses()));
    for (const [owner, trouble] of this.#sourceTroubles()) this.sourceTroubled(owner, trouble);
  }

  #listen(log: Log): void {
    const tell = (call: () => void) => void this.#faults.guard('statuses', call);
    this.reports.onChange({
      progressed: (listener) => tell(() => this.programmed.progressed(listener)),
      proxiesChanged: (gateway) => tell(() => this.programmed.proxiesChanged(gateway)),
      refused: (kind, key, refusal) => {
        tell(() => this.programmed.refused(kind, key, refusal));
        tell(() => this.references.refused(kind, key, refusal));
        if (refusal === null) return;
        log.warn({ ...refusal }, 'a proxy refuses a resource');
        tell(() => this.events.report(refusalEvent(refusal)));
      },
    });
  }
}

function objectOf({ ref }: DesiredStatus): object {
  return { object: objectId(ref) };
}
