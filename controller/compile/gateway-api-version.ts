// The installed release of the Gateway API, from the annotations of its CRDs, and whether this version of Weir supports it.
import type { CustomResourceDefinition } from '#api/k8s/k8s.ts';
import { BUNDLE_CHANNEL, BUNDLE_VERSION, GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { classVersionNotSupported, classVersionSupported } from './conditions.ts';
import type { DesiredCondition } from './result.ts';
import type { View } from './view.ts';

/** The minor releases of version 1 that Weir is tested with. */
const OLDEST = 5;
const NEWEST = 6;
const RELEASE = /^v1\.(\d+)\.\d+$/;

/** The version condition of a GatewayClass; empty if the CRDs are unknown. Missing CRDs are reported in the log instead. */
export function versionConditions(view: View, generation: number): DesiredCondition[] {
  const definitions = view.list('definitionsByGroup', GATEWAY_GROUP);
  if (definitions.length === 0) return [];
  const strange = definitions.filter((definition) => !isKnown(definition));
  if (strange.length === 0) {
    return [classVersionSupported(generation, [...new Set(definitions.map(releaseOf))].sort().join(', '))];
  }
  const found = strange.map((definition) => `${definition.metadata.name.slice(0, -GATEWAY_GROUP.length - 1)} of ${releaseOf(definition)}`);
  const message = `Weir supports Gateway API 1.${OLDEST} to 1.${NEWEST}; other releases may work in part: ${found.join(', ')}`;
  return [classVersionNotSupported(generation, message)];
}

function isKnown({ metadata: { annotations = {} } }: CustomResourceDefinition): boolean {
  const minor = Number(RELEASE.exec(annotations[BUNDLE_VERSION] ?? '')?.[1]);
  return minor >= OLDEST && minor <= NEWEST;
}

function releaseOf({ metadata: { annotations = {} } }: CustomResourceDefinition): string {
  const { [BUNDLE_VERSION]: version, [BUNDLE_CHANNEL]: channel } = annotations;
  if (version === undefined) return 'an unknown release';
  return channel === undefined ? version : `${version} (${channel})`;
}
