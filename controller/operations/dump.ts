// The dump of compiled resources as proxies get them, without private keys and other secrets.
import { compareText } from '#lib/compare-text.ts';
import type { ConsumerCredential, EncodedResource, Resource } from '#api/ir/ir.ts';

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
  if (resource.kind === 'Consumer') return { ...resource, credentials: resource.credentials.map(withoutSecret) };
  return resource.kind === 'Secret' ? { ...resource, privateKey: HIDDEN } : resource;
}

/** A digest of a key that a person chose, or the hash of a password, may be guessed. */
function withoutSecret(credential: ConsumerCredential): object {
  switch (credential.type) {
    case 'ApiKey':
      return { ...credential, digest: HIDDEN };
    case 'Basic':
      return { ...credential, hash: HIDDEN };
    case 'Hmac':
      return { ...credential, secret: HIDDEN };
    default:
      return credential;
  }
}
