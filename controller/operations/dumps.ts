// The content of this controller now: compiled resources without secrets, the push streams of proxies, statuses, and lookups of endpoints.
import { Type, type Static } from '#lib/typebox.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { closed } from '#api/k8s/schema.ts';
import { compareText } from '#lib/compare-text.ts';
import { ok } from '#lib/result.ts';
import { dumpResources } from './dump.ts';
import { operation, type Operation } from './operation.ts';

/** The sources of the dumps, read at each request. */
export interface DumpParts {
  readonly resources: () => Iterable<EncodedResource>;
  /** The push streams of the proxies of this controller. */
  readonly sessions: () => readonly object[];
  readonly statuses: () => Iterable<ShownStatus>;
  readonly lookups: () => readonly { readonly owner: string }[];
}

/** The status of an object. */
export interface ShownStatus {
  /** KIND/NAMESPACE/NAME. */
  readonly object: string;
  readonly status: object;
}

const ResourcesInput = closed({
  kind: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  /** The beginning of the key. */
  prefix: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
});

/** `GET /resources`, `GET /sessions`, `GET /statuses` and `GET /discovery`. */
export function dumpOperations({ resources, sessions, statuses, lookups }: DumpParts): readonly Operation[] {
  return [
    operation('GET /resources', ResourcesInput, (input) => Promise.resolve(ok(dumpResources(chosen(resources(), input))))),
    operation('GET /sessions', closed({}), () => Promise.resolve(ok(sessions()))),
    operation('GET /statuses', closed({}), () => Promise.resolve(ok([...statuses()]))),
    operation('GET /discovery', closed({}), () => Promise.resolve(ok([...lookups()].sort((a, b) => compareText(a.owner, b.owner))))),
  ];
}

function* chosen(resources: Iterable<EncodedResource>, input: Static<typeof ResourcesInput>): Iterable<EncodedResource> {
  const { kind: wanted, prefix = '' } = input;
  for (const resource of resources) {
    const { kind, key } = resource;
    if ((wanted === undefined || kind === wanted) && key.startsWith(prefix)) yield resource;
  }
}
