// OpenAPI documents in ConfigMaps: their faults, for the statuses of the policies that refer to them.
import { checkDocument, describeFault } from '#api/openapi/document.ts';
import { readConfigMap } from './secret-entry.ts';
import { FAULT, splitId, valueOnly, type UnitKind } from './view.ts';

/** Faults in a message. */
const SHOWN = 4;

/** Key: `ConfigMap/<namespace>/<name>/<key>`. Its value: the faults of the entry as text, '' for none. */
export const documentUnit: UnitKind<string> = {
  name: 'document',
  stage: 'leaf',
  fallback: () => FAULT,
  compile(view, id) {
    const slash = id.lastIndexOf('/');
    const { namespace, name } = splitId(id.slice(0, slash));
    const configMap = readConfigMap(view, namespace, name);
    const text = configMap.ok ? configMap.value.data[id.slice(slash + 1)] : undefined;
    return valueOnly(text === undefined ? '' : faultsOf(text));
  },
};

function faultsOf(text: string): string {
  const faults = checkDocument(text);
  const shown = faults.slice(0, SHOWN).map((fault) => describeFault(text, fault));
  return [...shown, ...(faults.length > SHOWN ? [`${faults.length - SHOWN} further faults`] : [])].join('; ');
}
