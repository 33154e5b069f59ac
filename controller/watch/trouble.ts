// What whoever runs Weir is told of a kind that cannot be followed: what is wrong, and what to do.
import { groupOf } from '#api/k8s/kinds.ts';
import type { KindInfo } from '#api/k8s/kinds.ts';
import type { InformerProblem } from './informer.ts';

/** A kind that cannot be followed now. What is known of it is served on. */
export interface WatchTrouble {
  readonly problem: InformerProblem;
  /** A sentence with kind, verb, resource and API group, and the rule that is missing or what to install. */
  readonly message: string;
  /** False where nothing is wrong without the kind: the log and the metric tell of it and nothing else. */
  readonly matters: boolean;
}

/** Who is told of a kind that cannot be followed, or (null) can be again. */
export type TroubleListener = (kind: string, trouble: WatchTrouble | null) => void;

/** The sentence. `install` says how the API server comes to know the kind. */
export function describeProblem(api: Pick<KindInfo, 'apiVersion' | 'kind' | 'plural'>, install: string, problem: InformerProblem): string {
  switch (problem.type) {
    case 'absent':
      return `the API server does not know ${api.kind} of ${api.apiVersion}: ${install}; it is looked for again and again`;
    case 'forbidden': {
      const verbs = problem.verb === 'get' ? ['get'] : ['list', 'watch'];
      const rule = JSON.stringify({ apiGroups: [groupOf(api.apiVersion)], resources: [api.plural], verbs });
      return `the controller may not ${problem.verb} ${api.plural}: its ClusterRole lacks the rule ${rule}`;
    }
    case 'failing':
      return `${api.plural} cannot be followed and are served as last known: ${problem.reason}`;
  }
}
