// Messages for operators about a kind that cannot be watched: the problem and the remedy.
import { groupOf } from '#api/k8s/kinds.ts';
import type { KindInfo } from '#api/k8s/kinds.ts';
import type { InformerProblem } from './informer.ts';

/** A kind that cannot be watched now. Its last known objects stay in use. */
export interface WatchTrouble {
  readonly problem: InformerProblem;
  /** One sentence with kind, verb, resource and API group, and the missing rule or the CRDs to install. */
  readonly message: string;
  /** False if Weir works without the kind: then only the log and the metric report it. */
  readonly matters: boolean;
}

/** Called when a kind cannot be watched, and with null when it can again. */
export type TroubleListener = (kind: string, trouble: WatchTrouble | null) => void;

/** The sentence. `install` says how to install the kind. */
export function describeProblem(api: Pick<KindInfo, 'apiVersion' | 'kind' | 'plural'>, install: string, problem: InformerProblem): string {
  switch (problem.type) {
    case 'absent':
      return `the API server does not know ${api.kind} of ${api.apiVersion}: ${install}; Weir checks again periodically`;
    case 'forbidden': {
      const verbs = problem.verb === 'get' ? ['get'] : ['list', 'watch'];
      const rule = JSON.stringify({ apiGroups: [groupOf(api.apiVersion)], resources: [api.plural], verbs });
      const { namespace } = problem;
      if (namespace === undefined) return `the controller may not ${problem.verb} ${api.plural}: its ClusterRole lacks the rule ${rule}`;
      return `the controller may not ${problem.verb} ${api.plural} in namespace ${namespace}: its Role there lacks the rule ${rule}`;
    }
    case 'failing':
      return `${api.plural} cannot be watched, the last known ones stay in use: ${problem.reason}`;
  }
}
