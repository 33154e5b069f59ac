// The annotations of one Ingress that have an equivalent, read once.
import type { InputObject } from '../input.ts';
import type { Filter } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import type { Annotations } from './annotations.ts';
import { backendSettings, filtersOf, redirectOf } from './filters.ts';

/** What holds for all rules of an Ingress. */
export interface IngressSettings {
  readonly filters: readonly Filter[];
  /** In place of backends. */
  readonly redirect: Filter | null;
  /** Of the BackendTrafficPolicy. */
  readonly policy: Readonly<Record<string, unknown>>;
  /** As nginx has it: `8m`. */
  readonly bodySize: string | undefined;
  /** A host with a certificate is not served in the clear. */
  readonly toHttps: boolean;
  readonly appRoot: string | undefined;
  readonly aliases: readonly string[];
  /** Whether the host with www, or without, is sent to this one. */
  readonly www: boolean;
  readonly useRegex: boolean;
  /** The annotation rewrite-target. */
  readonly target: string | undefined;
}

/** Reads the annotations. */
export function settingsOf(annotations: Annotations, object: InputObject, plan: Plan): IngressSettings {
  const forced = annotations.isTrue('force-ssl-redirect');
  return {
    filters: filtersOf(annotations),
    redirect: redirectOf(annotations, object, plan),
    policy: backendSettings(annotations, object, plan),
    bodySize: annotations.text('proxy-body-size'),
    toHttps: annotations.text('ssl-redirect') !== 'false' || forced,
    appRoot: annotations.text('app-root'),
    aliases: annotations.list('server-alias'),
    www: annotations.isTrue('from-to-www-redirect'),
    useRegex: annotations.isTrue('use-regex'),
    target: annotations.text('rewrite-target'),
  };
}
