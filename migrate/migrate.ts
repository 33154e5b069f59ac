// `weir migrate`: objects of other gateways > Gateway API and Weir's own kinds.
import { gatewayApi } from './gateway-api/gateway-api.ts';
import { envoyGateway } from './envoy-gateway/envoy-gateway.ts';
import { ingressNginx } from './ingress/ingress.ts';
import type { Input } from './input.ts';
import type { Manifest } from './manifest.ts';
import type { Note } from './note.ts';
import { Plan } from './plan.ts';
import type { MigrateOptions } from './plan.ts';
import type { Source } from './source.ts';
import { traefik } from './traefik/traefik.ts';

/** Every source, in the order in which their objects are written. */
export const SOURCES: readonly Source[] = [ingressNginx, traefik, envoyGateway, gatewayApi];

/** The outcome of a run. */
export interface Migrated {
  readonly manifests: readonly Manifest[];
  /** By place. */
  readonly notes: readonly Note[];
  /** Kinds that belong to no source, with the number of their objects: they stay as they are. */
  readonly others: ReadonlyMap<string, number>;
}

/** Converts everything that the given sources own. */
export function migrate(input: Input, options: MigrateOptions, sources: readonly Source[] = SOURCES): Migrated {
  const plan = new Plan(input.objects, options);
  plan.notes.push(...input.notes);
  for (const source of sources)
    source.convert(
      input.objects.filter((object) => source.owns(object)),
      plan,
    );
  const rest = input.objects.filter((object) => !sources.some((source) => source.owns(object)));
  const others = new Map([...Map.groupBy(rest, ({ kind }) => kind)].map(([kind, { length }]) => [kind, length]));
  const notes = plan.notes.toSorted((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line);
  return { manifests: plan.manifests(), notes, others };
}
