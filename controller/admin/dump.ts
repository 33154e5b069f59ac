// The dump of compiled resources as proxies get them, without private keys and other secrets.
import { compareText } from '#lib/compare-text.ts';
import type { EncodedResource, Resource } from '#api/ir/ir.ts';

const HIDDEN = '(not shown)';

/** All resources with their versions, sorted by kind and key. */
export function dumpResources(resources: Iterable<EncodedResource>): readonly object[] {
  return [...resources]
    .sort((a, b) => (a.kind === b.kind ? compareText(a.key, b.key) : compareText(a.kind, b.kind)))
    .map(({ version, body }) => ({ version, ...withoutKeys(JSON.parse(body.toString()) as Resource) }));
}

function withoutKeys(resource: Resource): object {
  if (resource.kind === 'SessionKeys') return { ...resource, keys: resource.keys.map(() => HIDDEN) };
  if (resource.kind === 'Challenge') return { ...resource, answer: { type: resource.answer.type } };
  if (resource.kind === 'ObjectData')
    return { ...resource, data: Object.fromEntries(Object.keys(resource.data).map((key) => [key, HIDDEN])) };
  return resource.kind === 'Secret' ? { ...resource, privateKey: HIDDEN } : resource;
}
