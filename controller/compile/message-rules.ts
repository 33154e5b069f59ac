// The rules for gRPC messages of an HTTPPolicy beside the descriptors in a ConfigMap: what these do not have, for the status of the policy.
// Descriptors that a backend tells are known to proxies only.
import { ruleFaults, type MessageRules } from '#api/grpc-messages/rules-check.ts';
import type { DataSetting } from '#api/policy/settings.ts';
import { readDescriptorSet } from '#lib/protobuf/descriptor-set.ts';
import type { UnresolvedReference } from './policy-references.ts';
import { readConfigMap } from './secret-entry.ts';
import { splitId, type View } from './view.ts';

/** Faults in a message. */
const SHOWN = 8;

interface Settings {
  readonly grpcMethods?: { readonly descriptors?: DataSetting };
  readonly grpcMessages?: MessageRules & { readonly descriptors?: DataSetting };
}

/** Descriptors that cannot be read, and names in rules that they do not have. A reference that does not resolve is none of these. */
export function descriptorFaults(view: View, { grpcMethods, grpcMessages }: Settings): readonly UnresolvedReference[] {
  return [
    ...faultsOf(view, 'grpcMethods', grpcMethods?.descriptors, {}),
    ...faultsOf(view, 'grpcMessages', grpcMessages?.descriptors, grpcMessages ?? {}),
  ];
}

function faultsOf(view: View, group: string, reference: DataSetting | undefined, rules: MessageRules): readonly UnresolvedReference[] {
  const bytes = reference === undefined ? null : entryOf(view, reference);
  if (reference === undefined || bytes === null) return [];
  const schema = readDescriptorSet(bytes);
  const reason = 'InvalidDocument';
  if (!schema.ok) {
    const message = `entry ${reference.key} of ${reference.data}: ${schema.error}`;
    return [{ field: `${group}.descriptors`, reason, message }];
  }
  return ruleFaults(schema.value, rules)
    .slice(0, SHOWN)
    .map((fault) => ({ field: `${group}.${fault.field}`, reason, message: fault.reason }));
}

/** Null: there is no such entry. */
function entryOf(view: View, { data: id, key }: DataSetting): Buffer | null {
  if (!id.startsWith('ConfigMap/')) return null;
  const { namespace, name } = splitId(id);
  const configMap = readConfigMap(view, namespace, name);
  if (!configMap.ok) return null;
  const { data, binaryData } = configMap.value;
  if (Object.hasOwn(binaryData, key)) return Buffer.from(binaryData[key] ?? '', 'base64');
  return Object.hasOwn(data, key) ? Buffer.from(data[key] ?? '') : null;
}
