// Whether a program takes an object from a source outside of the cluster: a change in the cluster would not last, or break its next release.
import { isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { memberOf } from '#lib/json-value.ts';

/** The owner of an object. */
export interface GitOpsOwner {
  readonly tool: 'Argo CD' | 'Flux' | 'Helm';
  /** What the object is part of: the Application, the Kustomization or HelmRelease, the release; '' if it is not known. */
  readonly name: string;
}

/** What identifies an owner: a label or annotation that it writes, or its name as a field manager. */
interface Mark {
  readonly tool: GitOpsOwner['tool'];
  /** The name in the marks of the object; null if the object has none. */
  readonly nameIn: (labels: Texts, annotations: Texts) => string | null;
  readonly managers: readonly string[];
}

type Texts = Readonly<Record<string, string>>;

const ARGO = 'argocd.argoproj.io';
const FLUX = 'toolkit.fluxcd.io';
const HELM = 'meta.helm.sh';

/** In the order of precedence: Flux and Argo CD also install charts. */
const MARKS: readonly Mark[] = [
  {
    tool: 'Flux',
    nameIn: (labels) => scoped(labels, `kustomize.${FLUX}`) ?? scoped(labels, `helm.${FLUX}`),
    managers: ['kustomize-controller', 'helm-controller'],
  },
  {
    tool: 'Argo CD',
    // APPLICATION:GROUP/KIND:NAMESPACE/NAME, or the label of earlier releases.
    nameIn: (labels, annotations) => annotations[`${ARGO}/tracking-id`]?.split(':', 1)[0] ?? labels[`${ARGO}/instance`] ?? null,
    managers: ['argocd-controller', 'argocd-application-controller'],
  },
  {
    tool: 'Helm',
    nameIn: (_labels, annotations) => scoped(annotations, HELM, 'release-name', 'release-namespace'),
    managers: ['helm'],
  },
];
const HELM_LABEL = 'app.kubernetes.io/managed-by';
/** The label by which Argo CD tracks objects unless it is told otherwise. Other programs write it too, so it only adds a name. */
const INSTANCE_LABEL = 'app.kubernetes.io/instance';

/** The owner of an object, by its labels, annotations and field managers; null if there is none. */
export function gitOpsOwner(object: JsonObject): GitOpsOwner | null {
  const metadata = memberOf(object, 'metadata');
  if (!isObject(metadata)) return null;
  const [labels, annotations] = [textsOf(metadata['labels']), textsOf(metadata['annotations'])];
  for (const { tool, nameIn } of MARKS) {
    const name = nameIn(labels, annotations);
    if (name !== null) return { tool, name };
  }
  const managers = managersOf(metadata['managedFields']);
  const mark = MARKS.find((each) => each.managers.some((manager) => managers.has(manager)));
  if (mark !== undefined) return { tool: mark.tool, name: labels[INSTANCE_LABEL] ?? '' };
  return labels[HELM_LABEL] === 'Helm' ? { tool: 'Helm', name: labels[INSTANCE_LABEL] ?? '' } : null;
}

/** `NAMESPACE/NAME` of two marks with the same prefix; null without the name. */
function scoped(texts: Texts, prefix: string, name = 'name', namespace = 'namespace'): string | null {
  const own = texts[`${prefix}/${name}`];
  if (own === undefined) return null;
  const scope = texts[`${prefix}/${namespace}`];
  return scope === undefined ? own : `${scope}/${own}`;
}

function textsOf(value: JsonValue | undefined): Texts {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** The managers of fields besides those of subresources. */
function managersOf(managedFields: JsonValue | undefined): ReadonlySet<string> {
  const entries = isList(managedFields) ? managedFields.filter((entry) => isObject(entry)) : [];
  return new Set(entries.filter(({ subresource }) => (subresource ?? '') === '').map(({ manager }) => String(manager)));
}
