// Kinds as users write them: HTTPRoute, httproute, httproutes.
import { KINDS, type KindInfo } from '#api/k8s/kinds.ts';
import { nearest } from '#lib/nearest.ts';
import { UsageError } from '../command.ts';

/** Names that kubectl knows too. */
const SHORT: Readonly<Record<string, string>> = {
  gtw: 'Gateway',
  gc: 'GatewayClass',
  svc: 'Service',
  cm: 'ConfigMap',
  ns: 'Namespace',
  crd: 'CustomResourceDefinition',
};

/** The kind of a word. Throws a UsageError with the nearest one if there is none. */
export function kindNamed(word: string): KindInfo {
  const small = word.toLowerCase();
  const kinds: readonly KindInfo[] = Object.values(KINDS);
  const found = kinds.find(({ kind, plural }) => small === kind.toLowerCase() || small === plural || SHORT[small] === kind);
  if (found !== undefined) return found;
  const names = kinds.map(({ kind }) => kind);
  const meant = nearest(word, names);
  throw new UsageError(
    `no kind ${JSON.stringify(word)}${meant === null ? `; the kinds are: ${names.join(', ')}` : `; did you mean ${meant}?`}`,
  );
}

/** The namespace in paths of kinds without namespaces. */
const NO_NAMESPACE = '-';

/** The path of an object: NAME in a namespace, or NAMESPACE/NAME. */
export function pathOf({ kind, namespaced }: KindInfo, word: string, namespace: string) {
  const [first = '', second, ...rest] = word.split('/');
  if (first === '' || second === '' || rest.length > 0) throw new UsageError(`${JSON.stringify(word)} is neither NAME nor NAMESPACE/NAME`);
  if (!namespaced && second !== undefined) throw new UsageError(`${kind} has no namespaces: take ${second}`);
  if (!namespaced) return { kind, namespace: NO_NAMESPACE, name: first };
  return second === undefined ? { kind, namespace, name: first } : { kind, namespace: first, name: second };
}
