// proxy-body-size: a limit of a location in nginx, of a listener in Weir.
import { formatSize } from '#lib/size.ts';
import type { InputObject } from '../input.ts';
import { WEIR_V1 } from '../manifest.ts';
import type { ParentRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { annotationField } from './annotations.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: 1_048_576, g: 1_073_741_824 };

/** The largest limit of each listener. */
export class BodyLimits {
  readonly #limits = new Map<string, { readonly parent: ParentRef; readonly object: InputObject; bytes: number }>();
  readonly #told = new Set<InputObject>();
  readonly #lost: InputObject[] = [];

  /** Notes the limit of an Ingress for the HTTPS listener of a host. */
  add(size: string | undefined, secured: readonly ParentRef[], object: InputObject): void {
    const bytes = size === undefined ? null : bytesOf(size);
    if (bytes === null) return;
    const parent = secured.findLast(({ sectionName }) => sectionName.startsWith('https'));
    if (parent === undefined) {
      this.#lost.push(object);
      return;
    }
    const key = `${parent.name}/${parent.sectionName}`;
    const known = this.#limits.get(key);
    if (known === undefined) this.#limits.set(key, { parent, object, bytes });
    else known.bytes = known.bytes === 0 || bytes === 0 ? 0 : Math.max(known.bytes, bytes);
  }

  /** Writes a ClientTrafficPolicy for each listener. */
  write(plan: Plan): void {
    for (const object of this.#lost) {
      if (this.#told.has(object)) continue;
      this.#told.add(object);
      const reason = 'the limit is one of a listener in Weir, and hosts without a certificate share theirs';
      const advice = 'write a ClientTrafficPolicy with limits.requestBody for the listener';
      plan.leftOut(object, { field: annotationField('proxy-body-size'), reason, advice });
    }
    for (const { parent, object, bytes } of this.#limits.values()) {
      const { namespace, name, sectionName } = parent;
      const target = { kind: 'Gateway', name, sectionName };
      const metadata = { name: plan.nameFor('ClientTrafficPolicy', namespace, `${name}-${sectionName}`), namespace };
      const spec = { targetRefs: [target], limits: { requestBody: formatSize(bytes) } };
      plan.write(object, { apiVersion: WEIR_V1, kind: 'ClientTrafficPolicy', metadata, spec });
    }
  }
}

/** Bytes of a size of nginx, as 8m; null where it is none. */
function bytesOf(size: string): number | null {
  const [, digits, unit] = /^([0-9]+)([kmg]?)$/.exec(size.trim().toLowerCase()) ?? [];
  return digits === undefined ? null : Number(digits) * (UNITS[unit ?? ''] ?? 1);
}
