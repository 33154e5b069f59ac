// Documents in ConfigMaps: their faults, for the statuses of the policies that refer to them.
import { readDescriptors } from '#api/grpc-json/descriptors.ts';
import type { ConfigMap } from '#api/k8s/k8s.ts';
import type { EntryContent } from '#api/k8s/policy-reference.ts';
import { checkDocument, describeFault } from '#api/openapi/document.ts';
import { readConfigMap } from './secret-entry.ts';
import { FAULT, splitId, valueOnly, type UnitKind } from './view.ts';

/** Faults in a message. */
const SHOWN = 4;

/** Key: `<content>/ConfigMap/<namespace>/<name>/<key>`. Its value: the faults of the entry as text, '' for none. */
export const documentUnit: UnitKind<string> = {
  name: 'document',
  stage: 'leaf',
  fallback: () => FAULT,
  compile(view, id) {
    const [first, last] = [id.indexOf('/'), id.lastIndexOf('/')];
    const { namespace, name } = splitId(id.slice(first + 1, last));
    const configMap = readConfigMap(view, namespace, name);
    const bytes = configMap.ok ? bytesOf(configMap.value, id.slice(last + 1)) : null;
    return valueOnly(bytes === null ? '' : described(faultsOf(id.slice(0, first) as EntryContent, bytes)));
  },
};

/** Null: there is no such entry. */
function bytesOf({ data, binaryData }: ConfigMap, key: string): Buffer | null {
  if (Object.hasOwn(data, key)) return Buffer.from(data[key] ?? '');
  return Object.hasOwn(binaryData, key) ? Buffer.from(binaryData[key] ?? '', 'base64') : null;
}

function faultsOf(content: EntryContent, bytes: Buffer): readonly string[] {
  if (content === 'descriptors') {
    const read = readDescriptors(bytes);
    return read.ok ? [] : read.error;
  }
  const text = bytes.toString('utf8');
  return checkDocument(text).map((fault) => describeFault(text, fault));
}

function described(faults: readonly string[]): string {
  const shown = faults.slice(0, SHOWN);
  return [...shown, ...(faults.length > SHOWN ? [`${faults.length - SHOWN} further faults`] : [])].join('; ');
}
