// References in the settings of policies: to entries of Secrets and ConfigMaps, and to backends. A setting is marked here as a reference;
// compile resolves all references in the same way (controller/compile/policy-references.ts).
import { Type } from '#lib/typebox.ts';
import { backendFields, type BackendObjectReference } from './reference.ts';
import { closed, DnsLabel, DnsName } from './schema.ts';

// Keywords that JSON Schema does not define; schema checkers ignore them.
//   ~reference   `data` for an entry of a Secret or ConfigMap, `backend` for a Service or Backend
//   ~content     what an entry must be: `openapi` for an OpenAPI document, `descriptors` for a FileDescriptorSet
//   ~otherwise   what holds without an optional part of a reference, for the documentation

/** The kinds of references. */
export type ReferenceType = 'data' | 'backend';

/** The name of an object, and its namespace if that is not the namespace of the policy. */
export interface NamedObject {
  readonly name: string;
  readonly namespace?: string;
}

/** What an entry must be. */
export type EntryContent = 'openapi' | 'descriptors';

/** A reference to an entry as its author writes it; one of `secretRef`, `configMapRef` and `name` is set. */
export interface DataObjectReference {
  /** Of a ConfigMap. */
  readonly name?: string;
  readonly namespace?: string;
  readonly secretRef?: NamedObject;
  readonly configMapRef?: NamedObject;
  readonly key: string;
}

/** The brands distinguish references from groups in types: as a setting, a reference has its normalised form. */
export type DataReferenceText = DataObjectReference & { readonly '~reference': 'data' };
export type BackendReferenceText = BackendObjectReference & { readonly '~reference': 'backend' };

const OTHERWISE = 'the namespace of the policy';

function objectRef(kind: string) {
  const name = Type.String({ ...DnsName, description: `The name of the ${kind}.` });
  const namespace = Type.String({
    ...DnsLabel,
    description: `The namespace of the ${kind}. Another one than that of the policy needs a ReferenceGrant there.`,
    '~otherwise': OTHERWISE,
  });
  return closed({ name, namespace: Type.Optional(namespace) }, { description: `The ${kind}.` });
}

const KEY_FORM = 'letters, digits, "-", "_" and "."';
const key = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^[-._a-zA-Z0-9]+$',
  description: 'The name of the entry in its data.',
  '~must': KEY_FORM,
});

/** An entry of a Secret of any type. */
export function secretKey(description: string) {
  return Type.Optional(requiredSecretKey(description));
}

/** The same for a group that makes no sense without it. */
export function requiredSecretKey(description: string) {
  const schema = { ...closed({ secretRef: objectRef('Secret'), key }, { description }), '~reference': 'data' };
  return Type.Unsafe<DataReferenceText>(schema);
}

/** An entry of a ConfigMap. */
export function configMapKey(description: string, content?: EntryContent) {
  const keywords = { '~reference': 'data', ...(content === undefined ? {} : { '~content': content }) };
  const schema = { ...closed({ configMapRef: objectRef('ConfigMap'), key }, { description }), ...keywords };
  return Type.Optional(Type.Unsafe<DataReferenceText>(schema));
}

/** An entry of a ConfigMap that is a document, in the form of references of the Gateway API. */
export function documentKey(description: string, content: EntryContent) {
  const { name, namespace } = objectRef('ConfigMap').properties;
  const kind = Type.Optional(Type.Enum(['ConfigMap'], { description: 'The kind of the object.', '~otherwise': 'ConfigMap' }));
  const schema = { ...closed({ kind, name, namespace, key }, { description }), '~reference': 'data', '~content': content };
  return Type.Optional(Type.Unsafe<DataReferenceText>(schema));
}

/** The rule of `dataKey`. */
export const ONE_OBJECT = 'must have either secretRef or configMapRef';

/** An entry of a Secret or of a ConfigMap. */
export function dataKey(description: string) {
  const rules = [{ rule: 'has(self.secretRef) != has(self.configMapRef)', message: ONE_OBJECT }];
  const fields = { secretRef: Type.Optional(objectRef('Secret')), configMapRef: Type.Optional(objectRef('ConfigMap')), key };
  const schema = { ...closed(fields, { description, 'x-kubernetes-validations': rules }), '~reference': 'data' };
  return Type.Optional(Type.Unsafe<DataReferenceText>(schema));
}

/** A port of a Service, or a Backend: where the proxy itself sends requests. */
export function backend(description: string) {
  const { group, kind, name, port } = backendFields;
  const fields = {
    group: Type.String({ ...group, description: 'The API group of the backend: empty for a Service, gateway.weir.dev for a Backend.' }),
    kind: Type.String({ ...kind, description: 'The kind of the backend.' }),
    namespace: Type.Optional(
      Type.String({
        ...DnsLabel,
        description: 'The namespace of the backend. Another one than that of the policy needs a ReferenceGrant there.',
        '~otherwise': OTHERWISE,
      }),
    ),
    name: Type.String({ ...name, description: 'The name of the backend.' }),
    port: Type.Optional(Type.Integer({ ...port, description: 'The port of a Service.', '~otherwise': 'required for a Service' })),
  };
  return Type.Optional(Type.Unsafe<BackendReferenceText>({ ...closed(fields, { description }), '~reference': 'backend' }));
}
