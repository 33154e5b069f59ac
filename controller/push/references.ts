// The names under which resources are needed, and the names that they need themselves. Scopes are made of these.
//
//     Gateway <─ Listener <─ Route, StreamRoute <─ Cluster <─ Endpoints
//                   │                                └────── TrustBundle
//                   └── Secret, TrustBundle, SessionKeys
//                         └── Challenge
//     Policy, needed for each of its targets <─ ObjectData, Cluster
//
// An arrow points to the resource that needs the other. The policies of two backends may refer to each other (loops.ts). The descriptors of the kinds (api/ir) read the names.
import { encodeResource, resourceKind } from '#api/ir/ir.ts';
import type { EncodedResource, References, Resource } from '#api/ir/ir.ts';

/** Reads the references of a resource. The bodies of kinds whose keys have the references are not parsed. */
export function referencesOf({ kind, key, body }: EncodedResource): References {
  const { references } = resourceKind(kind);
  return references.from === 'key' ? references.read(key) : references.read(parse(body));
}

/** The resource without references to invisible names; the same object if its kind has none to restrict. */
export function restrict(encoded: EncodedResource, isVisible: (name: string) => boolean): EncodedResource {
  const { restrict: withVisible } = resourceKind(encoded.kind);
  return withVisible === undefined ? encoded : encodeResource(withVisible(parse(encoded.body), isVisible));
}

function parse(body: Buffer): Resource {
  return JSON.parse(body.toString()) as Resource;
}
