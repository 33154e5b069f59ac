// One instance of a service as a registry describes it. Its text is not trusted: each part has a type and a limit.
import { isIP } from 'node:net';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { Endpoint } from '#api/ir/ir.ts';
import type { SourceTrouble } from '../watch/found.ts';

/** A usable instance. */
export interface Instance {
  readonly address: string;
  readonly port: number;
  /** Share of the requests; 1 is usual. 0: the instance gets none. */
  readonly weight: number;
  readonly zone?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The parts of an instance as received. Numbers may be text. */
export interface RawInstance {
  readonly address: unknown;
  readonly port: unknown;
  readonly weight?: unknown;
  readonly zone?: unknown;
  readonly labels?: unknown;
}

/** How many instances one Backend may have. */
export const MAX_INSTANCES = 2_000;

const MAX_WEIGHT = 65_535;
const MAX_LABELS = 64;
const MAX_LABEL_KEY = 128;
const MAX_TEXT = 256;

/** Checks an instance. The reason completes "instance X ...". */
export function makeInstance(raw: RawInstance): Result<Instance> {
  const { address, zone, labels = {} } = raw;
  const port = integerOf(raw.port, 1, 65_535);
  const weight = integerOf(raw.weight ?? 1, 0, MAX_WEIGHT);
  if (!isAddress(address)) return err('has no IP address');
  if (port === null) return err('has no port from 1 to 65535');
  if (weight === null) return err(`has a weight that is not an integer from 0 to ${MAX_WEIGHT}`);
  if (!areLabels(labels)) return err(`has labels that are not up to ${MAX_LABELS} short texts`);
  return ok({ address, port, weight, ...(isText(zone) && zone !== '' ? { zone } : {}), labels });
}

/** The largest weight of an endpoint. */
const MAX_ENDPOINT_WEIGHT = 1_000;

/** The instances as endpoints, without those of weight 0. Larger weights are scaled down together. */
export function endpointsOf(instances: readonly Instance[]): readonly Endpoint[] {
  const scale = Math.max(1, ...instances.map(({ weight }) => weight / MAX_ENDPOINT_WEIGHT));
  return instances
    .filter(({ weight }) => weight > 0)
    .map(({ address, port, weight, zone, labels }) => ({
      address,
      port,
      draining: false,
      ...(weight === 1 && scale === 1 ? {} : { weight: Math.max(1, Math.round(weight / scale)) }),
      ...(zone === undefined ? {} : { zone }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    }));
}

/** Endpoints as instances again. */
export function instancesFrom(endpoints: readonly Endpoint[]): readonly Instance[] {
  return endpoints.map(({ address, port, weight = 1, zone, labels = {} }) => ({
    address,
    port,
    weight,
    labels,
    ...(zone === undefined ? {} : { zone }),
  }));
}

/** The trouble of instances that cannot be used; null if there are none. It names one, the same as long as the set is the same. */
export function leftOutTrouble(leftOut: readonly string[]): SourceTrouble | null {
  const [first] = [...leftOut].sort();
  if (first === undefined) return null;
  const others = leftOut.length > 1 ? ', and others too' : '';
  return { reason: 'InvalidInstances', message: `instance ${first}${others}; such instances are not used` };
}

/** An object of JSON, or undefined. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** A number, perhaps as text; null if it is no integer within the bounds. */
function integerOf(value: unknown, least: number, most: number): number | null {
  const number = typeof value === 'string' && /^[0-9]{1,9}$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= least && (number as number) <= most ? (number as number) : null;
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && isIP(value) !== 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function areLabels(value: unknown): value is Readonly<Record<string, string>> {
  const entries = Object.entries(objectOf(value) ?? { '': null });
  return entries.length <= MAX_LABELS && entries.every(([key, text]) => key !== '' && key.length <= MAX_LABEL_KEY && isText(text));
}
