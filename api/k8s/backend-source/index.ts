// The list of the sources of endpoints that a Backend can have besides fixed addresses. Each is a field of its spec.
import { Type, type Static, type TOptional, type TSchema } from '#lib/typebox.ts';
import type { FieldError } from '../field-error.ts';
import type { BackendSourceOf } from './backend-source.ts';
import { consulSource } from './consul.ts';
import { dnsSource } from './dns.ts';
import { natsSource } from './nats.ts';
import { registeredSource } from './registered.ts';

/** In the order of docs/reference/backends.md. */
export const BACKEND_SOURCES = [dnsSource, consulSource, natsSource, registeredSource] as const;

type Sources = (typeof BACKEND_SOURCES)[number];
/** The name of a source. */
export type BackendSourceName = Sources['source'];
type SourceFields = { [S in Sources as S['source']]: TOptional<S['schema']> };

/** The fields of `Backend.spec`, one for each source. */
export const SOURCE_FIELDS = Object.fromEntries(
  BACKEND_SOURCES.map(({ source, schema }) => [source, Type.Optional(schema)]),
) as unknown as SourceFields;

/** The settings of each source. */
export type SourceSettings = { readonly [S in Sources as S['source']]?: Static<S['schema']> };

/** A source that a Backend uses, with what its descriptor reads from the settings. */
export interface UsedSource {
  readonly source: BackendSourceName;
  readonly settings: unknown;
  readonly secrets: readonly string[];
  /** What is asked, like `dns shop.example.com (A)`. */
  readonly text: string;
  /** Violated rules; fields below the settings. */
  readonly errors: readonly FieldError[];
}

/** The sources that a spec sets: one, if it is valid and has no fixed endpoints. */
export function sourcesIn(spec: SourceSettings): readonly UsedSource[] {
  return BACKEND_SOURCES.flatMap((each) => usedSource(each, spec));
}

function usedSource(descriptor: Sources, spec: SourceSettings): readonly UsedSource[] {
  const settings = spec[descriptor.source];
  if (settings === undefined) return [];
  // The settings below the name of a source are those of its schema.
  const { source, secrets, describe, check } = descriptor as unknown as BackendSourceOf<TSchema>;
  const text = [source, describe(settings)].filter((part) => part !== '').join(' ');
  return [{ source: descriptor.source, settings, text, secrets: secrets(settings), errors: check(settings) }];
}
