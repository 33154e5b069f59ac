// The status plane of `weir controller`, the way of a status to the cluster: what compile wants > what proxies serve made true in it >
// what they refuse of what it refers to > what cannot be read > written. Events are told on the way.
import type { EncodedResource } from '#api/ir/ir.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { Component } from '#lib/lifecycle.ts';
import type { Log } from '#lib/log.ts';
import type { CompileDelta } from './compile/result.ts';
import type { ControllerConfig } from './config.ts';
import { referencesOf } from './push/references.ts';
import { EventWriter } from './status/event-writer.ts';
import { FleetState } from './status/fleet-state.ts';
import { refusalEvent } from './status/nack-event.ts';
import { Programmed } from './status/programmed.ts';
import { Readability } from './status/readability.ts';
import { RefusedReferences } from './status/refused-references.ts';
import { StatusWriter } from './status/writer.ts';
import type { WriteResult } from './status/writer.ts';
import type { ApiClient } from './watch/api-client.ts';
import type { KubernetesSource } from './watch/kubernetes.ts';

export interface StatusPlaneOptions {
  readonly config: Pick<ControllerConfig, 'controllerName' | 'identity'>;
  readonly client: ApiClient;
  readonly source: Pick<KubernetesSource, 'live' | 'isConnected'>;
  /** Everything that should be served now. */
  readonly resources: () => Iterable<EncodedResource>;
  /** Asked before every write. */
  readonly leads: () => boolean;
  /** Told of every write: metrics. */
  readonly wrote: (kind: string, result: WriteResult) => void;
  readonly log: Log;
}

export class StatusPlane {
  /** What proxies tell. */
  readonly fleet = new FleetState();
  readonly programmed: Programmed;
  readonly references: RefusedReferences;
  readonly readability: Readability;
  readonly writer: StatusWriter;
  readonly events: EventWriter;
  /** What was refused while nobody led has been told to nobody. */
  readonly refusals: Component = { resume: () => this.fleet.refusals().forEach((refusal) => this.events.report(refusalEvent(refusal))) };

  constructor({ config, client, source, resources, leads, wrote, log }: StatusPlaneOptions) {
    const { controllerName, identity: instance } = config;
    const { live } = source;
    const uidOf = (ref: ObjectRef) => live.get(ref)?.uid ?? '';
    this.events = new EventWriter({ client, uidOf, controllerName, instance, leads, log });
    this.writer = new StatusWriter({ client, live, controllerName, leads, log, wrote });
    this.readability = new Readability({
      target: this.writer,
      report: (event) => this.events.report(event),
      isConnected: () => source.isConnected(),
    });
    this.references = new RefusedReferences({
      target: this.readability,
      resources,
      wantsOf: (resource) => referencesOf(resource).wants,
    });
    this.programmed = new Programmed(this.fleet, this.references);
    this.#listen(log);
  }

  /** Takes what a batch compiled to. To be called before the resources go out: proxies may ack at once. */
  apply(delta: CompileDelta): void {
    this.fleet.apply(delta);
    this.references.changed(delta);
    this.programmed.write(delta.statuses, delta.forgotten);
  }

  #listen(log: Log): void {
    this.fleet.onChange({
      progressed: (listener) => this.programmed.progressed(listener),
      proxiesChanged: (gateway) => this.programmed.proxiesChanged(gateway),
      refused: (kind, key, refusal) => {
        this.programmed.refused(kind, key, refusal);
        this.references.refused(kind, key, refusal);
        if (refusal === null) return;
        log.warn({ ...refusal }, 'a proxy refuses a resource');
        this.events.report(refusalEvent(refusal));
      },
    });
  }
}
